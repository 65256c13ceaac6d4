"""The flow that the proof talks to: two questions that insist on an answer, a field, results."""

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5


def drinks() -> dict[str, Any]:
    """Equal whenever it is made, so that paths can be compared."""
    kept = {"type": "set_contact_field", "field": {"key": "drink", "name": "Drink"}, "value": "@results.drink.category"}
    nodes = [
        _node("ask", [_say("Tea or coffee?")], to="hear"),
        _question(
            "hear", "Drink", {"Tea": ("has_any_word", "tea"), "Coffee": ("has_any_word", "coffee")}, "many", "ask"
        ),
        _node("many", [kept, _say("How many cups of @(lower(fields.drink))?")], to="count"),
        _question("count", "Cups", {"Enough": ("has_number_lte", "5")}, "thanks", "many"),
        _node("thanks", [_say("@results.cups.value x @fields.drink, @contact.name.")]),
    ]
    header = {"name": "Drinks", "spec_version": "14.4.2", "language": "eng", "type": "messaging"}
    return {"uuid": _uuid("flow"), **header, "expire_after_minutes": 60, "localization": {}, "nodes": nodes}


def _node(name: str, actions: list[dict[str, Any]], *, to: str = "") -> dict[str, Any]:
    numbered = [{"uuid": _uuid(f"{name} action {place}"), **action} for place, action in enumerate(actions)]
    return {"uuid": _uuid(name), "actions": numbered, "exits": [_exit(f"{name} exit", to)]}


def _question(
    name: str, result: str, answers: Mapping[str, tuple[str, str]], then: str, otherwise: str
) -> dict[str, Any]:
    """Waits for a message; any of the answers leads on, everything else to `otherwise`."""
    ways = {**dict.fromkeys(answers, then), "Other": otherwise}
    cases = [
        {
            "uuid": _uuid(f"{name} {way} case"),
            "type": test,
            "arguments": [word],
            "category_uuid": _uuid(f"{name} {way}"),
        }
        for way, (test, word) in answers.items()
    ]
    router = {
        "type": "switch",
        "operand": "@input.text",
        "wait": {"type": "msg"},
        "result_name": result,
        "cases": cases,
        "categories": [
            {"uuid": _uuid(f"{name} {way}"), "name": way, "exit_uuid": _uuid(f"{name} {way} exit")} for way in ways
        ],
        "default_category_uuid": _uuid(f"{name} Other"),
    }
    return {
        "uuid": _uuid(name),
        "router": router,
        "exits": [_exit(f"{name} {way} exit", to) for way, to in ways.items()],
    }


def _exit(name: str, to: str) -> dict[str, Any]:
    return {"uuid": _uuid(name), "destination_uuid": _uuid(to) if to else None}


def _say(text: str) -> dict[str, Any]:
    return {"type": "send_msg", "text": text}


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"trunkline:proof:{name}"))

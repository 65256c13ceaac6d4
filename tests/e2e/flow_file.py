"""A flow as people export it: a question, three answers, a call to another system."""

import json
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

WORDS = {"Good": "good", "Bad": "bad"}


def survey(calls: str) -> dict[str, Any]:
    """How was the delivery? The other system at `calls` is told; whoever is unhappy is asked what went wrong."""
    names = ("ask", "hear", "tell", "thanks", "sorry", "late")
    ask, hear, tell, thanks, sorry, late = map(_uuid, names)
    targets = {"Good": tell, "Bad": sorry, "Other": ask, "No Response": late}
    exits = {word: _uuid(f"exit {word}") for word in targets}
    router = {
        "type": "switch",
        "operand": "@input.text",
        "cases": [
            {
                "uuid": _uuid(f"case {word}"),
                "type": "has_any_word",
                "arguments": [said],
                "category_uuid": _uuid(f"category {word}"),
            }
            for word, said in WORDS.items()
        ],
        "default_category_uuid": _uuid("category Other"),
        "result_name": "Delivery",
        "categories": [
            {"uuid": _uuid(f"category {word}"), "name": word, "exit_uuid": way} for word, way in exits.items()
        ],
        "wait": {"type": "msg", "timeout": {"seconds": 3600, "category_uuid": _uuid("category No Response")}},
    }
    call = {"type": "call_webhook", "uuid": _uuid("call"), "method": "POST", "url": calls, "body": "{}"}
    asking = {"type": "send_msg", "uuid": _uuid("question"), "text": "How was your delivery?"}
    nodes = [
        _node(ask, [asking | {"quick_replies": ["good", "bad"]}], hear),
        {
            "uuid": hear,
            "actions": [],
            "router": router,
            "exits": [{"uuid": way, "destination_uuid": targets[word]} for word, way in exits.items()],
        },
        _node(tell, [call], thanks),
        _node(thanks, [_message("Glad to hear it, @contact.first_name. Thank you!")], None),
        _node(sorry, [_message("We are sorry. What went wrong?")], None),
        _node(late, [_message("No hurry: you can still answer tomorrow.")], None),
    ]
    places = {ask: (120, 0), hear: (100, 160), tell: (0, 340), thanks: (0, 520), sorry: (230, 340), late: (350, 500)}
    return {
        "uuid": _uuid("flow"),
        "name": "Delivery survey",
        "spec_version": "14.4.2",
        "language": "eng",
        "type": "messaging",
        "expire_after_minutes": 10_080,
        "localization": {},
        "nodes": nodes,
        "_ui": {"nodes": {id: {"position": {"left": x, "top": y}} for id, (x, y) in places.items()}},
    }


def written(path: Path, *flows: dict[str, Any]) -> Path:
    """The file that an export would give."""
    lists: dict[str, Any] = {name: [] for name in ("campaigns", "triggers", "fields", "groups")}
    path.write_text(json.dumps({"version": "13", "site": "https://example.com", "flows": flows, **lists}))
    return path


def _node(uuid: str, actions: list[dict[str, Any]], next: str | None) -> dict[str, Any]:
    return {"uuid": uuid, "actions": actions, "exits": [{"uuid": _uuid(f"out {uuid}"), "destination_uuid": next}]}


def _message(text: str) -> dict[str, Any]:
    return {"type": "send_msg", "uuid": _uuid(text), "text": text}


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, name))

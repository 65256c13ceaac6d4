"""Rule sets of legacy flows as nodes with a router."""

from typing import Any

from msgspec import Struct, field

from trunkline.flows.migrations.legacy import cases
from trunkline.flows.migrations.legacy.actions import flow_of, webhook
from trunkline.flows.migrations.legacy.dialect import Unreadable, as_expression, as_template
from trunkline.flows.migrations.legacy.draft import Draft, by_language
from trunkline.flows.migrations.shape import objects, text
from trunkline.flows.sessions import snakify

Rule = dict[str, Any]

# What a wait was for: the kind of node in the editor, and the hint.
WAITS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "wait_message": ("wait_for_response", None),
    "wait_audio": ("wait_for_audio", {"type": "audio"}),
    "wait_video": ("wait_for_video", {"type": "video"}),
    "wait_photo": ("wait_for_image", {"type": "image"}),
    "wait_gps": ("wait_for_location", {"type": "location"}),
    "wait_recording": ("wait_for_audio", {"type": "audio"}),
    "wait_digit": ("wait_for_menu", {"type": "digits", "count": 1}),
    "wait_digits": ("wait_for_digits", {"type": "digits"}),
}
ENTERED = "@step.value"
LAST_DIGIT = "#"


class Split(Struct, kw_only=True):
    """What a type of rule set comes to: what is split on, what is done before, and what the editor shows."""

    operand: str
    ui: str
    config: dict[str, Any] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    wait: dict[str, Any] | None = None
    result_name: str = ""


def converted(old: Rule, uuid: str, draft: Draft) -> tuple[Rule, Rule]:
    """The node, and the editor's part of it."""
    split = _split(old, draft)
    categories, exits, routing = _routes(old, split, draft)
    router: Rule = {"type": "switch", "operand": split.operand, **routing, "categories": categories}
    if text(old, "ruleset_type") == "random":
        router = {"type": "random", "categories": categories}
    if split.result_name:
        router["result_name"] = split.result_name
    node: Rule = {"uuid": uuid}
    if split.actions:
        node["actions"] = split.actions
    node |= {"router": router, "exits": exits}
    return node, {"type": split.ui, "config": split.config}


def _split(old: Rule, draft: Draft) -> Split:
    kind, label = text(old, "ruleset_type"), text(old, "label")
    config = old.get("config")
    config = config if isinstance(config, dict) else {}
    if kind in WAITS:
        return _wait(old, kind, config, label)
    if kind in ACTIONS:
        return _done_first(old, kind, config, label, draft)
    operand = as_template(text(old, "operand") or ENTERED)
    if kind == "form_field":
        return _delimited(old, config, label)
    if kind == "group":
        return Split(operand="@contact.groups", ui="split_by_groups", config=CASES, result_name=label)
    if kind == "random":
        return Split(operand="", ui="split_by_random", result_name=label)
    ui, shown = _shown(kind, text(old, "operand"))
    return Split(operand=operand, ui=ui, config=shown | CASES, result_name=label)


CASES: dict[str, Any] = {"cases": {}}


def _wait(old: Rule, kind: str, config: Rule, label: str) -> Split:
    ui, hint = WAITS[kind]
    if kind == "wait_digits":
        key = text(old, "finished_key") or text(config, "finished_key") or LAST_DIGIT
        hint = {"type": "digits", "terminated_by": key}
    wait: Rule = {"type": "msg"} | ({"hint": hint} if hint else {})
    operand = as_template(text(old, "operand") or ENTERED)
    return Split(operand=operand, ui=ui, config=CASES, wait=wait, result_name=label)


def _delimited(old: Rule, config: Rule, label: str) -> Split:
    """One field of a text that has several, counted from zero."""
    operand = text(old, "operand") or ENTERED
    index = config.get("field_index")
    index = index if isinstance(index, int) and not isinstance(index, bool) and abs(index) < 10**9 else 0
    delimiter = text(config, "field_delimiter") or " "
    quoted = delimiter.replace('"', '""')
    try:
        whole = as_expression(operand.removeprefix("@"))
        source = as_expression(f'FIELD({operand.removeprefix("@")}, {index + 1}, "{quoted}")').source
    except Unreadable:
        return Split(operand=as_template(operand), ui="split_by_expression", config=CASES, result_name=label)
    key = whole.source.removeprefix("results.")
    shown = {"operand": {"id": key, "type": "result", "name": key}, "index": index, "delimiter": delimiter}
    return Split(operand=f"@({source})", ui="split_by_run_result_delimited", config=shown | CASES, result_name=label)


def _shown(kind: str, operand: str) -> tuple[str, Rule]:
    """The editor's type of a plain split and what it is on."""
    root, _, rest = operand.removeprefix("@").partition(".")
    key = rest.partition(".")[0]
    if kind == "contact_field" and root == "contact" and key:
        type_ = "property" if key in ("name", "language") else "field"
        return "split_by_contact_field", {"operand": {"id": key, "type": type_, "name": key}}
    if kind == "flow_field" and root == "flow" and key:
        return "split_by_run_result", {"operand": {"id": key, "type": "result", "name": key}}
    return "split_by_expression", {}


# What rule sets did before they split on its outcome: the name of the result when there is no other.
ACTIONS = {
    "subflow": ("split_by_subflow", "Subflow"),
    "webhook": ("split_by_webhook", "Webhook"),
    "resthook": ("split_by_resthook", "Resthook"),
    "airtime": ("split_by_airtime", "Airtime"),
}


def _done_first(old: Rule, kind: str, config: Rule, label: str, draft: Draft) -> Split:
    ui, default = ACTIONS[kind]
    uuid = draft.uuid()
    if kind == "subflow":
        enter = {"type": "enter_flow", "uuid": uuid, "flow": flow_of(config)}
        return Split(operand="@child.status", ui=ui, actions=[enter], result_name=label)
    # These save their outcome themselves, as a result with the categories Success and Failure.
    name = label or default
    action = {"uuid": uuid, **_deed(old, kind, config), "result_name": name}
    return Split(operand=f"@results.{snakify(name)}.category", ui=ui, actions=[action])


def _deed(old: Rule, kind: str, config: Rule) -> Rule:
    if kind == "airtime":
        return {"type": "transfer_airtime", "amounts": _amounts(config)}
    if kind == "resthook":
        return {"type": "call_resthook", "resthook": text(config, "resthook")}
    url = text(config, "webhook") or text(old, "webhook")
    method = text(config, "webhook_action") or text(old, "webhook_action") or "GET"
    return {"type": "call_webhook", **webhook(method, url, config.get("webhook_headers"))}


def _amounts(config: Rule) -> Rule:
    """Given by country, each with its currency."""
    countries = {code: country for code, country in config.items() if isinstance(country, dict)}
    return {text(country, "currency_code") or code: country.get("amount", 0) for code, country in countries.items()}


def _routes(old: Rule, split: Split, draft: Draft) -> tuple[list[Rule], list[Rule], Rule]:
    """Categories, exits, and the router's wait, cases and default. Rules of one name and destination share them."""
    categories: list[Rule] = []
    exits: list[Rule] = []
    made: list[Rule] = []
    default, wait = None, split.wait
    seen: dict[tuple[str, Any], str] = {}
    for rule in objects(old, "rules"):
        test = rule.get("test")
        test = test if isinstance(test, dict) else {}
        if test.get("type") == cases.INTERRUPTED:
            continue
        category = _category(rule, seen, categories, exits, draft)
        match test.get("type"):
            case cases.EVERYTHING:
                default = default or category
            case cases.TIMEOUT:
                wait = (wait or {"type": "msg"}) | {"timeout": {"seconds": _seconds(test), "category_uuid": category}}
            case _ if text(old, "ruleset_type") != "random":
                made.append(cases.case(test, category, draft))
    routing: Rule = {"wait": wait} if wait else {}
    return categories, exits, routing | {"cases": made} | ({"default_category_uuid": default} if default else {})


def _category(
    rule: Rule, seen: dict[tuple[str, Any], str], categories: list[Rule], exits: list[Rule], draft: Draft
) -> str:
    uuid = draft.uuid()
    destination = text(rule, "destination") or None
    name = draft.text(uuid, "name", by_language(rule.get("category")))
    if name and (known := seen.get((name, destination))):
        draft.forget(uuid)
        return known
    seen[name, destination] = uuid
    leave = {"uuid": draft.uuid(rule.get("uuid")), "destination_uuid": destination}
    categories.append({"uuid": uuid, "name": name, "exit_uuid": leave["uuid"]})
    exits.append(leave)
    return uuid


def _seconds(test: Rule) -> int:
    minutes = cases.plain(test.get("minutes"))
    whole = str(minutes).partition(".")[0]
    return int(whole) * 60 if whole.isdecimal() and whole.isascii() else 300

"""What the steps of a flow do, in the reader's words: one heading and a text for each action and router."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from trunkline.flows.actions.base import Action
from trunkline.flows.actions.unknown import Unknown
from trunkline.flows.definition import Exit, Node
from trunkline.flows.references import Reference
from trunkline.flows.routers.base import Router
from trunkline.flows.routers.random import Random
from trunkline.flows.routers.switch import Switch
from trunkline.flows.routers.waits import DialWait, MsgWait
from trunkline.web.words import Words


class Phrase(Struct, frozen=True):
    """`kind` colours it: say, change, call, split or wait."""

    heading: str
    text: str
    kind: str


def phrases(node: Node, words: Words) -> list[Phrase]:
    """The actions of a node in order, then how it is left."""
    made = [_action(action, words) for action in node.actions]
    return [*made, *_router(node.router, words)] if node.router else made


def way(node: Node, exit: Exit) -> str:
    """The categories that leave by this exit; empty for the one way on."""
    categories = node.router.categories if node.router else ()
    return ", ".join(category.name for category in categories if category.exit_uuid == exit.uuid)


def _action(action: Action, words: Words) -> Phrase:
    if isinstance(action, Unknown):
        return Phrase(words("Unknown action"), action.named, "change")
    heading, kind = ACTIONS.get(action.type, (action.type, "change"))
    return Phrase(words(heading), _text(action), kind)


def _text(action: Any) -> str:
    """Whom or what it is about, then what is said."""
    about = [_name(getattr(action, name, None)) for name in ("field", "flow", "topic", "llm", "channel", "optin")]
    for name in ("groups", "contacts", "labels"):
        about += [_name(each) for each in getattr(action, name, ())]
    said = [str(getattr(action, name, None) or "") for name in SAID]
    addresses = ", ".join(getattr(action, "addresses", ()))
    whose = ", ".join(filter(None, [*about, addresses, getattr(action, "local", ""), _plain_name(action)]))
    return ": ".join(filter(None, [whose, " · ".join(dict.fromkeys(filter(None, said)))]))


def _plain_name(action: Any) -> str:
    """Of a result, or the contact's new one."""
    name = getattr(action, "name", "")
    return name if isinstance(name, str) else ""


def _name(reference: Any) -> str:
    if not isinstance(reference, Reference):
        return ""
    shown = reference.shown()
    texts = (shown.get(name) for name in ("name", "key", "email", "name_match", "email_match", "uuid"))
    return next((text for text in texts if text), "")


def _router(router: Router, words: Words) -> Iterable[Phrase]:
    match router.wait:
        case MsgWait(timeout=timeout):
            limit = words("at most {seconds} s", seconds=timeout.seconds) if timeout else ""
            yield Phrase(words("Wait for an answer"), limit, "wait")
        case DialWait(phone=phone):
            yield Phrase(words("Call and forward"), phone, "wait")
        case _:
            pass
    saved = words("kept as {name}", name=router.result_name) if router.result_name else ""
    match router:
        case Random():
            yield Phrase(words("Split at random"), saved, "split")
        case Switch(operand=operand):
            about = operand if operand != "@input.text" else ""
            yield Phrase(words("Split by"), " · ".join(filter(None, [about, saved])), "split")


def tests(node: Node) -> Sequence[tuple[str, str]]:
    """Of a switch: what an answer has to be, and the category that it then falls into."""
    router = node.router
    if not isinstance(router, Switch):
        return ()
    names = {category.uuid: category.name for category in router.categories}
    return [
        (f"{case.type.replace('_', ' ')} {', '.join(case.arguments)}".strip(), names.get(case.category_uuid, ""))
        for case in router.cases
    ]


SAID = ("text", "subject", "body", "url", "audio_url", "value", "category", "language", "timezone", "status",
    "instructions", "input", "note", "path", "resthook", "contact_query")  # fmt: skip

ACTIONS = {
    "add_contact_groups": ("Add to groups", "change"),
    "add_contact_urn": ("Add an address", "change"),
    "add_input_labels": ("Label the message", "change"),
    "call_classifier": ("Ask a classifier", "call"),
    "call_llm": ("Ask a model", "call"),
    "call_resthook": ("Call a resthook", "call"),
    "call_webhook": ("Call a webhook", "call"),
    "enter_flow": ("Enter another flow", "split"),
    "open_ticket": ("Open a ticket", "change"),
    "play_audio": ("Play a recording", "say"),
    "remove_contact_groups": ("Remove from groups", "change"),
    "request_optin": ("Ask for an opt-in", "say"),
    "say_msg": ("Say", "say"),
    "send_broadcast": ("Write to others", "say"),
    "send_email": ("Send an email", "say"),
    "send_msg": ("Send a message", "say"),
    "set_contact_channel": ("Set the channel", "change"),
    "set_contact_field": ("Set a field", "change"),
    "set_contact_language": ("Set the language", "change"),
    "set_contact_name": ("Set the name", "change"),
    "set_contact_status": ("Set the status", "change"),
    "set_contact_timezone": ("Set the time zone", "change"),
    "set_run_local": ("Set a variable", "change"),
    "set_run_result": ("Save a result", "change"),
    "start_session": ("Start a flow for others", "call"),
    "transfer_airtime": ("Transfer airtime", "call"),
}

"""Texting: one message in several languages to many contacts, each in the language that they read.

The message runs as a background flow of one node, so that language, channel and expressions are the engine's matter.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from trunkline.core.db import Tx
from trunkline.flows import cast, effects, loading, migrations, running
from trunkline.flows import stock as stocks
from trunkline.flows.definition import Flow
from trunkline.flows.outcomes import BULK
from trunkline.flows.stock import Indexed


async def send(
    tx: Tx,
    message: Mapping[str, Any],
    contacts: Sequence[int],
    flow_id: int | None,
    key: str,
    *,
    evaluate: bool = False,
    broadcast_id: int | None = None,
    lane: int = BULK,
) -> None:
    """Queue a message `{translations: {language: {text, attachments?, quick_replies?}}, base_language}`.

    Its texts go out as they are, or with `evaluate` as templates of the contact. `flow_id` is the flow behind it.
    """
    stock = await stocks.of(tx)
    flow = written(message, evaluate=evaluate)
    stock.definitions.loaded[flow.uuid] = flow
    shown = Indexed(flow_id or 0, flow.uuid, flow.name, flow.type, 0, False, True, 0, False, [])
    members = await cast.load(tx, stock, contacts)
    parts = [
        running.start(stock, member, shown, {"type": "manual"}, f"{key}:{one}", broadcast_id=broadcast_id, lane=lane)
        for member in members.values()
        if (one := member.contact.uuid)
    ]
    done, _ = await running.run(tx, stock, parts)
    stock.definitions.loaded.pop(flow.uuid, None)
    await effects.apply(tx, stock, done)


def written(message: Mapping[str, Any], *, evaluate: bool) -> Flow:
    """The flow that says it. Equal messages make equal flows."""
    identity = msgspec.json.encode(message).decode()
    flow, node, action, way = (str(uuid5(NAMESPACE_OID, f"{part}:{identity}")) for part in ("f", "n", "a", "e"))
    base = message["base_language"]
    translations = {language: _content(given, evaluate) for language, given in message["translations"].items()}
    said = translations.get(base) or next(iter(translations.values()))
    send: dict[str, Any] = {"type": "send_msg", "uuid": action, **said}
    if template := message.get("template"):
        variables = [text if evaluate else _literal(text) for text in message.get("template_variables", ())]
        send |= {"template": template, "template_variables": variables}
    return loading.read(
        {
            "uuid": flow,
            "name": "Message",
            "spec_version": migrations.LATEST,
            "language": base or "und",
            "type": "messaging_background",
            "nodes": [{"uuid": node, "actions": [send], "exits": [{"uuid": way}]}],
            "localization": {
                language: {
                    action: {name: value if isinstance(value, list) else [value] for name, value in given.items()}
                }
                for language, given in translations.items()
                if language != base
            },
        }
    )


def _content(given: Any, evaluate: bool) -> dict[str, Any]:
    given = {"text": given} if isinstance(given, str) else given
    keep = str if evaluate else _literal
    content: dict[str, Any] = {"text": keep(given.get("text") or "")}
    for name in ("attachments", "quick_replies"):
        if given.get(name):
            content[name] = [keep(one if isinstance(one, str) else _reply(one)) for one in given[name]]
    return content


def _literal(text: str) -> str:
    return text.replace("@", "@@")


def _reply(given: Mapping[str, Any]) -> str:
    """A quick reply as one text."""
    kind = "" if given.get("type", "text") == "text" else f"<{given['type']}>"
    extra = f"<extra>{given['extra']}" if given.get("extra") else ""
    return f"{kind}{given.get('text', '')}{extra}"

"""The fixed JSON that subscribers of a resthook are sent."""

from decimal import Decimal
from typing import Any

import msgspec

from trunkline.flows import addresses, channels, objects
from trunkline.flows.addresses import REDACTED
from trunkline.flows.sessions import Input
from trunkline.flows.step import Step


def write(step: Step) -> dict[str, Any]:
    run, contact, heard = step.run, step.contact, step.session.input
    hidden, reached = step.environment.redacts_urns, channels.preferred(step.assets, contact)
    document = {
        "contact": {
            "uuid": contact.uuid,
            "name": contact.name,
            "urn": objects.urn_text(contact.urns[0], hidden) if contact.urns else None,
            "language": contact.language or None,
        },
        "flow": {"uuid": run.flow.uuid, "name": run.flow.name, "revision": run.flow.revision},
        "path": run.path,
        "results": {
            key: {
                "category": result.category,
                "category_localized": result.category_localized or result.category,
                "created_on": result.created_on,
                "input": result.input,
                "name": result.name,
                "node_uuid": result.node_uuid,
                "value": result.value,
            }
            for key, result in run.results.items()
        },
        "run": {"uuid": run.uuid, "created_on": run.created_on},
        "input": _input(heard, hidden) if heard else None,
        "channel": {"uuid": reached.channel.uuid, "name": reached.channel.name} if reached else None,
    }
    return DECODER.decode(ENCODER.encode(document))


def _input(heard: Input, hidden: bool) -> dict[str, Any]:
    pairs = [attachment.partition(":") for attachment in heard.attachments]
    return {
        "attachments": [{"content_type": kind, "url": url} for kind, _, url in pairs],
        "channel": heard.channel,
        "created_on": heard.created_on,
        "text": heard.text,
        "type": heard.type,
        "urn": _urn(heard.urn, hidden) if heard.urn else None,
        "uuid": heard.uuid,
    }


def _urn(text: str, hidden: bool) -> dict[str, Any]:
    urn = addresses.read(text)
    if hidden:
        return {"display": "", "path": REDACTED, "scheme": urn.scheme}
    return {"display": urn.display, "path": urn.path, "scheme": urn.scheme}


ENCODER = msgspec.json.Encoder(decimal_format="number")
DECODER = msgspec.json.Decoder(float_hook=Decimal)

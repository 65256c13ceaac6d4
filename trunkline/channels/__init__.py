"""Channel adapters. `KINDS` is the whole list; a module is imported when a channel of its kind is first used."""

from importlib import import_module

from trunkline.channels.base import Adapter
from trunkline.core.errors import Invalid

KINDS = {
    "custom_http": "trunkline.channels.custom_http:CustomHttp",
    "simulator": "trunkline.channels.simulator:Simulator",
    "sip": "trunkline.channels.sip:Sip",
    "smtp": "trunkline.channels.smtp:Smtp",
    "webchat": "trunkline.channels.webchat:WebChat",
}


def get(kind: str) -> type[Adapter]:
    """The adapter class of a kind; raises `Invalid` for a kind that does not exist."""
    try:
        module, name = KINDS[kind].split(":")
    except KeyError:
        raise Invalid({"kind": [f"Unknown channel kind '{kind}'. Known kinds: {', '.join(sorted(KINDS))}."]}) from None
    return getattr(import_module(module), name)

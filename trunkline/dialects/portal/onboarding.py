"""Onboarding of the portal dialect: what a key can be used with, and requests that work as they stand."""

from typing import Any

from msgspec import Struct

from trunkline.accounts import accounts, api_keys
from trunkline.dialects.base import Call, Data, Tx
from trunkline.dialects.portal.dialect import portal
from trunkline.dialects.portal.message_shapes import MOST_STATUSES
from trunkline.messaging import channels, templates
from trunkline.messaging.channels import Channel
from trunkline.messaging.dispatches import MOST_RECIPIENTS
from trunkline.messaging.templates import Template


class Tenant(Struct):
    id: int
    name: str


class KeyOut(Struct):
    name: str
    scopes: list[str]


class Integration(Struct):
    """`is_pool` marks the platform's shared numbers."""

    id: int
    name: str
    channel: str
    provider: str
    sender: str
    status: str
    is_default: bool
    is_pool: bool


class Default(Struct, omit_defaults=True):
    integration_id: int | None
    sms_routing: str | None = None


class TemplateRef(Struct):
    key: str
    channel: str


class LimitsOut(Struct):
    batch_max: int
    batch_status_max: int


class Example(Struct):
    title: str
    method: str
    path: str
    body: dict[str, Any] | None


class Onboarding(Struct):
    tenant: Tenant
    api_key: KeyOut
    integrations: list[Integration]
    defaults: dict[str, Default]
    templates: list[TemplateRef]
    limits: LimitsOut
    examples: list[Example]


@portal.get("/onboarding", scope="read")
async def discover(tx: Tx, call: Call) -> Data[Onboarding]:
    """Discover integration IDs, defaults, templates and examples for this key."""
    account = await accounts.current(tx)
    key = await api_keys.get(tx, call.caller.key_id or 0)
    own = await channels.all_of(tx)
    shared = await channels.pool(tx, "sms")
    texts = await templates.all_of(tx)
    defaults = _defaults(own, shared)
    return Data(
        Onboarding(
            tenant=Tenant(account.id, account.name),
            api_key=KeyOut(key.name, key.scopes),
            integrations=[_integration(channel) for channel in (*own, *([shared] if shared else []))],
            defaults=defaults,
            templates=[TemplateRef(*pair) for pair in dict.fromkeys((text.key, text.channel) for text in texts)],
            limits=LimitsOut(MOST_RECIPIENTS, MOST_STATUSES),
            examples=_examples(own, shared, texts),
        )
    )


def _integration(channel: Channel) -> Integration:
    status = "inactive" if not channel.active else "trouble" if channel.trouble else "active"
    return Integration(
        channel.id, channel.name, channel.sends_as, channel.kind, channel.address, status, channel.is_default,
        channel.pool,
    )  # fmt: skip


def _defaults(own: list[Channel], shared: Channel | None) -> dict[str, Default]:
    ids = {kind: _default(own, kind) for kind in ("sms", "email", "whatsapp", "voice")}
    defaults = {kind: Default(channel.id if channel else None) for kind, channel in ids.items()}
    routing = "integration" if ids["sms"] else "platform" if shared else None
    return {**defaults, "sms": Default(defaults["sms"].integration_id, routing)}


def _default(own: list[Channel], kind: str) -> Channel | None:
    usable = [channel for channel in own if channel.sends_as == kind and channel.active]
    return min(usable, key=lambda channel: not channel.is_default, default=None)


def _examples(own: list[Channel], shared: Channel | None, texts: list[Template]) -> list[Example]:
    examples = [Example("List contacts", "GET", f"{PATH}/contacts?per_page=50", None)]
    for kind, (title, to) in MESSAGES.items():
        channel = _default(own, kind) or (shared if kind == "sms" else None)
        said = _said(kind, texts)
        if channel is None or said is None:
            continue
        way: dict[str, Any] = {"sms_routing": "platform"} if channel.pool else {"integration_id": channel.id}
        one = {**way, "channel": kind, "to": to, **said}
        many = {**way, "channel": kind, **said, "recipients": [{"to": to}]}
        examples.append(Example(f"Send {title}", "POST", f"{PATH}/messages/send", one))
        examples.append(Example(f"Send {title} to many", "POST", f"{PATH}/messages/send-batch", many))
    if voice := _default(own, "voice"):
        said = {"to": "+40740111222", "message": "Hello, this is a reminder for your appointment tomorrow."}
        call = {"integration_id": voice.id, **said}
        examples.append(Example("Initiate a voice call", "POST", f"{PATH}/calls/initiate", call))
    contact = {"name": "Maria Ionescu", "email": "maria@example.com", "tags": ["vip"]}
    return [*examples, Example("Create a contact", "POST", f"{PATH}/contacts", contact)]


def _said(kind: str, texts: list[Template]) -> dict[str, Any] | None:
    """A template of the account with a value for each variable, or a text where a text reaches anybody."""
    usable = next((text for text in texts if text.channel == kind and text.status == "approved"), None)
    if usable is None:
        return WORDS.get(kind)
    return {"template_key": usable.key, "variables": {name: f"({name})" for name in usable.variables}}


PATH = "/integrations"
MESSAGES = {
    "sms": ("SMS", "+40740111222"),
    "email": ("email", "client@example.com"),
    "whatsapp": ("WhatsApp", "+40740111222"),
}
WORDS = {
    "sms": {"body": "Hello {{name}}", "variables": {"name": "Andrei"}},
    "email": {"subject": "Your order", "body": "<h1>Hello</h1><p>Your order is confirmed.</p>"},
}

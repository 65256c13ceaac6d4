"""Channel set-up: what a kind asks for, changing what was given, and trying whether it works."""

import re
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.inspect import BoolType, Field, FloatType, IntType, LiteralType, StrType

from trunkline import channels as adapters
from trunkline.accounts import audit
from trunkline.contacts import people
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.tools import Tools
from trunkline.core.urns import BadUrn
from trunkline.core.urns import make as make_urn
from trunkline.messaging import calls, channels, dispatches, sending
from trunkline.messaging.calls import Order
from trunkline.messaging.channels import Channel, Sealed
from trunkline.messaging.dispatches import Dispatch, Item, Taken
from trunkline.messaging.sending import Draft, Queued


class Asked(Struct, frozen=True):
    """A setting of a kind. `type` is text, number, choice, flag, secret or key (a secret of many lines)."""

    name: str
    type: str
    required: bool
    default: str
    choices: list[str]


def asked(kind: str) -> list[Asked]:
    """What a workspace may set for a kind, in the order of its adapter. What opens a door of ours is the operator's."""
    fields: tuple[Field, ...] = getattr(msgspec.inspect.type_info(adapters.get(kind).Config), "fields", ())
    return [_asked(field) for field in fields if (kind, field.encode_name) not in OPERATORS]


def shown(tools: Tools, channel: Channel) -> dict[str, str]:
    """The settings of a channel without its secrets, which are never shown again."""
    kept = channels.open_sealed(tools, channel).settings
    return {one.name: _written(kept[one.name]) for one in asked(channel.kind) if one.name in kept and not _hidden(one)}


def has_secrets(tools: Tools, channel: Channel) -> set[str]:
    """Which secrets were given."""
    kept = channels.open_sealed(tools, channel).settings
    return {one.name for one in asked(channel.kind) if _hidden(one) and kept.get(one.name)}


async def connect(tx: Tx, kind: str, name: str, address: str, given: dict[str, str]) -> tuple[Channel, str]:
    """A new channel and its secret, shown once. What was left empty is left to the adapter."""
    if not 1 <= len(name) <= MOST_NAME:
        raise Invalid({"name": [f"A name has 1 to {MOST_NAME} characters."]})
    values = {one.name: given[one.name] for one in asked(kind) if given.get(one.name)}
    channel, secret = await channels.create(tx, kind, name, address, values)
    await audit.record(tx, "channel.created", f"channel:{channel.id}", {"kind": kind, "name": name})
    return channel, secret


async def change(tx: Tx, id: int, name: str, address: str, given: dict[str, str]) -> Channel:
    """Other settings for an account's own channel. A secret that is left empty stays; what it is never changes."""
    channel = await own(tx, id)
    if not 1 <= len(name) <= MOST_NAME:
        raise Invalid({"name": [f"A name has 1 to {MOST_NAME} characters."]})
    tools: Tools = tx.database.tools
    sealed = channels.open_sealed(tools, channel)
    kept = dict(sealed.settings)
    for one in asked(channel.kind):
        if one.name == KIND_OF or one.name not in given or (_hidden(one) and not given[one.name]):
            continue
        kept.pop(one.name, None)
        if given[one.name]:
            kept[one.name] = given[one.name]
    config = channels.check(tools, adapters.get(channel.kind), kept)
    config_bytes = msgspec.json.encode(Sealed(sealed.secret, kept))
    row = (
        name,
        name.casefold(),
        address,
        tools.vault.seal(config_bytes, aad=f"channel:{channel.uuid}"),
        getattr(config, "rate", None) or None,
        getattr(config, "semantics", None) or channel.semantics,
    )
    if not await tx.run(CHANGE, tx.account, id, *row):
        raise Conflict("channel_exists", f"A channel named '{name}' exists already.", field="name")
    await audit.record(tx, "channel.changed", f"channel:{id}", {"name": name})
    return await own(tx, id)


async def switch(tx: Tx, id: int, *, on: bool) -> Channel:
    """Let a channel send, or not: what is its turn while it is off fails. What comes in is taken all the same."""
    channel = await own(tx, id)
    if await tx.run(SWITCH, tx.account, id, on):
        await audit.record(tx, "channel.switched", f"channel:{id}", {"on": on})
    return channel


async def remove(tx: Tx, id: int) -> Channel:
    channel = await channels.delete(tx, (await own(tx, id)).uuid)
    await audit.record(tx, "channel.deleted", f"channel:{id}", {"name": channel.name})
    return channel


async def own(tx: Tx, id: int) -> Channel:
    """A channel that belongs to the account itself; the operator's is not its to look into."""
    channel = await channels.get(tx, id)
    if channel.pool:
        raise NotFound("channel", id)
    return channel


async def try_out(tx: Tx, channel: Channel, to: str, text: str) -> int:
    """Send a message to an address through the real pipeline, whatever it costs; the number of the message."""
    if not channel.active:
        raise Conflict("channel_off", "This channel is switched off.", field="to")
    match channel.sends_as:
        case "voice":
            return (await calls.initiate(tx, Order(to=to, message=text, integration_id=channel.id))).id
        case "custom":
            return await _try_custom(tx, channel, to, text)
        case "sms" | "email" | "whatsapp":
            subject = text[:MOST_SUBJECT] if channel.sends_as == "email" else None
            order = Dispatch(channel=channel.sends_as, body=text, subject=subject, integration_id=channel.id)
            [outcome] = (await dispatches.send(tx, order, Item(to))).outcomes
            assert isinstance(outcome, Taken)
            return outcome.queued.id
        case _:
            raise Invalid({"to": ["Visitors write first here: open the chat window on a page."]})


async def _try_custom(tx: Tx, channel: Channel, to: str, text: str) -> int:
    try:
        urn = make_urn(channel.schemes[0], to)
    except BadUrn as error:
        raise Invalid({"to": [str(error)]}) from None
    [(contact, _)] = await people.get_or_create(tx, [urn], source="dashboard")
    [queued] = await sending.queue_many(tx, channel, [Draft(contact_id=contact, to=urn, text=text)])
    if not isinstance(queued, Queued):
        raise Invalid({"to": [queued.message]})
    return queued.id


def _asked(field: Field) -> Asked:
    given = field.type
    choices = [str(value) for value in given.values] if isinstance(given, LiteralType) else []
    name = field.encode_name
    match given:
        case LiteralType():
            type = "choice"
        case BoolType():
            type = "flag"
        case IntType() | FloatType():
            type = "number"
        case StrType() if name.endswith("_key"):
            type = "key"
        case _:
            type = "secret" if SECRET.search(name) else "text"
    default = "" if field.default in (msgspec.NODEFAULT, None) else _written(field.default)
    return Asked(name, type, field.required, default, choices)


def _hidden(one: Asked) -> bool:
    return one.type in ("secret", "key")


def _written(value: Any) -> str:
    """As a form has it: whole numbers without a point, yes as 1."""
    if isinstance(value, bool):
        return "1" if value else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


KIND_OF = "as"
MOST_NAME = 64
MOST_SUBJECT = 80
SECRET = re.compile("password|secret|token")
OPERATORS = {("smtp", "listen")}

CHANGE = sql("""
    update channels set name = $3, name_key = $4, address = $5, config = $6, rate = $7, semantics = $8, trouble = null
    where account_id = $1 and id = $2 and deleted_at is null and not exists (
        select from channels o where o.account_id = $1 and o.name_key = $4 and o.id <> $2 and o.deleted_at is null)
""")

SWITCH = sql("""
    update channels set active = $3
    where account_id = $1 and id = $2 and deleted_at is null and active is distinct from $3
""")

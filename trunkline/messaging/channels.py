"""Channels: the connections through which an account sends and receives. Settings are sealed at rest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline import channels as adapters
from trunkline.channels.base import Adapter, Identity
from trunkline.core import ids, problems
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.tools import Tools
from trunkline.messaging.events import ChannelCreated, ChannelTroubled

POOL = 0
"""The operator's account: its channels may be used by every workspace, paid by credits."""


class Channel(Struct, frozen=True):
    account_id: int
    id: int
    uuid: UUID
    kind: str
    sends_as: str
    name: str
    address: str
    schemes: list[str]
    semantics: str
    rate: float | None
    is_default: bool
    active: bool
    trouble: str | None
    config: bytes

    @property
    def pool(self) -> bool:
        return self.account_id == POOL

    @property
    def callback_path(self) -> str:
        return f"/c/{self.kind}/{self.uuid}/"


class Sealed(Struct, frozen=True):
    """What `config` holds once opened."""

    secret: str
    settings: dict[str, Any]


async def create(tx: Tx, kind: str, name: str, address: str, settings: dict[str, Any]) -> tuple[Channel, str]:
    """Connect a channel; returns it and its secret, which authenticates callbacks and is shown once.

    Addresses in the settings pass the egress guard by their form; names are judged when they are used.
    """
    adapter = adapters.get(kind)
    secret = str(settings.pop("secret", "") or ids.token(40))
    config = check(tx.database.tools, adapter, settings)
    uuid = ids.new_uuid()
    sealed = _seal(tx.database.tools, uuid, Sealed(secret, settings))
    sends_as = getattr(config, "sends_as", None) or adapter.sends_as
    rate = getattr(config, "rate", None) or None
    schemes = adapter.schemes_of(config)
    semantics = getattr(config, "semantics", None) or adapter.semantics
    columns = (uuid, kind, sends_as, name, name.casefold(), address, schemes, sealed, semantics, rate)
    channel = await tx.maybe(Channel, INSERT, tx.account, *columns)
    if channel is None:
        raise Conflict("channel_exists", f"A channel named '{name}' exists already.")
    tx.record(ChannelCreated(channel.id, kind))
    return channel, secret


def check(tools: Tools, adapter: type[Adapter], settings: dict[str, Any]) -> Any:
    """The typed settings of a kind; raises `Invalid` with a sentence for the setting that is wrong."""
    known = {field.encode_name for field in msgspec.structs.fields(adapter.Config)}
    if unknown := sorted(set(settings) - known):
        raise Invalid({unknown[0]: [f"Unknown setting. {adapter.kind} takes: {', '.join(sorted(known))}."]})
    config = problems.convert(adapter.Config, settings, strict=False)
    adapter.check(config, tools.egress)
    return config


async def get(tx: Tx, id: int) -> Channel:
    channel = await tx.maybe(Channel, SELECT, tx.account, id)
    if channel is None:
        raise NotFound("channel", id)
    return channel


async def with_deleted(tx: Tx, id: int) -> Channel:
    """A channel even when it was disconnected: `active` is False then."""
    return await tx.one(Channel, ANY, tx.account, id)


async def by_uuid(database: Database, kind: str, uuid: UUID) -> Channel | None:
    """The channel that a provider's callback names, of whatever account."""
    async with database.system() as tx:
        return await tx.maybe(Channel, BY_UUID, uuid, kind)


async def by_id(database: Database, kind: str, id: int) -> Channel | None:
    """The same by number, for a public address that names it so."""
    async with database.system() as tx:
        return await tx.maybe(Channel, BY_ID, id, kind)


async def of_kind(database: Database, kind: str) -> list[Channel]:
    """The active channels of a kind, of all accounts."""
    async with database.system() as tx:
        return await tx.fetch(Channel, OF_KIND, kind)


async def by_name(tx: Tx, name: str, kind: str | None = None) -> Channel | None:
    """A channel of this account by its name, as the connector's `customChannel` gives it."""
    return await tx.maybe(Channel, BY_NAME, tx.account, name.casefold(), kind)


async def all_of(tx: Tx, sends_as: str | None = None) -> list[Channel]:
    """The living channels of this account, oldest first."""
    return await tx.fetch(Channel, ALL, tx.account, sends_as)


async def birthdays(tx: Tx) -> dict[int, datetime]:
    """When the living channels of this account were connected."""
    return dict(await tx.rows(CONNECTED, tx.account))


async def pool(tx: Tx, sends_as: str) -> Channel | None:
    """The operator's channel for a kind, the default first."""
    return await tx.maybe(Channel, FROM_POOL, POOL, sends_as)


async def choose(tx: Tx, sends_as: str, id: int | None = None, routing: str | None = None) -> Channel:
    """Which channel carries a message: the named one, else the platform's pool, else the account's default.

    A pool serves SMS and calls. `routing` matters for SMS only: "platform" wants the pool and falls back to the
    account's own channel, "integration" wants the own one, "auto" takes the own one first.
    """
    if id is not None:
        channel = await tx.maybe(Channel, SELECT, tx.account, id)
        if channel is None:
            raise Invalid({"integration_id": ["There is no such integration."]}, code="integration_not_found")
        if channel.sends_as != sends_as:
            raise Invalid(
                {"integration_id": [f"This integration sends {channel.sends_as}, not {sends_as}."]},
                code="integration_channel_mismatch",
            )
        return channel
    own = await all_of(tx, sends_as)
    own.sort(key=lambda channel: not channel.is_default)
    shared = await pool(tx, sends_as) if sends_as in ("sms", "voice") and routing != "integration" else None
    order: Sequence[Channel | None] = [shared, *own] if routing == "platform" else [*own, shared]
    for channel in order:
        if channel is not None and channel.active:
            return channel
    raise Invalid(
        {"channel": [f"No {sends_as} channel is connected. Connect one, or name an integration_id."]},
        code="no_route",
    )


async def make_default(tx: Tx, id: int) -> None:
    """Make a channel the account's default for its kind."""
    channel = await get(tx, id)
    await tx.run(MAKE_DEFAULT, tx.account, channel.id, channel.sends_as)


async def set_trouble(database: Database, channel: Channel, trouble: str | None) -> None:
    """Note why a channel cannot send, or that it can again."""
    async with database.system(channel.account_id) as tx:
        if await tx.run(SET_TROUBLE, channel.account_id, channel.id, trouble) and trouble:
            tx.record(ChannelTroubled(channel.id, trouble))


async def delete(tx: Tx, uuid: UUID) -> Channel:
    """Disconnect a channel. What waits on it fails when it is its turn."""
    channel = await tx.maybe(Channel, DELETE, tx.account, uuid)
    if channel is None:
        raise NotFound("channel", uuid)
    return channel


def open_sealed(tools: Tools, channel: Channel) -> Sealed:
    return msgspec.json.decode(tools.vault.open(channel.config, aad=f"channel:{channel.uuid}"), type=Sealed)


def adapter(tools: Tools, channel: Channel) -> Adapter:
    """A new adapter for a channel, its settings opened."""
    cls = adapters.get(channel.kind)
    sealed = open_sealed(tools, channel)
    config = msgspec.convert(sealed.settings, cls.Config, strict=False)
    identity = Identity(channel.account_id, channel.id, channel.name, channel.address)
    return cls(config, channel=identity, secret=sealed.secret)


def _seal(tools: Tools, uuid: UUID, sealed: Sealed) -> bytes:
    return tools.vault.seal(msgspec.json.encode(sealed), aad=f"channel:{uuid}")


COLUMNS = """account_id, id, uuid, kind, sends_as, name, address, schemes, semantics, rate, is_default, active,
    trouble, config"""

INSERT = sql(f"""
    insert into channels (account_id, uuid, kind, sends_as, name, name_key, address, schemes, config, semantics, rate,
        is_default)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, not exists (
        select from channels where account_id = $1 and sends_as = $4 and deleted_at is null))
    on conflict (account_id, name_key) where deleted_at is null do nothing
    returning {COLUMNS}
""")

SELECT = sql(f"""
    select {COLUMNS} from channels where account_id in ($1, 0) and id = $2 and deleted_at is null
""")

ANY = sql(f"select {COLUMNS} from channels where account_id in ($1, 0) and id = $2")

BY_UUID = sql(
    f"select {COLUMNS} from channels where uuid = $1 and kind = $2 and deleted_at is null",
    system=True,
)

BY_ID = sql(f"select {COLUMNS} from channels where id = $1 and kind = $2 and deleted_at is null", system=True)

OF_KIND = sql(
    f"select {COLUMNS} from channels where kind = $1 and active and deleted_at is null order by id", system=True
)

BY_NAME = sql(f"""
    select {COLUMNS} from channels
    where account_id = $1 and name_key = $2 and ($3::text is null or kind = $3) and deleted_at is null
""")

ALL = sql(f"""
    select {COLUMNS} from channels
    where account_id = $1 and ($2::text is null or sends_as = $2) and deleted_at is null order by id
""")

CONNECTED = sql("select id, created_at from channels where account_id = $1 and deleted_at is null")

FROM_POOL = sql(f"""
    select {COLUMNS} from channels
    where account_id = $1 and sends_as = $2 and active and deleted_at is null order by is_default desc, id limit 1
""")

MAKE_DEFAULT = sql("update channels set is_default = id = $2 where account_id = $1 and sends_as = $3")

SET_TROUBLE = sql(
    "update channels set trouble = $3 where account_id = $1 and id = $2 and trouble is distinct from $3",
    system=True,
)

DELETE = sql(f"""
    update channels set deleted_at = now(), is_default = false, active = false
    where account_id = $1 and uuid = $2 and deleted_at is null returning {COLUMNS}
""")

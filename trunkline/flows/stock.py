"""The stock: what a workspace has that flows work with, read from the database and kept in memory.

Whoever changes a field, channel, group, flow … adds to a count in the same transaction (by triggers); a process reads
that count and loads anew when it has moved. Definitions are decoded once for each revision.
"""

import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from trunkline.accounts import accounts, settings
from trunkline.contacts import environments
from trunkline.core.db import Database, Tx, sql
from trunkline.expressions.environment import Environment
from trunkline.flows import loading, shelves
from trunkline.flows.assets import Assets
from trunkline.flows.definition import Flow
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel

MOST_STOCKS = 200
MOST_FLOWS = 2000


class Indexed(Struct, frozen=True):
    """A flow as far as it is known without its definition. `enters` are the flows that it refers to."""

    id: int
    uuid: str
    name: str
    type: str
    revision: int
    archived: bool
    valid: bool
    expires_after: int
    ignores_triggers: bool
    enters: list[str]


class Rule(Struct, frozen=True):
    id: int
    uuid: UUID
    kind: str
    flow_id: int
    channel_id: int | None
    keywords: list[str]
    match: str | None
    referrer: str | None
    groups: list[int]
    exclude_groups: list[int]


class Definitions:
    """The flows of one workspace for its assets: what `Stock.ready` has loaded, asked for by uuid or name."""

    def __init__(self, index: Iterable[Indexed]):
        self.index = {flow.uuid: flow for flow in index}
        self.loaded: dict[str, Flow] = {}

    def by_uuid(self, uuid: str) -> Flow | None:
        return self.loaded.get(uuid)

    def by_name(self, name: str) -> Flow | None:
        wanted = name.strip().lower()
        return next((flow for flow in self.loaded.values() if flow.name.strip().lower() == wanted), None)


class Stock:
    """One version of a workspace. The maps lead from public to stored ids."""

    def __init__(self, version: tuple[int, int], environment: Environment, definitions: Definitions, **parts: Any):
        self.version = version
        self.settled = True
        """Whether all of it is committed, so that it may be kept for others."""
        self.environment = environment
        self.definitions = definitions
        self.channels: dict[str, Channel] = parts["channels"]
        self.channel_uuids = {channel.id: uuid for uuid, channel in self.channels.items()}
        self.groups: dict[str, int] = parts["groups"]
        self.group_uuids = {id: uuid for uuid, id in self.groups.items()}
        self.labels: dict[str, int] = parts["labels"]
        self.topics: dict[str, int] = parts["topics"]
        self.topic_uuids = {id: uuid for uuid, id in self.topics.items()}
        self.users: dict[str, int] = parts["users"]
        self.user_uuids = {id: uuid for uuid, id in self.users.items()}
        self.templates: dict[str, int] = parts["templates"]
        self.triggers: list[Rule] = parts["triggers"]
        self.flow_ids = {uuid: flow.id for uuid, flow in definitions.index.items()}
        self.flows = {flow.id: flow for flow in definitions.index.values()}
        self.assets = Assets(definitions, **parts["assets"])

    def flow(self, id: int) -> Indexed | None:
        """A flow that can be started: neither archived nor broken."""
        found = self.flows.get(id)
        return found if found and not found.archived and found.valid else None

    def named(self, uuid: str) -> Indexed | None:
        return self.definitions.index.get(uuid)

    async def ready(self, tx: Tx, uuids: Iterable[str]) -> None:
        """Have these flows, and all that they refer to, in memory before the engine asks for them."""
        wanted = [uuid for uuid in dict.fromkeys(uuids) if uuid not in self.definitions.loaded]
        seen: set[str] = set()
        while wanted:
            flows = [self.definitions.index[uuid] for uuid in wanted if uuid in self.definitions.index]
            flows = [flow for flow in flows if flow.valid and not flow.archived]
            for flow, definition in zip(flows, await _definitions(tx, flows, keep=self.settled), strict=True):
                if definition is not None:
                    self.definitions.loaded[flow.uuid] = definition
            seen.update(wanted)
            following = dict.fromkeys(uuid for flow in flows for uuid in flow.enters)
            wanted = [uuid for uuid in following if uuid not in seen and uuid not in self.definitions.loaded]


async def of(tx: Tx) -> Stock:
    """The stock of the transaction's account, as fresh as its own writes; what may be taken back is not kept."""
    known = STOCKS.setdefault(tx.database, {})
    [(changes, pool, own)] = await tx.rows(VERSION, tx.account)
    stock = known.get(tx.account)
    if stock is not None and stock.version == (changes, pool) and not own:
        return stock
    own = await tx.run(DEFAULT_TOPIC, tx.account) > 0 or own
    stock = await _load(tx, (changes, pool))
    stock.settled = not own
    if stock.settled:
        if len(known) >= MOST_STOCKS:
            known.pop(next(iter(known)))
        known[tx.account] = stock
    return stock


def unpacked(definition: bytes) -> dict[str, Any]:
    """A stored definition as it was saved, its numbers exact."""
    return DECODER.decode(zlib.decompress(definition))


async def _load(tx: Tx, version: tuple[int, int]) -> Stock:
    account = await accounts.current(tx)
    environment = await environments.of_account(tx)
    if settings.value(account, "anon"):
        environment = msgspec.structs.replace(environment, redaction_policy="urns")
    living = await tx.fetch(Channel, CHANNELS, tx.account)
    rows = await shelves.rows(tx)
    return Stock(
        version,
        environment,
        Definitions(await tx.fetch(Indexed, INDEX, tx.account)),
        channels={str(channel.uuid): channel for channel in living},
        triggers=await tx.fetch(Rule, TRIGGERS, tx.account),
        assets=shelves.filled(tx.database.tools, rows, living),
        templates={uuid: id for id, uuid, *_ in rows["templates"]},
        **{kind: {row[1]: row[0] for row in rows[kind]} for kind in ("groups", "labels", "topics", "users")},
    )


async def _definitions(tx: Tx, flows: list[Indexed], *, keep: bool) -> list[Flow | None]:
    """Decoded definitions, None for what cannot be run; each revision is decoded once."""
    kept = FLOWS.setdefault(tx.database, {})
    if not keep:
        kept = dict(kept)
    keys = [(tx.account, flow.id, flow.revision) for flow in flows]
    missing = [key for key in keys if key not in kept]
    if missing:
        if len(kept) + len(missing) > MOST_FLOWS:
            kept.clear()
        ids, revisions = [key[1] for key in missing], [key[2] for key in missing]
        for id, revision, definition in await tx.rows(DEFINITIONS, tx.account, ids, revisions):
            kept[tx.account, id, revision] = _decoded(definition)
    return [kept.get(key) for key in keys]


def _decoded(definition: bytes) -> Flow | None:
    try:
        return loading.load(unpacked(definition), strict=False)
    except (InvalidFlow, UnsupportedVersion):
        return None


STOCKS: WeakKeyDictionary[Database, dict[int, Stock]] = WeakKeyDictionary()
FLOWS: WeakKeyDictionary[Database, dict[tuple[int, int, int], Flow | None]] = WeakKeyDictionary()

DECODER = msgspec.json.Decoder(float_hook=Decimal)

# Channels of the pool are the operator's, so their changes are not among the account's.
VERSION = sql("""
    select coalesce(sum(value), 0)::bigint,
        coalesce((select sum(id * 2 + active::int) from channels
            where account_id = 0 and deleted_at is null), 0)::bigint,
        coalesce(bool_or(xmin = pg_current_xact_id_if_assigned()::xid), false)
    from tallies where account_id = $1 and name = 'assets'
""")

DEFAULT_TOPIC = sql("""
    insert into topics (account_id, uuid, name, name_key)
    select $1, gen_random_uuid(), 'General', 'general' where not exists (
        select from topics where account_id = $1 and name_key = 'general')
    on conflict (account_id, name_key) do nothing
""")

# Of channels that fit a number equally the last one is taken, of others the first: there the default stands. The pool
# stands in for SMS only.
CHANNELS = sql(f"""
    select {channels.COLUMNS} from channels c
    where c.deleted_at is null and (c.account_id = $1 or c.account_id = 0 and c.sends_as = 'sms' and not exists (
        select from channels o where o.account_id = $1 and o.sends_as = 'sms' and o.active and o.deleted_at is null))
    order by c.is_default = ('tel' = any(c.schemes)), c.id
""")

INDEX = sql("""
    select id, uuid::text, name, type, revision, archived, valid, expires_after, ignores_triggers,
        array(select d ->> 'uuid' from jsonb_array_elements(coalesce(info -> 'dependencies', '[]')) d
            where d ->> 'type' = 'flow') as enters
    from flows where account_id = $1 order by archived, id
""")

DEFINITIONS = sql("""
    select r.flow_id, r.revision, r.definition from unnest($2::bigint[], $3::int[]) as wanted (flow_id, revision)
    join flow_revisions r on r.account_id = $1 and r.flow_id = wanted.flow_id and r.revision = wanted.revision
""")

TRIGGERS = sql("""
    select id, uuid, kind, flow_id, channel_id, keywords, match, referrer, groups, exclude_groups
    from flow_triggers where account_id = $1 and not archived order by id desc
""")

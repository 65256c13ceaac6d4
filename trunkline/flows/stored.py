"""Flows as they are kept: one row each, one definition for each revision."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.contacts import names
from trunkline.core.db import Tx, json_text, sql
from trunkline.core.errors import Conflict, NotFound
from trunkline.flows import inspection, loading, migrations, stock
from trunkline.flows.catalogue import Catalogue
from trunkline.flows.facts import FlowsArchived, FlowSaved
from trunkline.flows.faults import InvalidFlow

REVISIONS_KEPT = 100


class Stored(Struct, frozen=True):
    """`info` is what inspection found: counts, dependencies, results, parent_refs, locals, issues."""

    id: int
    uuid: UUID
    name: str
    type: str
    spec: str
    revision: int
    expires_after: int
    ignores_triggers: bool
    valid: bool
    info: dict[str, Any]
    archived: bool
    created_by: str
    created_at: datetime
    modified_at: datetime


async def save(tx: Tx, definition: Mapping[str, Any]) -> Stored:
    """Keep a definition under its uuid: a new flow, or the next revision of one that is there.

    It is brought to the newest version. What does not load is kept all the same and cannot be run; `info` says why.
    Nothing is written when nothing differs.
    """
    return (await save_many(tx, [definition]))[0]


async def save_many(tx: Tx, definitions: Sequence[Mapping[str, Any]]) -> list[Stored]:
    """The same for several, in order; raises `Conflict` for a name that another flow has."""
    if not definitions:
        return []
    migrated = [_migrated(definition) for definition in definitions]
    catalogue = await _catalogue(tx, migrated)
    readied = [_readied(document, catalogue) for document in migrated]
    before = {row[0]: row[1:] for row in await tx.rows(LATEST, tx.account, [one.uuid for one in readied])}
    changed = []
    for one in readied:
        id, revision, kept, archived, name = before.get(one.uuid, (None, 0, None, False, ""))
        if archived or kept is None or name != one.name or not _same(stock.unpacked(kept), one.document):
            changed.append((one, id, revision + 1))
    try:
        ids = await _write(tx, changed)
    except Taken as error:
        raise Conflict("flow_exists", f"A flow named {error} already exists.", field="name") from None
    for id, (_, _, revision) in zip(ids, changed, strict=True):
        tx.record(FlowSaved(id, revision))
    found = await by_uuid(tx, [one.uuid for one in readied])
    return [found[one.uuid] for one in readied]


async def get(tx: Tx, id: int) -> Stored:
    flow = await tx.maybe(Stored, BY_ID, tx.account, id) if 0 < id < 2**63 else None
    if flow is None:
        raise NotFound("flow", id)
    return flow


async def by_uuid(tx: Tx, uuids: Sequence[UUID]) -> dict[UUID, Stored]:
    return {flow.uuid: flow for flow in await tx.fetch(Stored, BY_UUIDS, tx.account, list(uuids))}


async def by_ids(tx: Tx, ids: Sequence[int]) -> list[Stored]:
    """Those that are there, in no order."""
    return await tx.fetch(Stored, BY_IDS, tx.account, list(ids)) if ids else []


async def find(tx: Tx, name: str) -> Stored | None:
    """The flow in use with this name, however it is written."""
    return await tx.maybe(Stored, BY_NAME, tx.account, names.key(name))


async def page(
    tx: Tx, *, archived: bool | None = None, type: str | None = None, after: int = 0, limit: int = 250
) -> list[Stored]:
    """In the order in which they were made, those after `after`."""
    return await tx.fetch(Stored, PAGE, tx.account, archived, type, after, limit)


async def restore(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Bring archived flows back; raises `Conflict` when a name was given away meanwhile."""
    if name := await tx.value(str, RIVALS, tx.account, list(ids)):
        raise Conflict("flow_exists", f"A flow named {name} already exists.", field="name")
    restored = await tx.column(int, RESTORE, tx.account, list(ids))
    if restored:
        tx.record(FlowsArchived(restored, archived=False))
    return restored


class Taken(Exception):
    """Another flow has the name."""


class _Readied(Struct, frozen=True):
    uuid: UUID
    name: str
    type: str
    spec: str
    expires_after: int
    ignores_triggers: bool
    valid: bool
    info: dict[str, Any]
    document: dict[str, Any]


def _migrated(definition: Mapping[str, Any]) -> dict[str, Any]:
    loading.check_depth(definition)
    return migrations.migrate(dict(definition))


async def _catalogue(tx: Tx, documents: Sequence[dict[str, Any]]) -> Catalogue:
    """What the workspace has, these flows included."""
    known = await stock.of(tx)
    flows = [{"uuid": uuid, "name": flow.name} for uuid, flow in known.definitions.index.items() if not flow.archived]
    lists: dict[str, Any] = {"flows": flows + [{"uuid": one.get("uuid"), "name": one.get("name")} for one in documents]}
    for kind in ("channels", "groups", "labels", "llms", "templates", "topics", "users", "fields", "globals"):
        lists[kind] = msgspec.to_builtins(list(getattr(known.assets, kind).values()))
    return Catalogue(lists)


def _readied(document: dict[str, Any], catalogue: Catalogue) -> _Readied:
    header = _header(document)
    try:
        flow = loading.read(document, strict=False)
        info, valid = inspection.inspect(flow, catalogue), True
    except InvalidFlow as error:
        info, valid = {"issues": [{"type": "invalid_flow", "description": error.message}]}, False
    return _Readied(
        uuid=UUID(header.uuid),
        name=header.name,
        type=header.type,
        spec=header.spec_version,
        expires_after=header.expire_after_minutes,
        ignores_triggers=bool(document.get("ignore_triggers")),
        valid=valid,
        info=info,
        document=document,
    )


def _header(document: dict[str, Any]) -> loading.Header:
    """Of a flow that does not load, what can be read; without a uuid and a name it cannot be kept."""
    try:
        return loading.convert(document, loading.Header, "")
    except InvalidFlow:
        plain = {key: document.get(key) for key in ("uuid", "name", "spec_version")}
        return loading.convert(plain | {"type": "messaging", "language": "und"}, loading.Header, "")


def _same(kept: dict[str, Any], given: dict[str, Any]) -> bool:
    return {**kept, "revision": 0} == {**given, "revision": 0}


async def _write(tx: Tx, changed: Sequence[tuple[_Readied, int | None, int]]) -> list[int]:
    if not changed:
        return []
    rows = [
        (
            one.uuid,
            one.name,
            names.key(one.name),
            one.type,
            one.spec,
            revision,
            one.expires_after,
            one.ignores_triggers,
            one.valid,
            json_text(one.info),
        )
        for one, _, revision in changed
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    if taken := await tx.value(str, TAKEN, tx.account, columns[0], columns[2]):
        raise Taken(taken)
    ids = dict(await tx.rows(PUT, tx.account, tx.actor, *columns))
    packed = [ENCODER.encode({**one.document, "revision": revision}) for one, _, revision in changed]
    ordered = [ids[one.uuid] for one, _, _ in changed]
    await tx.run(
        PUT_REVISIONS,
        tx.account,
        tx.actor,
        ordered,
        columns[5],
        columns[4],
        [zlib.compress(document, 6) for document in packed],
        [len(document) for document in packed],
    )
    await tx.run(FORGET, tx.account, ordered, REVISIONS_KEPT)
    return ordered


ENCODER = msgspec.json.Encoder(decimal_format="number")

COLUMNS = """id, uuid, name, type, spec, revision, expires_after, ignores_triggers, valid, info, archived, created_by,
    created_at, modified_at"""

BY_ID = sql(f"select {COLUMNS} from flows where account_id = $1 and id = $2")

BY_IDS = sql(f"select {COLUMNS} from flows where account_id = $1 and id = any($2::bigint[])")

BY_UUIDS = sql(f"select {COLUMNS} from flows where account_id = $1 and uuid = any($2::uuid[])")

BY_NAME = sql(f"select {COLUMNS} from flows where account_id = $1 and name_key = $2 and not archived")

PAGE = sql(f"""
    select {COLUMNS} from flows
    where account_id = $1 and ($2::boolean is null or archived = $2) and ($3::text is null or type = $3) and id > $4
    order by id limit $5
""")

LATEST = sql("""
    select f.uuid, f.id, f.revision, r.definition, f.archived, f.name from flows f
    join flow_revisions r on r.account_id = $1 and r.flow_id = f.id and r.revision = f.revision
    where f.account_id = $1 and f.uuid = any($2::uuid[])
    for no key update of f
""")

TAKEN = sql("""
    select f.name from unnest($2::uuid[], $3::text[]) as given (uuid, name_key)
    join flows f on f.account_id = $1 and f.name_key = given.name_key and f.uuid <> given.uuid and not f.archived
    where not f.uuid = any($2) limit 1
""")

PUT = sql("""
    insert into flows as f (account_id, created_by, uuid, name, name_key, type, spec, revision, expires_after,
        ignores_triggers, valid, info)
    select $1, $2, uuid, name, name_key, type, spec, revision, expires_after, ignores_triggers, valid, info::jsonb
    from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::int[], $10::boolean[],
        $11::boolean[], $12::text[])
        as given (uuid, name, name_key, type, spec, revision, expires_after, ignores_triggers, valid, info)
    on conflict (account_id, uuid) do update set name = excluded.name, name_key = excluded.name_key,
        type = excluded.type, spec = excluded.spec, revision = excluded.revision,
        expires_after = excluded.expires_after, ignores_triggers = excluded.ignores_triggers, valid = excluded.valid,
        info = excluded.info, archived = false, modified_at = now()
    returning uuid, id
""")

PUT_REVISIONS = sql("""
    insert into flow_revisions (account_id, actor, flow_id, revision, spec, definition, size)
    select $1, $2, * from unnest($3::bigint[], $4::int[], $5::text[], $6::bytea[], $7::int[])
""")

FORGET = sql("""
    delete from flow_revisions r using flows f
    where r.account_id = $1 and r.flow_id = any($2::bigint[]) and f.account_id = $1 and f.id = r.flow_id
        and r.revision <= f.revision - $3
""")

RIVALS = sql("""
    select o.name from flows f join flows o on o.account_id = $1 and o.name_key = f.name_key and not o.archived
        and o.id <> f.id
    where f.account_id = $1 and f.id = any($2::bigint[]) and f.archived limit 1
""")

RESTORE = sql("""
    update flows set archived = false, modified_at = now()
    where account_id = $1 and id = any($2::bigint[]) and archived returning id
""")

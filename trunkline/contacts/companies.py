"""Companies, and the stages of the pipeline that they move through."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from trunkline.contacts import names
from trunkline.contacts.events import CompanyStageChanged
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid


class Company(Struct, frozen=True):
    """`position` counts from 0 inside the stage; `deal_value` is in the account's currency."""

    id: int
    uuid: UUID
    name: str
    website: str | None
    industry: str | None
    deal_value: Decimal
    stage_id: int | None
    stage_uuid: UUID | None
    position: int
    logo_url: str | None
    notes: str | None
    last_contact_at: datetime | None
    is_customer: bool
    created_by: int | None
    created_at: datetime
    updated_at: datetime


class CompanyChanges(Struct, kw_only=True):
    """Only what is given changes; None empties."""

    name: str | UnsetType = UNSET
    website: str | None | UnsetType = UNSET
    industry: str | None | UnsetType = UNSET
    deal_value: Decimal | UnsetType = UNSET
    stage_id: int | None | UnsetType = UNSET
    logo_url: str | None | UnsetType = UNSET
    notes: str | None | UnsetType = UNSET
    is_customer: bool | UnsetType = UNSET


class Stage(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str
    position: int


async def find_or_create(tx: Tx, wanted: Sequence[str]) -> list[int]:
    """The ids of the companies with these names, in order; unknown names become companies."""
    tidied = [names.required(name, "company") for name in wanted]
    by_key = {names.key(name): name for name in reversed(tidied)}
    if not by_key:
        return []
    found = dict(await tx.rows(BY_KEYS, tx.account, list(by_key)))
    while missing := sorted(key for key in by_key if key not in found):
        uuids = [new_uuid() for _ in missing]
        await tx.run(INSERT_NAMES, tx.account, uuids, [by_key[key] for key in missing], missing)
        found |= dict(await tx.rows(BY_KEYS, tx.account, missing))
    return [found[names.key(name)] for name in tidied]


async def resolve(tx: Tx, name: str | None, id: int | None) -> int | None:
    """The company meant by an id, else by a name; None for neither."""
    if id is not None:
        if await _maybe(tx, id) is None:
            raise Invalid({"company_id": ["The selected company is invalid."]})
        return id
    if name is None or not name.strip():
        return None
    return (await find_or_create(tx, [name]))[0]


async def create(tx: Tx, name: str, *, created_by: int | None = None, changes: CompanyChanges | None = None) -> Company:
    name = names.required(name)
    id = await tx.value(int, INSERT, tx.account, new_uuid(), name, names.key(name), created_by)
    if id is None:
        raise Conflict("company_exists", "A company with this name already exists.", field="name")
    return await update(tx, id, changes or CompanyChanges())


async def get(tx: Tx, id: int) -> Company:
    company = await _maybe(tx, id)
    if company is None:
        raise NotFound("company", id)
    return company


async def by_uuid(tx: Tx, uuid: UUID) -> Company | None:
    return await tx.maybe(Company, BY_UUID, tx.account, uuid)


async def page(tx: Tx, *, after: tuple[datetime, int] | None = None, limit: int = 100) -> list[Company]:
    """Companies, the newest first, those after (created_at, id)."""
    moment, id = after or (None, 0)
    return await tx.fetch(Company, PAGE, tx.account, moment, id, limit)


async def update(tx: Tx, id: int, changes: CompanyChanges) -> Company:
    """Change what is given; a change of stage puts the company at the end of the new one."""
    before = await get(tx, id)
    after = {name: getattr(before, name) for name in SET}
    given = {name: value for name in SET if (value := getattr(changes, name)) is not UNSET}
    after |= {name: names.tidy(value, name) if isinstance(value, str) else value for name, value in given.items()}
    after["name"] = names.required(after["name"])
    if not 0 <= after["deal_value"] < 10**13:
        raise Invalid({"deal_value": ["The deal value must be a positive amount."]})
    position = before.position
    if after["stage_id"] != before.stage_id:
        position = await _end_of(tx, after["stage_id"])
        tx.record(CompanyStageChanged(id, after["stage_id"], before.stage_id))
    if not given:
        return before
    if await tx.value(int, RIVAL, tx.account, names.key(after["name"]), id):
        raise Conflict("company_exists", "A company with this name already exists.", field="name")
    await tx.run(UPDATE, tx.account, id, names.key(after["name"]), position, *(after[name] for name in SET))
    return await get(tx, id)


async def move(tx: Tx, id: int, stage_id: int | None, position: int) -> Company:
    """Put a company at a place of a stage; the others of the stage make room."""
    company = await update(tx, id, CompanyChanges(stage_id=stage_id))
    others = [other for other in await tx.column(int, OF_STAGE, tx.account, stage_id) if other != company.id]
    place = min(max(position, 0), len(others))
    await tx.run(ARRANGE, tx.account, [*others[:place], company.id, *others[place:]])
    return await get(tx, id)


async def delete(tx: Tx, id: int) -> None:
    """Delete a company; its people stay, without it."""
    if not await tx.run(DELETE, tx.account, id):
        raise NotFound("company", id)
    await tx.run(DETACH, tx.account, id)


async def set_primary(tx: Tx, company_id: int, contact_id: int) -> None:
    """Make a contact the one primary contact of the company."""
    await tx.run(SET_PRIMARY, tx.account, company_id, contact_id)


async def deals_of(tx: Tx, contacts: Sequence[int]) -> dict[int, int]:
    """How many deals each contact has a part in: a company in the pipeline is one deal."""
    return {**dict.fromkeys(contacts, 0), **dict(await tx.rows(DEALS, tx.account, list(contacts)))}


async def board(tx: Tx, most: int) -> list[Company]:
    """The companies of the pipeline, stage by stage in their order, at most so many of each."""
    return await tx.fetch(Company, BOARD, tx.account, most)


async def worth(tx: Tx) -> dict[int, tuple[int, Decimal]]:
    """How many companies are in each stage, and what their deals are worth together."""
    return {stage: (number, value) for stage, number, value in await tx.rows(WORTH, tx.account)}


async def stages(tx: Tx) -> list[Stage]:
    """The pipeline in order; a workspace that has none gets the usual five."""
    found = await tx.fetch(Stage, STAGES, tx.account)
    if found:
        return found
    uuids = [new_uuid() for _ in USUAL]
    await tx.run(INSERT_STAGES, tx.account, uuids, list(USUAL), [names.key(name) for name in USUAL])
    return await tx.fetch(Stage, STAGES, tx.account)


async def add_stage(tx: Tx, name: str) -> Stage:
    await stages(tx)
    name = names.required(name)
    stage = await tx.maybe(Stage, INSERT_STAGE, tx.account, new_uuid(), name, names.key(name))
    if stage is None:
        raise Conflict("stage_exists", "A stage with this name already exists.", field="name")
    return stage


async def _maybe(tx: Tx, id: int) -> Company | None:
    return await tx.maybe(Company, SELECT, tx.account, id) if 0 < id < 2**63 else None


async def _end_of(tx: Tx, stage_id: int | None) -> int:
    if stage_id is None:
        return 0
    end = await tx.value(int, END, tx.account, stage_id)
    if end is None:
        raise Invalid({"stage_id": ["The selected stage is invalid."]})
    return end


USUAL = ("Lead", "Qualified", "Proposal", "Won", "Lost")
SET: tuple[Any, ...] = (
    "name",
    "website",
    "industry",
    "deal_value",
    "stage_id",
    "logo_url",
    "notes",
    "is_customer",
)

COLUMNS = """
    c.id, c.uuid, c.name, c.website, c.industry, c.deal_value, c.stage_id,
    (select s.uuid from stages s where s.account_id = c.account_id and s.id = c.stage_id) as stage_uuid,
    c.position, c.logo_url, c.notes, c.last_contact_at, c.is_customer, c.created_by, c.created_at, c.updated_at
"""

BY_KEYS = sql("""
    select name_key, id from companies where account_id = $1 and name_key = any($2) and deleted_at is null
""")

INSERT_NAMES = sql("""
    insert into companies (account_id, uuid, name, name_key)
    select $1, * from unnest($2::uuid[], $3::text[], $4::text[])
    on conflict (account_id, name_key) where deleted_at is null do nothing
""")

INSERT = sql("""
    insert into companies (account_id, uuid, name, name_key, created_by) values ($1, $2, $3, $4, $5)
    on conflict (account_id, name_key) where deleted_at is null do nothing returning id
""")

SELECT = sql(f"select {COLUMNS} from companies c where c.account_id = $1 and c.id = $2 and c.deleted_at is null")

BY_UUID = sql(f"select {COLUMNS} from companies c where c.account_id = $1 and c.uuid = $2 and c.deleted_at is null")

PAGE = sql(f"""
    select {COLUMNS} from companies c
    where c.account_id = $1 and c.deleted_at is null
        and ($2::timestamptz is null or (c.created_at, c.id) < ($2, $3::bigint))
    order by c.created_at desc, c.id desc limit $4
""")

BOARD = sql(f"""
    select {COLUMNS} from stages s
    cross join lateral (
        select * from companies k
        where k.account_id = $1 and k.stage_id = s.id and k.deleted_at is null
        order by k.position, k.id limit $2
    ) c
    where s.account_id = $1
    order by s.position, s.id, c.position, c.id
""")

WORTH = sql("""
    select stage_id, count(*)::int, sum(deal_value) from companies
    where account_id = $1 and deleted_at is null and stage_id is not null group by stage_id
""")

RIVAL = sql("""
    select id from companies where account_id = $1 and name_key = $2 and id <> $3 and deleted_at is null
""")

UPDATE = sql("""
    update companies set name_key = $3, position = $4, name = $5, website = $6, industry = $7, deal_value = $8,
        stage_id = $9, logo_url = $10, notes = $11, is_customer = $12, updated_at = now()
    where account_id = $1 and id = $2
""")

OF_STAGE = sql("""
    select id from companies where account_id = $1 and stage_id is not distinct from $2 and deleted_at is null
    order by position, id for no key update
""")

ARRANGE = sql("""
    update companies c set position = given.place - 1
    from unnest($2::bigint[]) with ordinality as given (id, place)
    where c.account_id = $1 and c.id = given.id and c.position <> given.place - 1
""")

DELETE = sql("""
    update companies set deleted_at = now(), updated_at = now()
    where account_id = $1 and id = $2 and deleted_at is null
""")

DETACH = sql("""
    update contacts set company_id = null, is_primary = false, updated_at = now()
    where account_id = $1 and company_id = $2
""")

SET_PRIMARY = sql("""
    update contacts set is_primary = (id = $3), updated_at = now()
    where account_id = $1 and company_id = $2 and is_primary <> (id = $3)
""")

DEALS = sql("""
    select c.id, count(*)
    from contacts c join companies co on co.account_id = c.account_id and co.id = c.company_id
    where c.account_id = $1 and c.id = any($2) and co.stage_id is not null and co.deleted_at is null
    group by c.id
""")

STAGES = sql("select id, uuid, name, position from stages where account_id = $1 order by position, id")

INSERT_STAGES = sql("""
    insert into stages (account_id, uuid, name, name_key, position)
    select $1, uuid, name, name_key, place - 1
    from unnest($2::uuid[], $3::text[], $4::text[]) with ordinality as given (uuid, name, name_key, place)
    on conflict (account_id, name_key) do nothing
""")

INSERT_STAGE = sql("""
    insert into stages (account_id, uuid, name, name_key, position)
    select $1, $2, $3, $4, coalesce(max(position) + 1, 0) from stages where account_id = $1
    on conflict (account_id, name_key) do nothing
    returning id, uuid, name, position
""")

END = sql("""
    select (select coalesce(max(c.position) + 1, 0) from companies c
        where c.account_id = $1 and c.stage_id = $2 and c.deleted_at is null) as position
    from stages s where s.account_id = $1 and s.id = $2
""")

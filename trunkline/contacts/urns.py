"""The addresses of contacts: at most one living owner each, in the order of preference.

`contacts.email` and `contacts.phone` repeat the first address of their scheme and are kept in step here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from trunkline.contacts.events import ContactUpdated
from trunkline.core import mailaddr, phones
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid
from trunkline.core.urns import Urn


class Record(Struct, frozen=True):
    """A stored address; `raw` is what was typed where that differs. The lowest `priority` comes first."""

    id: int
    contact_id: int
    scheme: str
    path: str
    raw: str | None
    priority: int
    channel_id: int | None

    @property
    def urn(self) -> Urn:
        return Urn(self.scheme, self.path)


class Address(Struct, frozen=True):
    """An address on its way in; `field` is where the user wrote it."""

    urn: Urn
    raw: str | None
    field: str


def read_email(typed: str) -> Address:
    """The address in a form's email field; raises `Invalid`."""
    try:
        path = mailaddr.parse(typed)
    except mailaddr.BadEmail as error:
        raise Invalid({"email": [str(error)]}) from None
    return Address(Urn("mailto", path), typed if typed != path else None, "email")


def read_phone(typed: str, *, country: str | None = None, loose: bool = False) -> Address | None:
    """The number in a form's phone field. What cannot be dialled is refused, or None when `loose`."""
    try:
        path = phones.parse(typed, country)
    except phones.BadPhone as error:
        if loose:
            return None
        raise Invalid({"phone": [str(error)]}) from None
    return Address(Urn("tel", path), typed if typed != path else None, "phone")


async def of(tx: Tx, contacts: Sequence[int]) -> dict[int, list[Record]]:
    """All addresses of these contacts, preferred ones first."""
    found: dict[int, list[Record]] = {id: [] for id in contacts}
    for record in await tx.fetch(Record, OF, tx.account, list(contacts)):
        found[record.contact_id].append(record)
    return found


async def owners(tx: Tx, urns: Iterable[Urn]) -> dict[Urn, int]:
    """Who owns these addresses, all seen at one moment; those of nobody are left out."""
    wanted = list(dict.fromkeys(urns))
    schemes, paths = [urn.scheme for urn in wanted], [urn.path for urn in wanted]
    rows = await tx.rows(OWNERS, tx.account, schemes, paths)
    return {Urn(scheme, path): contact for scheme, path, contact in rows}


async def take(tx: Tx, addresses: Sequence[tuple[int, Address, int]]) -> set[Urn]:
    """Give free addresses to contacts, as (contact, address, priority); returns those that were won.

    Sorted, so that two callers who want the same addresses wait for each other instead of dying in a deadlock.
    """
    if not addresses:
        return set()
    rows = sorted(
        ((contact, a.urn.scheme, a.urn.path, a.raw, priority) for contact, a, priority in addresses),
        key=lambda row: row[1:3],
    )
    won = await tx.rows(TAKE, tx.account, *map(list, zip(*rows, strict=True)))
    return {Urn(scheme, path) for scheme, path in won}


async def add(tx: Tx, contact: int, urns: Sequence[Urn]) -> list[Urn]:
    """Append addresses; returns those that are new. One that somebody else owns is skipped."""
    kept = (await of(tx, [contact]))[contact]
    start = kept[-1].priority + 1 if kept else 0
    wanted = [(contact, Address(urn, None, "urns"), start + n) for n, urn in enumerate(dict.fromkeys(urns))]
    won = await take(tx, wanted)
    await sync(tx, [contact], [])
    if won:
        await tx.run(BUMP, tx.account, contact)
        tx.record(ContactUpdated(contact, ["urns"]))
    return [urn for urn in dict.fromkeys(urns) if urn in won]


async def remove(tx: Tx, contact: int, urns: Sequence[Urn]) -> list[Urn]:
    """Take addresses away; returns those that were the contact's."""
    removed = await _remove(tx, contact, urns)
    if removed:
        await tx.run(BUMP, tx.account, contact)
        tx.record(ContactUpdated(contact, ["urns"]))
    return removed


async def _remove(tx: Tx, contact: int, urns: Sequence[Urn]) -> list[Urn]:
    schemes, paths = [urn.scheme for urn in urns], [urn.path for urn in urns]
    removed = [Urn(*row) for row in await tx.rows(REMOVE, tx.account, contact, schemes, paths)]
    if removed:
        await sync(tx, [contact], [urn.path for urn in removed])
    return removed


async def replace(tx: Tx, contact: int, urns: Sequence[Urn]) -> tuple[list[Urn], list[Urn]]:
    """Make these the contact's addresses, in this order; returns (added, removed). Others' are skipped."""
    before = [record.urn for record in (await of(tx, [contact]))[contact]]
    wanted = list(dict.fromkeys(urns))
    removed = await remove(tx, contact, [urn for urn in before if urn not in wanted])
    added = await add(tx, contact, [urn for urn in wanted if urn not in before])
    await order(tx, contact, wanted)
    return added, removed


async def order(tx: Tx, contact: int, urns: Sequence[Urn]) -> None:
    """Prefer the contact's addresses in this order, before those not named."""
    schemes, paths = [urn.scheme for urn in urns], [urn.path for urn in urns]
    if await tx.run(ORDER, tx.account, contact, schemes, paths):
        await tx.run(BUMP, tx.account, contact)
    await sync(tx, [contact], [])


async def set_first(tx: Tx, contact: int, scheme: str, address: Address | None) -> bool:
    """Make it the contact's first address of its scheme in place of the present one; None removes the scheme.

    Returns False, with nothing changed, when somebody else owns it.
    """
    present = [record.urn for record in (await of(tx, [contact]))[contact] if record.scheme == scheme]
    if address is None:
        await _remove(tx, contact, present)
        return True
    if address.urn not in present and not await take(tx, [(contact, address, 0)]):
        return False
    if present and present[0] != address.urn:
        await _remove(tx, contact, present[:1])
    await tx.run(KEEP_RAW, tx.account, contact, address.urn.scheme, address.urn.path, address.raw)
    await order(tx, contact, [address.urn])
    return True


async def drop(tx: Tx, contacts: Sequence[int], scheme: str, paths: Sequence[str]) -> None:
    """Take addresses of one scheme away from these contacts, without bringing email and phone in step."""
    if paths:
        await tx.run(DROP, tx.account, list(contacts), scheme, list(paths))


async def claim(tx: Tx, contact: int, urn: Urn) -> Literal["claimed", "owned", "taken"]:
    """Attach an address that was just seen: new to the contact, already the contact's, or somebody else's."""
    if await add(tx, contact, [urn]):
        return "claimed"
    owner = (await owners(tx, [urn])).get(urn)
    return "owned" if owner == contact else "taken"


async def prefer_channel(tx: Tx, channels: Mapping[Urn, int]) -> None:
    """Let what is written to these addresses leave by these channels."""
    rows = [(urn.scheme, urn.path, channel) for urn, channel in channels.items()]
    if rows:
        await tx.run(PREFER_CHANNEL, tx.account, *map(list, zip(*rows, strict=True)))


async def heard(tx: Tx, channel: int, urns: Iterable[Urn]) -> None:
    """Somebody wrote from these addresses: they come first, and answers leave by the channel that heard them."""
    if found := list(dict.fromkeys(urns)):
        await tx.run(HEARD, tx.account, channel, [urn.scheme for urn in found], [urn.path for urn in found])


async def free(tx: Tx, contacts: Sequence[int]) -> None:
    """Give up all addresses of these contacts, so that others may have them."""
    await tx.run(FREE, tx.account, list(contacts))


async def sync(tx: Tx, contacts: Sequence[int], gone: Sequence[str]) -> None:
    """Bring email and phone of the contacts in step with their first addresses; `gone` are removed paths."""
    await tx.run(SYNC, tx.account, list(contacts), list(gone))


OF = sql("""
    select id, contact_id, scheme, path, raw, priority, channel_id
    from urns where account_id = $1 and contact_id = any($2) order by contact_id, priority, id
""")

# No join with the list: after a large import the planner knows nothing of an account's rows and joins badly.
# One probe of the unique key per address: after a bulk load the planner knows nothing about the account's rows and
# would rather read them all.
OWNERS = sql("""
    select u.scheme, u.path, u.contact_id
    from unnest($2::text[], $3::text[]) as wanted (scheme, path) cross join lateral (
        select o.scheme, o.path, o.contact_id from urns o
        where o.account_id = $1 and o.scheme = wanted.scheme and o.path = wanted.path limit 1
    ) u
""")

TAKE = sql("""
    insert into urns (account_id, contact_id, scheme, path, raw, priority)
    select $1, contact_id, scheme, path, raw, priority
    from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::smallint[])
        as wanted (contact_id, scheme, path, raw, priority)
    on conflict (account_id, scheme, path) do nothing
    returning scheme, path
""")

REMOVE = sql("""
    delete from urns u using unnest($3::text[], $4::text[]) as given (scheme, path)
    where u.account_id = $1 and u.contact_id = $2 and u.scheme = given.scheme and u.path = given.path
    returning u.scheme, u.path
""")

DROP = sql("""
    delete from urns where account_id = $1 and contact_id = any($2) and scheme = $3 and path = any($4)
""")

ORDER = sql("""
    update urns u set priority = ranked.rank
    from (
        select o.id, row_number() over (order by given.place nulls last, o.priority, o.id) - 1 as rank
        from urns o
        left join unnest($3::text[], $4::text[]) with ordinality as given (scheme, path, place)
            on o.scheme = given.scheme and o.path = given.path
        where o.account_id = $1 and o.contact_id = $2
    ) ranked
    where u.account_id = $1 and u.id = ranked.id and u.priority <> ranked.rank
""")

BUMP = sql("update contacts set updated_at = now() where account_id = $1 and id = $2")

KEEP_RAW = sql("""
    update urns set raw = $5
    where account_id = $1 and contact_id = $2 and scheme = $3 and path = $4 and raw is distinct from $5
""")

PREFER_CHANNEL = sql("""
    update urns u set channel_id = seen.channel_id
    from unnest($2::text[], $3::text[], $4::bigint[]) as seen (scheme, path, channel_id)
    where u.account_id = $1 and u.scheme = seen.scheme and u.path = seen.path
        and u.channel_id is distinct from seen.channel_id
""")

# An address moves to the front: those that stood before it step back, the others stay.
HEARD = sql("""
    with heard as (
        select u.id, u.contact_id, u.priority from unnest($3::text[], $4::text[]) as given (scheme, path)
        join urns u on u.account_id = $1 and u.scheme = given.scheme and u.path = given.path
    )
    update urns u set
        channel_id = case when u.id = h.id then $2 else u.channel_id end,
        priority = case when u.id = h.id then 0 else u.priority + 1 end
    from heard h
    where u.account_id = $1 and u.contact_id = h.contact_id
        and (u.id = h.id and (u.channel_id is distinct from $2 or u.priority > 0)
            or (u.priority, u.id) < (h.priority, h.id))
""")

FREE = sql("delete from urns where account_id = $1 and contact_id = any($2)")

# A phone that could not be read has no address behind it and stays.
SYNC = sql("""
    update contacts c set email = first.email, phone = first.phone, updated_at = now()
    from (
        select o.id,
            coalesce(
                (select u.path from urns u where u.account_id = $1 and u.contact_id = o.id and u.scheme = 'mailto'
                    order by u.priority, u.id limit 1),
                case when o.email = any($3) then null else o.email end) as email,
            coalesce(
                (select u.path from urns u where u.account_id = $1 and u.contact_id = o.id and u.scheme = 'tel'
                    order by u.priority, u.id limit 1),
                case when o.phone = any($3) then null else o.phone end) as phone
        from contacts o where o.account_id = $1 and o.id = any($2)
    ) first
    where c.account_id = $1 and c.id = first.id
        and (c.email is distinct from first.email or c.phone is distinct from first.phone)
""")

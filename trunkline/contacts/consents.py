"""Consent, by address and kind of channel: who said yes, who said stop, and the proof of each.

A suppressed address is never written to. It outlives the contact, so that no import brings anybody back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.contacts import changing
from trunkline.contacts.events import ContactOptedIn, ContactOptedOut, ContactStatusChanged
from trunkline.core import mailaddr, phones
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound

# Where the person's stop word stops the person; an unsubscribed mailbox is that mailbox alone.
STOPS_THE_PERSON = frozenset({"sms", "whatsapp"})
PHONE_KINDS = frozenset({"sms", "whatsapp", "voice"})


class Suppression(Struct, frozen=True):
    kind: str
    address: str
    reason: str
    evidence: dict[str, Any]
    created_at: datetime


class Consent(Struct, frozen=True):
    kind: str
    address: str
    contact_id: int | None
    given: bool
    source: str
    evidence: dict[str, Any]
    actor: str
    at: datetime


async def opt_out(
    tx: Tx,
    kind: str,
    address: str,
    source: str,
    evidence: dict[str, Any] | None = None,
    contact_id: int | None = None,
) -> bool:
    """Suppress an address. A stop by SMS or WhatsApp also sets its contact `stopped`.

    `source` says why ("keyword", "unsubscribe_link", "complaint", "api"); False when it was suppressed already.
    """
    spelled = address_of(kind, address)
    contact_id = await _owner(tx, kind, spelled, contact_id)
    new = await tx.run(SUPPRESS, tx.account, kind, spelled, source, evidence or {}) == 1
    if contact_id is not None and kind in STOPS_THE_PERSON:
        await changing.change_status(tx, [contact_id], "stopped")
    await tx.run(NOTE, tx.account, kind, spelled, contact_id, False, source, evidence or {}, tx.actor)
    if new:
        tx.record(ContactOptedOut(contact_id, kind, spelled, source))
    return new


async def opt_in(
    tx: Tx,
    kind: str,
    address: str,
    source: str,
    evidence: dict[str, Any] | None = None,
    contact_id: int | None = None,
) -> bool:
    """Take a suppression back because the person asked for it; False when nobody was opted out."""
    spelled = address_of(kind, address)
    contact_id = await _owner(tx, kind, spelled, contact_id)
    lifted = await tx.run(LIFT, tx.account, kind, spelled) == 1
    await tx.run(NOTE, tx.account, kind, spelled, contact_id, True, source, evidence or {}, tx.actor)
    if contact_id is not None and kind in STOPS_THE_PERSON and await tx.run(REACTIVATE, tx.account, contact_id):
        tx.record(ContactStatusChanged([contact_id], "active"))
        lifted = True
    if lifted:
        tx.record(ContactOptedIn(contact_id, kind, spelled, source))
    return lifted


async def suppressed(tx: Tx, kind: str, addresses: Sequence[str]) -> set[str]:
    """Which of these must not be written to, as they were given."""
    spelled = {address: address_of(kind, address) for address in addresses}
    found = set(await tx.column(str, SUPPRESSED, tx.account, kind, list(set(spelled.values()))))
    return {address for address in addresses if spelled[address] in found}


async def stopped_since(tx: Tx, kind: str, address: str, at: datetime) -> bool:
    """Whether an address was suppressed after that moment and still is."""
    return bool(await tx.value(bool, STOPPED_SINCE, tx.account, kind, address_of(kind, address), at))


async def suppressions(tx: Tx, *, limit: int = 100, offset: int = 0) -> list[Suppression]:
    """The newest suppressions."""
    return await tx.fetch(Suppression, LIST, tx.account, limit, offset)


async def history(tx: Tx, kind: str, address: str) -> list[Consent]:
    """Each yes and each stop of an address, in order."""
    return await tx.fetch(Consent, HISTORY, tx.account, kind, address_of(kind, address))


def address_of(kind: str, address: str) -> str:
    """The one spelling of an address, so that another way to write it does not slip through."""
    typed = address.strip()
    try:
        if kind == "email":
            return mailaddr.parse(typed.removeprefix("mailto:"))
        if kind in PHONE_KINDS:
            digits = typed.partition(":")[2] or typed
            return phones.parse(digits if digits.startswith("+") else f"+{digits.removeprefix('00')}")
    except (mailaddr.BadEmail, phones.BadPhone):
        return typed.lower()
    return typed


async def _owner(tx: Tx, kind: str, spelled: str, contact_id: int | None) -> int | None:
    if contact_id is not None:
        if await tx.value(int, LIVING, tx.account, contact_id) is None:
            raise NotFound("contact", contact_id)
        return contact_id
    if kind == "email":
        return await tx.value(int, OWNER, tx.account, ["mailto"], [spelled])
    whatsapp = [("whatsapp", spelled.removeprefix("+"))] if kind == "whatsapp" else []
    schemes, paths = zip(*whatsapp, ("tel", spelled), strict=True)
    return await tx.value(int, OWNER, tx.account, list(schemes), list(paths))


SUPPRESS = sql("""
    insert into suppressions (account_id, kind, address, reason, evidence) values ($1, $2, $3, $4, $5)
    on conflict (account_id, kind, address) do nothing
""")

LIFT = sql("delete from suppressions where account_id = $1 and kind = $2 and address = $3")

NOTE = sql("""
    insert into consents (account_id, kind, address, contact_id, given, source, evidence, actor)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
""")

REACTIVATE = sql("""
    update contacts set status = 'active', unsubscribed_at = null, updated_at = now()
    where account_id = $1 and id = $2 and status = 'stopped'
""")

SUPPRESSED = sql("""
    select x.address from unnest($3::text[]) as asked (address) cross join lateral (
        select s.address from suppressions s
        where s.account_id = $1 and s.kind = $2 and s.address = asked.address limit 1
    ) x
""")

STOPPED_SINCE = sql("""
    select exists (select from suppressions where account_id = $1 and kind = $2 and address = $3 and created_at > $4)
""")

LIST = sql("""
    select kind, address, reason, evidence, created_at from suppressions
    where account_id = $1 order by created_at desc, kind, address limit $2 offset $3
""")

HISTORY = sql("""
    select kind, address, contact_id, given, source, evidence, actor, at from consents
    where account_id = $1 and kind = $2 and address = $3 order by id
""")

LIVING = sql("select id from contacts where account_id = $1 and id = $2 and deleted_at is null")

OWNER = sql("""
    select u.contact_id
    from unnest($2::text[], $3::text[]) with ordinality as wanted (scheme, path, place)
    join urns u on u.account_id = $1 and u.scheme = wanted.scheme and u.path = wanted.path
    order by wanted.place limit 1
""")

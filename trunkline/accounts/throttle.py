"""Failed logins: how many an address of mail or of the network may have before it must wait."""

import hashlib
import math
from datetime import timedelta
from ipaddress import ip_address, ip_network

from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.core.errors import LimitReached

WINDOW = timedelta(minutes=15)
PER_EMAIL = 10
PER_IP = 50

Subjects = dict[str, int]


def subjects(email: str, ip: str | None) -> Subjects:
    """Whom a failure is counted against, and how many each may have.

    What was typed is kept as a digest: people type passwords into the wrong field. A network of IPv6 counts
    as one, since its owner has all of its addresses.
    """
    typed = hashlib.sha256(email.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    return counted(f"email:{typed}", PER_EMAIL, ip)


def counted(subject: str, most: int, ip: str | None) -> Subjects:
    """The same for a subject of another name, which may have so many."""
    return {subject: most} | ({f"ip:{_network(ip)}": PER_IP} if ip is not None else {})


async def check(tx: Tx, subjects: Subjects) -> None:
    """Raise `LimitReached` if one of them has failed too often."""
    now = clock.now()
    oldest = await tx.value(type(now), OLDEST, list(subjects), list(subjects.values()), now - WINDOW)
    if oldest is not None:
        wait = math.ceil((oldest + WINDOW - now).total_seconds())
        raise LimitReached(max(1, wait), "Too many failed logins. Try again later.")


async def lock(tx: Tx, subjects: Subjects) -> None:
    """One at a time from here to the end of the transaction."""
    await tx.run(LOCK, list(subjects))


async def count(tx: Tx, subjects: Subjects) -> None:
    await tx.run(COUNT, list(subjects), clock.now())


async def forget(tx: Tx, subjects: Subjects) -> None:
    """Forgive what was tried for one person. The network address stays counted: it may be trying many people."""
    await tx.run(FORGET, [subject for subject in subjects if not subject.startswith("ip:")])


async def prune(tx: Tx) -> None:
    await tx.run(PRUNE, clock.now() - WINDOW)


def _network(ip: str) -> str:
    address = ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None)
    if address.version == 4 or mapped:
        return str(mapped or address)
    return str(ip_network(f"{ip.partition('%')[0]}/64", strict=False))


# Of those over their limit: the failure that must grow old first, the latest of them.
OLDEST = sql(
    """
    select max(f.at) from unnest($1::text[], $2::int[]) as s (subject, most)
    cross join lateral (
        select at from login_failures l where l.subject = s.subject and l.at > $3
        order by at desc offset s.most - 1 limit 1
    ) f
    """,
    system=True,
)

LOCK = sql(
    """
    select pg_advisory_xact_lock(key)
    from (select hashtextextended(s, 0) as key from unnest($1::text[]) as s order by 1) as keys
    """,
    system=True,
)

COUNT = sql("insert into login_failures (subject, at) select s, $2 from unnest($1::text[]) as s", system=True)

FORGET = sql("delete from login_failures where subject = any($1)", system=True)

PRUNE = sql("delete from login_failures where at <= $1", system=True)

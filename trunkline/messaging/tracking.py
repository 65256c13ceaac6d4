"""Tracking: which mails were opened and which links followed, by people; what machines do is counted apart.

A link of a mail names account, broadcast, message and the number of the address, signed, so nothing is stored for a
recipient before something happens. Scanners and prefetching proxies give themselves away by who they say they are, by
being faster than any reader, and by following everything at once; so a hit is judged some seconds after it came.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from trunkline.contacts import values
from trunkline.core import text
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import NotFound
from trunkline.core.mailhtml import PIXEL
from trunkline.messaging.events import MailsClicked, MailsOpened

TURN = 7_411
"""The advisory lock of whoever has the turn to judge."""

AT_ONCE = 2000
HASTY_SECONDS = 5.0
"""Nobody reads that fast: what asks so soon after the mail was handed over is a machine."""
BURST_SECONDS = 5.0
BURST_LINKS = 3
"""So many links of one mail, or all of several, within seconds of each other: a scanner."""


class Token(Struct, frozen=True):
    """`number` is 0 for the picture, else that of an address."""

    account: int
    broadcast: int
    message: int
    number: int


class Verdict(Struct, frozen=True):
    """What the hits of one mail that were just judged came to. `links` are those that a person followed first."""

    account_id: int
    broadcast_id: int
    message_id: int
    contact_id: int
    variant: int | None
    opened: bool
    clicked: bool
    machine_opened: bool
    machine_clicked: bool
    links: list[int]
    url: str | None
    campaign_id: int = 0
    """The drip campaign that the letter belongs to, or else the broadcast."""


def token(vault: Vault, account: int, broadcast: int, message: int, number: int) -> str:
    name = f"{account:x}-{broadcast:x}-{message:x}-{number:x}"
    return f"{name}-{vault.hmac16(PURPOSE, name)}"


def read(vault: Vault, token: str) -> Token:
    """What a token of ours names; raises `NotFound` for any other."""
    name, _, mac = token.rpartition("-")
    if not TOKEN.fullmatch(name) or not vault.is_hmac16(PURPOSE, name, mac):
        raise NotFound("link")
    return Token(*(int(part, 16) for part in name.split("-")))


async def target(tx: Tx, token: Token) -> str:
    """Where a link leads: an address that stands in that broadcast, its slots filled for whom the mail went to.

    Values of contacts can fill a path or a query, never change whose site it is.
    """
    url = await tx.value(str, URL, tx.account, token.broadcast, token.number)
    if url is None:
        raise NotFound("link")
    template = text.compile(url)
    if not template.names:
        return url
    known: dict[str, Any] = await tx.value(dict, VARIABLES, tx.account, token.broadcast) or {}
    contact = await tx.value(int, CONTACT, tx.account, token.message) or 0
    known = {**(await values.of_contacts(tx, [contact], set(template.names))).get(contact, {}), **known}
    return template.render({name: _quoted(value) for name, value in known.items()}, missing="empty")


async def note(tx: Tx, token: Token, method: str, agent: str) -> None:
    """Keep that something was asked for, the first time; a person after a machine counts as new."""
    machine = method == "HEAD" or is_machine(agent)
    await tx.run(NOTE, tx.account, token.message, token.number, token.broadcast, machine, HASTY_SECONDS)


def is_machine(agent: str) -> bool:
    """Programs that say what they are. A proxy that fetches pictures when somebody opens a mail is not meant."""
    return agent.strip() in NAMELESS or MACHINES.search(agent) is not None


async def judge(database: Database) -> int:
    """Judge the hits that are old enough to show who asked; called twice a second. Returns how many mails had some."""
    async with database.system() as tx:
        if not await tx.value(bool, ALONE, TURN):
            return 0
        verdicts = await tx.fetch(Verdict, JUDGE, BURST_SECONDS, BURST_LINKS, AT_ONCE)
        for account in sorted({verdict.account_id for verdict in verdicts}):
            tx.account = account
            await _tell(tx, [verdict for verdict in verdicts if verdict.account_id == account])
            await tx.flush()
        return len(verdicts)


async def _tell(tx: Tx, verdicts: list[Verdict]) -> None:
    """Count, and record once per mail that it was opened, that it was clicked."""
    deltas = Counter(name for verdict in verdicts for name in _counted(verdict))
    if deltas:
        await tx.run(COUNT, tx.account, list(deltas), list(deltas.values()))
    if opened := [(v.message_id, v.campaign_id, v.contact_id) for v in verdicts if v.opened]:
        tx.record(MailsOpened(opened))
    if clicked := [(v.message_id, v.campaign_id, v.contact_id, v.url or "") for v in verdicts if v.clicked]:
        tx.record(MailsClicked(clicked))


def _counted(verdict: Verdict) -> Iterable[str]:
    owners = [f"{verdict.broadcast_id}"]
    if verdict.variant is not None:
        owners.append(f"{verdict.broadcast_id}.{verdict.variant}")
    for owner in owners:
        yield from (f"broadcast:{owner}:{what}" for what in TOLD if getattr(verdict, what))
    yield from (f"broadcast:{verdict.broadcast_id}:link.{number}" for number in verdict.links)


def _quoted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _quoted(one) for name, one in value.items()}
    return quote(value, safe="/") if isinstance(value, str) else value


PURPOSE = "mail link"
TOLD = ("opened", "clicked", "machine_opened", "machine_clicked")
TOKEN = re.compile(r"[0-9a-f]{1,15}(?:-[0-9a-f]{1,15}){2}-[0-9a-f]{1,3}")
# What Apple's privacy proxy calls itself, and who gives no name at all.
NAMELESS = ("", "Mozilla/5.0", "Mozilla/4.0")
MACHINES = re.compile(
    r"bot\b|crawl|spider|scan|barracuda|proofpoint|mimecast|symantec|messagelabs|trend ?micro|fortinet|forti|sophos"
    r"|cisco|ironport|safelinks|bingpreview|microsoft office existence|ms-office.*discovery|headless|phantomjs"
    r"|curl/|wget/|python|aiohttp|httpx|go-http-client|java/|okhttp|libwww|ruby|axios|node-fetch|undici|httpclient"
    r"|slackbot|facebookexternalhit|whatsapp/|telegrambot|skypeuripreview|linkpreview|preview\b",
    re.IGNORECASE,
)

URL = sql("""
    select l.url from broadcast_links l join accounts a on a.id = $1 and not a.suspended and a.deleted_at is null
    where l.account_id = $1 and l.broadcast_id = $2 and l.number = $3
""")

VARIABLES = sql("select variables from broadcasts where account_id = $1 and id = $2")

CONTACT = sql("select contact_id from messages where account_id = $1 and id = $2")

NOTE = sql(f"""
    insert into mail_hits (account_id, message_id, number, broadcast_id, machine)
    select $1, m.id, $3::smallint, m.broadcast_id,
        $5 or m.sent_at is null or now() < m.sent_at + make_interval(secs => $6)
    from messages m join accounts a on a.id = $1
    where m.account_id = $1 and m.id = $2 and m.broadcast_id = $4
        and coalesce(a.settings -> 'mail_tracking', 'true') <> 'false'
        and ($3 = {PIXEL}::smallint or exists (
            select from broadcast_links l where l.account_id = $1 and l.broadcast_id = $4 and l.number = $3))
    on conflict (account_id, message_id, number) do update set machine = false, judged = false, at = now()
        where mail_hits.machine and not excluded.machine
""")

ALONE = sql("select pg_try_advisory_xact_lock($1)", system=True)

# A hit's neighbours are all there when it is judged: it is older than a burst takes.
JUDGE = sql(
    f"""
    with waiting as materialized (
        select h.* from mail_hits h where not h.judged and h.at < now() - make_interval(secs => $1)
        order by h.at limit $3 for update
    ), judged as materialized (
        select w.account_id, w.message_id, w.broadcast_id, w.number, w.at, w.machine or (
            select count(*) >= $2 or (count(*) >= 2 and count(*) = (
                select count(*) from broadcast_links l
                where l.account_id = w.account_id and l.broadcast_id = w.broadcast_id))
            from mail_hits o where o.account_id = w.account_id and o.message_id = w.message_id
                and o.number <> {PIXEL} and o.at between w.at - make_interval(secs => $1)
                and w.at + make_interval(secs => $1)) as machine
        from waiting w
    ), kept as (
        update mail_hits h set judged = true, machine = j.machine from judged j
        where h.account_id = j.account_id and h.message_id = j.message_id and h.number = j.number
    ), mail as materialized (
        select account_id, message_id, min(broadcast_id) as broadcast_id,
            min(at) filter (where not machine) as opened_at,
            min(at) filter (where not machine and number <> {PIXEL}) as clicked_at,
            min(at) filter (where machine and number = {PIXEL}) as machine_opened_at,
            min(at) filter (where machine and number <> {PIXEL}) as machine_clicked_at,
            coalesce(array_agg(number::int order by at) filter (where not machine and number <> {PIXEL}), '{{}}')
                as links
        from judged group by account_id, message_id
    ), told as materialized (
        select mail.*, m.contact_id, m.variant, e.opened_at as known_open, e.clicked_at as known_click,
            e.machine_opened_at as known_machine_open, e.machine_clicked_at as known_machine_click
        from mail
        join messages m on m.account_id = mail.account_id and m.id = mail.message_id
        left join engagements e on e.account_id = mail.account_id and e.message_id = mail.message_id
    ), written as (
        insert into engagements (account_id, message_id, broadcast_id, contact_id, opened_at, clicked_at,
            machine_opened_at, machine_clicked_at)
        select account_id, message_id, broadcast_id, contact_id, opened_at, clicked_at, machine_opened_at,
            machine_clicked_at from told
        on conflict (account_id, message_id) do update set
            opened_at = coalesce(engagements.opened_at, excluded.opened_at),
            clicked_at = coalesce(engagements.clicked_at, excluded.clicked_at),
            machine_opened_at = coalesce(engagements.machine_opened_at, excluded.machine_opened_at),
            machine_clicked_at = coalesce(engagements.machine_clicked_at, excluded.machine_clicked_at)
    )
    select account_id, broadcast_id, message_id, contact_id, variant,
        opened_at is not null and known_open is null as opened,
        clicked_at is not null and known_click is null as clicked,
        machine_opened_at is not null and known_machine_open is null as machine_opened,
        machine_clicked_at is not null and known_machine_click is null as machine_clicked,
        links,
        (select l.url from broadcast_links l where l.account_id = told.account_id
            and l.broadcast_id = told.broadcast_id and l.number = told.links[1]) as url,
        coalesce((select b.drip_id from broadcasts b where b.account_id = told.account_id
            and b.id = told.broadcast_id), told.broadcast_id) as campaign_id
    from told
    """,
    system=True,
)

COUNT = sql("""
    insert into tallies (account_id, name, value) select $1, name, value from unnest($2::text[], $3::bigint[])
        as delta (name, value)
""")

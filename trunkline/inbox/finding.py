"""Finding: conversations by a view and by what was typed: words, and operators like `from:ana tag:vip has:file`."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from trunkline.contacts import listing as people
from trunkline.contacts import tags
from trunkline.core import clock
from trunkline.core.db import Statement, Tx, sql
from trunkline.core.errors import Invalid
from trunkline.core.text import clean
from trunkline.inbox import assignment
from trunkline.inbox.changes import PRIORITIES, STATUSES

MOST_PEOPLE = 200
"""So many of those whose name fits are looked at."""
FEW = 500
"""So many are named one by one; beyond that, walking from the newest finds a page of them soon."""
MOST_SAID = 2_000
"""Conversations in which words were said; of more common words only some are found."""
MOST_WORDS = 12
COUNTED = 1_000
LONGEST = 500


class Line(Struct, frozen=True):
    """A conversation as the list shows it. `is_woken`: it came back because its time was over, not by a message."""

    id: int
    contact_id: int
    contact: str
    channel: str
    status: str
    priority: str
    subject: str | None
    preview: str
    sentiment: str | None
    assignee_id: int | None
    assignee: str | None
    is_starred: bool
    is_read: bool
    is_woken: bool
    snoozed_until: datetime | None
    active_at: datetime
    tag_ids: list[int]


class Looker(Struct, frozen=True):
    """Who looks, and on which clock their dates are."""

    user_id: int
    zone: ZoneInfo


class Condition(Struct, frozen=True):
    """A condition of SQL with `{}` for each of its values."""

    text: str
    values: tuple[object, ...] = ()


Cursor = tuple[datetime, int]


async def read(tx: Tx, query: str, looker: Looker) -> list[Condition]:
    """The conditions behind what was typed; raises `Invalid` with the field q."""
    if len(query) > LONGEST:
        raise Invalid({"q": [f"At most {LONGEST} characters."]})
    found: list[Condition] = []
    words: list[str] = []
    for name, value, quoted in _terms(clean(query)):
        if name in OPERATORS:
            if value:
                found.append(await OPERATORS[name](tx, value, looker))
        else:
            words.append(value or quoted)
    if text := " ".join(words).strip():
        found.append(await _text(tx, text))
    return found


def names_status(query: str) -> bool:
    """Whether the query says itself which statuses it wants."""
    return any(name == "status" and value for name, value, _ in _terms(query))


async def page(tx: Tx, conditions: list[Condition], *, after: Cursor | None = None, limit: int = 50) -> list[Line]:
    """The newest activity first, from behind `after`."""
    if after is not None:
        conditions = [*conditions, Condition("(c.active_at, c.id) < ({}::timestamptz, {}::bigint)", after)]
    where, values = _where(conditions)
    text = f"{_LINES} where {where} order by c.active_at desc, c.id desc limit ${len(values) + 2}"
    return await tx.fetch(Line, _statement(text), tx.account, *values, limit)


async def some(tx: Tx, ids: list[int]) -> list[Line]:
    """These, as far as they live."""
    return await page(tx, [Condition("c.id = any({}::bigint[])", (ids,))], limit=len(ids)) if ids else []


async def count(tx: Tx, conditions: list[Condition]) -> int:
    """How many there are; counting stops at `COUNTED`."""
    where, values = _where(conditions)
    text = f"select count(*) from (select from conversations c where {where} limit {COUNTED}) found"
    return await tx.value(int, _statement(text), tx.account, *values) or 0


def _terms(query: str) -> list[tuple[str, str, str]]:
    """Name of an operator, its value, and the plain word where there is no operator."""
    found = []
    for match in TERM.finditer(query):
        name, quoted, bare, word_quoted, word = match.groups()
        if name and name.lower() in OPERATORS:
            found.append((name.lower(), quoted if quoted is not None else bare, ""))
        elif name:
            found.append(("", f"{name}:{quoted if quoted is not None else bare}", ""))
        else:
            found.append(("", "", word_quoted if word_quoted is not None else word))
    return found


def _where(conditions: list[Condition]) -> tuple[str, list[object]]:
    values: list[object] = []
    parts = ["c.account_id = $1 and c.deleted_at is null"]
    for condition in conditions:
        slots = [f"${len(values) + 2 + n}" for n in range(len(condition.values))]
        parts.append(condition.text.format(*slots))
        values += condition.values
    return " and ".join(parts), values


@lru_cache(maxsize=500)
def _statement(text: str) -> Statement:
    return Statement(text, __name__, False)


async def _people(tx: Tx, text: str) -> list[int]:
    return [one.id for one in await people.page(tx, people.Filter(search=text), limit=MOST_PEOPLE)]


async def _text(tx: Tx, text: str) -> Condition:
    """In the names of people, in subjects and last words, and in all that was said."""
    pattern = text
    for special in "\\%_":
        pattern = pattern.replace(special, "\\" + special)
    found, near = await _people(tx, text), await tx.column(int, SAID, tx.account, f"%{pattern}%", FEW + 1)
    words = _words(text)
    said = await tx.column(int, MESSAGES, tx.account, words, MOST_SAID) if words else []
    if len(near) <= FEW:
        return Condition("(c.contact_id = any({}::bigint[]) or c.id = any({}::bigint[]))", (found, [*near, *said]))
    like = "(coalesce(c.subject, '') || ' ' || c.preview) ilike {}"
    condition = f"(c.contact_id = any({{}}::bigint[]) or c.id = any({{}}::bigint[]) or {like})"
    return Condition(condition, (found, said, f"%{pattern}%"))


def _words(text: str) -> str:
    """What was typed as a query of words: all of them, the longer ones also as beginnings."""
    found = re.findall(r"\w+", text)[:MOST_WORDS]
    return " & ".join(f"'{word}':*" if len(word) > 2 else f"'{word}'" for word in found)


async def _from(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition("c.contact_id = any({}::bigint[])", (await _people(tx, value),))


async def _tag(tx: Tx, value: str, looker: Looker) -> Condition:
    found = [tag.id for tag in (await tags.find(tx, [value], "conversation")).values()]
    tagged = await tx.column(int, TAGGED, tx.account, found, FEW + 1)
    if len(tagged) <= FEW:
        return Condition("c.id = any({}::bigint[])", (tagged,))
    return Condition(
        "c.id in (select ct.conversation_id from conversation_tags ct"
        " where ct.account_id = $1 and ct.tag_id = any({}::bigint[]))",
        (found,),
    )


async def _status(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition("c.status = {}", (_one_of("status", value, STATUSES),))


async def _priority(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition("c.priority = {}", (_one_of("priority", value, PRIORITIES),))


async def _channel(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition("c.channel = {}", ("web_chat" if value.lower() in ("chat", "webchat") else value.lower(),))


async def _assignee(tx: Tx, value: str, looker: Looker) -> Condition:
    wanted = value.casefold()
    if wanted == "me":
        return Condition("c.assignee_id = {}", (looker.user_id,))
    if wanted in ("none", "nobody"):
        return Condition("c.assignee_id is null")
    fitting = [one.id for one in await assignment.assignees(tx) if wanted in f"{one.name}\n{one.email}".casefold()]
    return Condition("c.assignee_id = any({}::bigint[])", (fitting,))


async def _before(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition("c.active_at < {}::timestamptz", (_day("before", value, looker),))


async def _after(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition("c.active_at >= {}::timestamptz", (_day("after", value, looker) + timedelta(days=1),))


async def _has(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition(HAS[_one_of("has", value, HAS)])


async def _waiting(tx: Tx, value: str, looker: Looker) -> Condition:
    """The contact has waited for an answer for so long: `30m`, `2h`, `1d`."""
    found = SPAN.fullmatch(value.lower())
    if found is None:
        raise Invalid({"q": ["waiting: takes a time like 30m, 2h or 1d."]})
    since = clock.now() - timedelta(minutes=int(found[1]) * MINUTES[found[2]])
    return Condition(f"{WAITS} and c.waiting_since <= {{}}::timestamptz", (since,))


async def _sentiment(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition("c.sentiment = {}", (_one_of("sentiment", value, MOODS),))


async def _is(tx: Tx, value: str, looker: Looker) -> Condition:
    return Condition(IS[_one_of("is", value, IS)])


def _one_of(operator: str, value: str, allowed: tuple[str, ...] | dict[str, str]) -> str:
    if value.lower() not in allowed:
        raise Invalid({"q": [f"{operator}: takes {', '.join(allowed)}."]})
    return value.lower()


def _day(operator: str, value: str, looker: Looker) -> datetime:
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=looker.zone)
    except ValueError:
        raise Invalid({"q": [f"{operator}: takes a day like 2026-03-31."]}) from None


TERM = re.compile(r'(\w+):(?:"([^"]*)"|(\S*))|"([^"]*)"|(\S+)')

OPERATORS: dict[str, Callable[[Tx, str, Looker], Awaitable[Condition]]] = {
    "from": _from,
    "tag": _tag,
    "label": _tag,
    "status": _status,
    "priority": _priority,
    "channel": _channel,
    "assignee": _assignee,
    "before": _before,
    "after": _after,
    "has": _has,
    "is": _is,
    "waiting": _waiting,
    "sentiment": _sentiment,
}

TAGGED = sql("""
    select distinct conversation_id from conversation_tags
    where account_id = $1 and tag_id = any($2::bigint[]) limit $3
""")

MESSAGES = sql("select * from search_messages($1, $2, $3)")

SAID = sql("select * from search_conversations($1, $2, $3)")

_FILE = """c.id in (select m.conversation_id from messages m
    where m.account_id = $1 and m.attachments is not null and m.conversation_id is not null)"""

_NOTE = "exists (select from notes n where n.account_id = $1 and n.conversation_id = c.id)"

HAS = {"file": _FILE, "attachment": _FILE, "note": _NOTE}

# In these words the index of those who wait is used.
WAITS = "c.waiting_since is not null and c.status in ('open', 'pending')"

SPAN = re.compile(r"(\d{1,4})([mhd])")
MINUTES = {"m": 1, "h": 60, "d": 1440}
MOODS = ("positive", "neutral", "negative")

IS = {
    "waiting": WAITS,
    "unread": "not c.is_read",
    "read": "c.is_read",
    "starred": "c.is_starred",
    "unassigned": "c.assignee_id is null",
    "open": "c.status in ('open', 'pending')",
}

_LINES = """
    select c.id, c.contact_id, coalesce(nullif(p.name, ''), p.email, p.phone, '') as contact, c.channel, c.status,
        c.priority, c.subject, c.preview, c.sentiment, c.assignee_id, coalesce(nullif(u.name, ''), u.email) as assignee,
        c.is_starred, c.is_read, coalesce(c.woken_at > c.last_message_at, false) as is_woken, c.snoozed_until,
        c.active_at, array(
            select ct.tag_id from conversation_tags ct where ct.account_id = $1 and ct.conversation_id = c.id
            order by ct.tag_id
        ) as tag_ids
    from conversations c
    left join contacts p on p.account_id = $1 and p.id = c.contact_id
    left join users u on u.id = c.assignee_id
"""

"""Visitors: who sits before a chat window. Anonymous ones are known by a key, others by what their site vouched for.

What a proof opened, a key must not: an identified visitor has no key, and their sessions say that there was a proof.
Whoever comes back without one is somebody new.
"""

import re
from typing import Any

from msgspec import Struct

from trunkline.contacts import urns
from trunkline.core import crypto, ids, mailaddr
from trunkline.core.crypto import Vault
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, Unauthenticated
from trunkline.core.text import clean, one_line
from trunkline.core.urns import Urn
from trunkline.messaging.chat import stream
from trunkline.messaging.chat.proofs import Person
from trunkline.messaging.chat.windows import Window
from trunkline.messaging.events import VisitorJoined

SESSION = "chat session"
SESSION_SECONDS = 3600
KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")


class Visitor(Struct, frozen=True):
    """`email` was vouched for; what the visitor says of themselves stands in `facts`."""

    id: int
    channel_id: int
    user_id: str | None
    address: str
    email: str | None
    facts: dict[str, Any]
    assistant_id: int | None
    seq: int
    read_seq: int

    @property
    def identified(self) -> bool:
        return self.user_id is not None

    @property
    def urn(self) -> Urn:
        return Urn("webchat", self.address)


async def meet(
    tx: Tx,
    window: Window,
    *,
    key: str | None,
    person: Person | None = None,
    facts: dict[str, Any] | None = None,
    assistant_id: int | None = None,
) -> Visitor:
    """The visitor with this key, or the person that was vouched for; new ones are noted.

    An anonymous visitor who turns out to be a known person brings along what was said so far.
    """
    if key is not None and not KEY.fullmatch(key):
        raise Invalid({"visitor": ["The visitor is a random text of 20 to 64 letters, digits, - and _."]})
    digest = crypto.digest(key) if key else None
    seen = {name: value for name, value in (facts or {}).items() if value is not None}
    if person is None:
        row = (window.channel.id, digest, ids.token(24), seen, assistant_id)
        return await tx.one(Visitor, MEET, tx.account, *row)
    if person.name:
        seen["name"] = person.name
    if person.email:
        seen["email"] = person.email
    row = (window.channel.id, person.user_id, ids.token(24), person.email, seen, assistant_id)
    known = await tx.one(Visitor, RECOGNISE, tx.account, *row)
    return await _bring_along(tx, known, digest)


def token(tx: Tx, window: Window, visitor: Visitor | None, *, assistant_id: int | None = None) -> str:
    """A session of an hour, good for this window alone; without a visitor for whoever has a key, see `bearer`."""
    id, identified = (visitor.id, visitor.identified) if visitor else (0, False)
    payload = f"{window.channel.id}.{id}.{int(identified)}.{assistant_id or 0}"
    return tx.database.tools.vault.sign(SESSION, payload, seconds=SESSION_SECONDS)


def channel_of_token(vault: Vault, token: str) -> int:
    """Which channel's window a session is for. Raises `Unauthenticated` when it is over."""
    return _read(vault, token)[0]


async def of_token(tx: Tx, window: Window, token: str) -> Visitor:
    """Whose session it is. Raises `Unauthenticated` when it is over, or the visitor became somebody else."""
    channel, id, identified, _ = _read(tx.database.tools.vault, token)
    found = await tx.maybe(Visitor, SELECT, tx.account, channel, id, bool(identified))
    if found is None or channel != window.channel.id:
        raise _over()
    return found


async def bearer(tx: Tx, window: Window, token: str, key: str | None, facts: dict[str, Any] | None = None) -> Visitor:
    """The same, but a session without a visitor is that of whoever has the key."""
    channel, id, _, assistant_id = _read(tx.database.tools.vault, token)
    if id or channel != window.channel.id:
        return await of_token(tx, window, token)
    if key is None:
        raise _over()
    return await meet(tx, window, key=key, facts=facts, assistant_id=assistant_id or None)


async def lock(tx: Tx, visitor: Visitor) -> Visitor:
    """The visitor as they are now, until the commit. Raises `Unauthenticated` when they became somebody else."""
    row = (visitor.channel_id, visitor.id, visitor.identified)
    found = await tx.maybe(Visitor, SELECT_LOCKED, tx.account, *row)
    if found is None:
        raise _over()
    return found


async def note(tx: Tx, visitor: Visitor, facts: dict[str, Any]) -> Visitor:
    """Remember what was seen of a visitor just now."""
    return await tx.one(Visitor, NOTE, tx.account, visitor.id, facts)


def facts_of(window: Window, *, identified: bool, said: dict[str, Any], ip: str, agent: str) -> dict[str, Any]:
    """What a conversation remembers of its visitor. Only addresses of pages pass as such, since people click them."""
    email = said.get("email")
    facts = {
        "name": _line(said.get("name"), 255),
        "email": _email(email) if isinstance(email, str) else None,
        "ip": ip or None,
        "user_agent": _line(agent, 512),
        "referrer_url": _page(said.get("referrer_url")),
        "page_url": _page(said.get("page_url")),
        "source": _line(said.get("source"), 255),
        "trust_uploads": window.config.trusts(identified=identified),
    }
    return {name: value for name, value in facts.items() if value is not None}


async def _bring_along(tx: Tx, known: Visitor, digest: bytes | None) -> Visitor:
    """What the same browser said before it was known whose it is, and the contact who has the address."""
    anonymous = await tx.maybe(Visitor, TAKE_KEY, tx.account, known.channel_id, digest, known.id) if digest else None
    if anonymous is not None:
        await stream.move(tx, anonymous.id, known.id)
    mail = Urn("mailto", known.email) if known.email else None
    wanted = [mail, known.urn, anonymous.urn if anonymous else None]
    owners = await urns.owners(tx, [urn for urn in wanted if urn])
    held = [owners[urn] for urn in wanted if urn in owners]
    if held:
        contact = held[0]
        new = [urn for urn in (known.urn, mail) if urn and urn not in owners]
        if new:
            await urns.add(tx, contact, new)
        for other in dict.fromkeys(held[1:]):
            if other != contact:
                moved = [urn.path for urn in wanted[1:] if urn and owners.get(urn) == other]
                tx.record(VisitorJoined(other, contact, known.channel_id, moved))
    return await tx.one(Visitor, AGAIN, tx.account, known.id)


def _read(vault: Vault, token: str) -> tuple[int, int, int, int]:
    """Channel, visitor, whether there was a proof, assistant."""
    payload = vault.verify(SESSION, token)
    if payload is None:
        raise _over()
    channel, id, identified, assistant_id = (int(part) for part in payload.decode().split("."))
    return channel, id, identified, assistant_id


def _over() -> Unauthenticated:
    return Unauthenticated("The chat session is over. Begin a new one.", code="session_over")


def _line(value: object, most: int) -> str | None:
    return one_line(clean(value)).strip()[:most] or None if isinstance(value, str) else None


def _email(text: str) -> str | None:
    try:
        return mailaddr.parse(text)
    except mailaddr.BadEmail:
        return None


def _page(value: object) -> str | None:
    line = _line(value, 2048)
    return line if line and line.startswith(("https://", "http://")) else None


COLUMNS = "v.id, v.channel_id, v.user_id, v.address, v.email, v.facts, v.assistant_id, v.seq, v.read_seq"

MEET = sql(f"""
    insert into chat_visitors as v (account_id, channel_id, key, address, facts, assistant_id)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (account_id, channel_id, key) where key is not null do update set
        facts = v.facts || excluded.facts, assistant_id = coalesce(excluded.assistant_id, v.assistant_id),
        seen_at = now()
    returning {COLUMNS}
""")

RECOGNISE = sql(f"""
    insert into chat_visitors as v (account_id, channel_id, user_id, address, email, facts, assistant_id)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (account_id, channel_id, user_id) where user_id is not null do update set
        email = coalesce(excluded.email, v.email), facts = v.facts || excluded.facts,
        assistant_id = coalesce(excluded.assistant_id, v.assistant_id), seen_at = now()
    returning {COLUMNS}
""")

TAKE_KEY = sql(f"""
    update chat_visitors v set key = null, merged_into = $4
    where account_id = $1 and channel_id = $2 and key = $3 and user_id is null returning {COLUMNS}
""")

_SELECT = f"""
    select {COLUMNS} from chat_visitors v
    where account_id = $1 and channel_id = $2 and id = $3 and (user_id is not null) = $4 and merged_into is null
"""

SELECT = sql(_SELECT)

SELECT_LOCKED = sql(_SELECT + " for update")

AGAIN = sql(f"select {COLUMNS} from chat_visitors v where account_id = $1 and id = $2")

NOTE = sql(f"""
    update chat_visitors v set facts = v.facts || $3, seen_at = now() where account_id = $1 and id = $2
    returning {COLUMNS}
""")

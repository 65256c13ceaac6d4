"""Members: what each colleague wants of the inbox for themselves: a signature, keys, quiet hours, a pause."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.core.db import Tx, json_text, sql
from trunkline.core.errors import Invalid
from trunkline.core.text import clean

KEYS = {
    "next": "j",
    "previous": "k",
    "reply": "r",
    "note": "n",
    "assign": "a",
    "take": "i",
    "label": "l",
    "priority": "p",
    "snooze": "s",
    "merge": "m",
    "close": "e",
    "unread": "u",
    "star": "*",
    "choose": "x",
    "details": "d",
    "macro": "y",
    "spam": "!",
    "template": "t",
}
"""What a key does, and which key that is unless somebody chose another."""
RESERVED = frozenset("g?/z")
"""The shell's own, and the second key for snoozing."""
MOST_SIGNED = 2_000


class Member(Struct, frozen=True, kw_only=True):
    """`keys` differ from `KEYS`; an empty one is none. Between the quiet hours ("22:00") nothing rings.

    Who is away is given no conversations by themselves.
    """

    signature: str = ""
    keys: dict[str, str] = {}
    quiet_from: str = ""
    quiet_until: str = ""
    is_away: bool = False


async def get(tx: Tx, user_id: int) -> Member:
    row = await tx.maybe(_Row, SELECT, tx.account, user_id)
    return msgspec.convert(msgspec.structs.asdict(row), Member) if row else Member()


async def keep(tx: Tx, user_id: int, wanted: Member) -> Member:
    """Keep it in place of what was; raises `Invalid` when two things would have one key."""
    wanted = _checked(wanted)
    values = (wanted.signature, json_text(wanted.keys), wanted.quiet_from, wanted.quiet_until, wanted.is_away)
    await tx.run(UPSERT, tx.account, user_id, *values)
    return wanted


async def signed(tx: Tx, user_id: int, text: str) -> str:
    """A mail with the writer's signature below it, parted as mails do (RFC 3676)."""
    signature = (await get(tx, user_id)).signature
    return f"{text}\n\n-- \n{signature}" if signature else text


def _checked(wanted: Member) -> Member:
    fields: dict[str, list[str]] = {}
    signature = clean(wanted.signature).strip()
    if len(signature) > MOST_SIGNED:
        fields["signature"] = [f"At most {MOST_SIGNED} characters."]
    quiet = (wanted.quiet_from, wanted.quiet_until)
    if quiet != ("", "") and not all(MOMENT.fullmatch(one) for one in quiet):
        fields["quiet_from"] = ["Both hours are asked for, like 22:00."]
    keys = {name: key.lower() for name, key in wanted.keys.items() if KEYS.get(name) != key.lower()}
    if wrong := [name for name, key in keys.items() if name not in KEYS or not _is_free(key)]:
        fields["keys"] = [f"This cannot be a key of its own: {', '.join(wrong)}."]
    else:
        used = [key for key in {**KEYS, **keys}.values() if key]
        if double := sorted({key for key in used if used.count(key) > 1}):
            fields["keys"] = [f"Two things have the key {', '.join(double)}."]
    if fields:
        raise Invalid(fields)
    return msgspec.structs.replace(wanted, signature=signature, keys=keys)


def _is_free(key: str) -> bool:
    return key == "" or (KEY.fullmatch(key) is not None and key not in RESERVED)


class _Row(Struct, frozen=True):
    signature: str
    keys: dict[str, Any]
    quiet_from: str
    quiet_until: str
    is_away: bool


KEY = re.compile(r"[!-~]")
MOMENT = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")

SELECT = sql("""
    select signature, keys, quiet_from, quiet_until, is_away from inbox_members where account_id = $1 and user_id = $2
""")

UPSERT = sql("""
    insert into inbox_members (account_id, user_id, signature, keys, quiet_from, quiet_until, is_away)
    values ($1, $2, $3, $4::text::jsonb, $5, $6, $7)
    on conflict (account_id, user_id) do update set signature = excluded.signature, keys = excluded.keys,
        quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until, is_away = excluded.is_away
""")

"""Canned responses: texts that agents send often, found by a shortcut."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import values
from trunkline.core import text as template
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.html import clean_html, to_text
from trunkline.core.ids import new_uuid
from trunkline.core.text import clean
from trunkline.messaging import media
from trunkline.messaging.media import File


class Canned(Struct, frozen=True):
    """`body` is clean HTML; `shortcut` begins with a slash."""

    id: int
    uuid: UUID
    title: str
    shortcut: str | None
    body: str
    created_at: datetime
    updated_at: datetime
    files: list[UUID]
    """Of `messaging/media.py`; they go out with it."""


class Offered(Struct, frozen=True):
    """A canned response filled in for one contact. What is not known stays as `{{name}}` and is listed in `missing`."""

    id: int
    title: str
    shortcut: str | None
    text: str
    missing: list[str]
    files: list[File]


async def create(tx: Tx, title: str, body: str, shortcut: str | None = None, *, files: Sequence[UUID] = ()) -> Canned:
    """Keep a new one. `files` go out with it and must be there."""
    title, body, shortcut = _checked(title, body, shortcut)
    if len(await media.by_uuids(tx, files)) < len(set(files)):
        raise Invalid({"files": ["A file is not there any more."]})
    canned = await tx.maybe(Canned, INSERT, tx.account, new_uuid(), title, shortcut, body, list(files))
    if canned is None:
        raise _taken()
    return canned


async def get(tx: Tx, id: int) -> Canned:
    canned = await tx.maybe(Canned, SELECT, tx.account, id) if 0 < id < 2**63 else None
    if canned is None:
        raise NotFound("canned_response", id)
    return canned


async def all_of(tx: Tx, search: str | None = None) -> list[Canned]:
    """All, by title; `search` looks into title, shortcut and body."""
    found = await tx.fetch(Canned, ALL, tx.account)
    if not search:
        return found
    wanted = search.casefold()
    return [one for one in found if wanted in f"{one.title}\n{one.shortcut or ''}\n{one.body}".casefold()]


async def offered(tx: Tx, contact_id: int, agent: str, search: str | None = None, *, limit: int = 20) -> list[Offered]:
    """Those that fit what was typed, with what is known of the contact, and `{{agent}}` for who writes."""
    found = (await all_of(tx, search))[:limit]
    texts = [template.compile(to_text(one.body)) for one in found]
    asked = {name for text in texts for name in text.names}
    known = (await values.of_contacts(tx, [contact_id], asked)).get(contact_id, {}) | {"agent": agent}
    files = await media.by_uuids(tx, [uuid for one in found for uuid in one.files])
    return [_offered(one, text, known, files) for one, text in zip(found, texts, strict=True)]


def filled(text: template.Template, known: dict[str, Any]) -> tuple[str, list[str]]:
    """The text with what is known; the rest stays as `{{name}}` and is named."""
    missing = text.unfilled(known)
    return text.render({**known, **{name: f"{{{{{name}}}}}" for name in missing}}, missing="empty"), missing


def _offered(one: Canned, text: template.Template, known: dict[str, Any], files: Mapping[UUID, File]) -> Offered:
    said, missing = filled(text, known)
    kept = [files[uuid] for uuid in one.files if uuid in files]
    return Offered(one.id, one.title, one.shortcut, said, missing, kept)


async def update(tx: Tx, id: int, title: str, body: str, shortcut: str | None) -> Canned:
    """Replace all three; raises `Invalid` when another one has the shortcut."""
    await get(tx, id)
    title, body, shortcut = _checked(title, body, shortcut)
    if shortcut and await tx.value(int, OTHER, tx.account, id, shortcut):
        raise _taken()
    canned = await tx.maybe(Canned, UPDATE, tx.account, id, title, shortcut, body)
    if canned is None:
        raise NotFound("canned_response", id)
    return canned


async def delete(tx: Tx, id: int) -> None:
    await get(tx, id)
    await tx.run(DELETE, tx.account, id)


def _checked(title: str, body: str, shortcut: str | None) -> tuple[str, str, str | None]:
    title, body = clean(title).strip(), clean_html(clean(body)).strip()
    shortcut = clean(shortcut or "").strip() or None
    fields: dict[str, list[str]] = {}
    if not title:
        fields["title"] = ["The title field is required."]
    elif len(title) > 255:
        fields["title"] = ["The title field must not be greater than 255 characters."]
    if shortcut and not SHORTCUT.fullmatch(shortcut):
        fields["shortcut"] = ["The shortcut field must start with / and have no spaces."]
    if not body:
        fields["body"] = ["The body field is required."]
    if fields:
        raise Invalid(fields)
    return title, body, shortcut


def _taken() -> Invalid:
    return Invalid({"shortcut": ["The shortcut has already been taken."]})


SHORTCUT = re.compile(r"/\S{1,63}")

_COLUMNS = "id, uuid, title, shortcut, body, created_at, updated_at, files"

INSERT = sql(f"""
    insert into canned_responses (account_id, uuid, title, shortcut, body, files)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (account_id, shortcut) where shortcut is not null do nothing
    returning {_COLUMNS}
""")

SELECT = sql(f"select {_COLUMNS} from canned_responses where account_id = $1 and id = $2")

ALL = sql(f"select {_COLUMNS} from canned_responses where account_id = $1 order by title, id")

OTHER = sql("select id from canned_responses where account_id = $1 and id <> $2 and shortcut = $3 for update")

UPDATE = sql(f"""
    update canned_responses set title = $3, shortcut = $4, body = $5, updated_at = now()
    where account_id = $1 and id = $2 returning {_COLUMNS}
""")

DELETE = sql("delete from canned_responses where account_id = $1 and id = $2")

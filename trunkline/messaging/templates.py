"""Message templates: texts kept under a key, one per channel and language, with slots for variables."""

import re
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.core import text
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid

CHANNELS = ("sms", "email", "whatsapp", "voice")
FALLBACK = "en"


class Template(Struct, frozen=True):
    """`body` is HTML for email and text elsewhere; `variables` are the names it needs, in order."""

    id: int
    uuid: UUID
    key: str
    name: str
    channel: str
    language: str
    category: str
    subject: str | None
    body: str
    variables: list[str]
    status: str
    created_at: datetime
    updated_at: datetime


class Draft(Struct, frozen=True, kw_only=True):
    """What people write of a template. Without a name it is called by its key."""

    key: str
    channel: str
    body: str
    name: str = ""
    language: str = FALLBACK
    category: str = ""
    subject: str | None = None


async def create(tx: Tx, draft: Draft) -> Template:
    """Keep a new template; raises `Conflict` when key, channel and language are taken."""
    template = await tx.maybe(Template, INSERT, tx.account, new_uuid(), *_columns(draft))
    if template is None:
        raise _taken(draft)
    return template


async def update(tx: Tx, id: int, draft: Draft) -> Template:
    """Replace everything that people write; id, uuid and status stay."""
    await get(tx, id)
    columns = _columns(draft)
    if await tx.value(int, OTHER, tx.account, id, draft.key, draft.channel, draft.language):
        raise _taken(draft)
    template = await tx.maybe(Template, UPDATE, tx.account, id, *columns)
    if template is None:
        raise NotFound("template", id)
    return template


async def delete(tx: Tx, id: int) -> None:
    """Messages that were made from it stay as they are."""
    await get(tx, id)
    await tx.run(DELETE, tx.account, id)


async def get(tx: Tx, id: int) -> Template:
    template = await tx.maybe(Template, SELECT, tx.account, id) if 0 < id < 2**63 else None
    if template is None:
        raise NotFound("template", id)
    return template


async def all_of(tx: Tx, channel: str | None = None) -> list[Template]:
    """All, or those of one channel, by key."""
    return await tx.fetch(Template, ALL, tx.account, channel)


async def find(tx: Tx, key: str, channel: str, language: str | None = None) -> Template:
    """The approved template for a reader's language.

    Falls back to the same language of another region, to English, and at last to the oldest there is.
    """
    variants = await tx.fetch(Template, VARIANTS, tx.account, key, channel) if KEY.fullmatch(key) else []
    if not variants:
        raise Invalid({"template_key": [f"There is no {channel} template with the key '{key}'."]})
    approved = [variant for variant in variants if variant.status == "approved"]
    if not approved:
        raise Invalid({"template_key": [f"The template '{key}' is {variants[0].status} and cannot be sent."]})
    return min(approved, key=lambda variant: _distance(variant.language, language or FALLBACK))


def _distance(language: str, wanted: str) -> int:
    spoken, asked = _folded(language), _folded(wanted)
    near = (spoken == asked, spoken == asked[:1], spoken[0] == asked[0], spoken[0] == FALLBACK)
    return next((step for step, fits in enumerate(near) if fits), len(near))


def _folded(language: str) -> list[str]:
    return language.casefold().replace("_", "-").split("-")


def _columns(draft: Draft) -> tuple[object, ...]:
    fields: dict[str, list[str]] = {}
    if not KEY.fullmatch(draft.key):
        fields["key"] = ["The key field may hold letters, digits, dots, hyphens and underscores, at most 100."]
    if draft.channel not in CHANNELS:
        fields["channel"] = ["The selected channel is invalid."]
    if not LANGUAGE.fullmatch(draft.language):
        fields["language"] = ["The language field must be a language code such as en or pt-BR."]
    if not draft.body.strip():
        fields["body"] = ["The body field is required."]
    for field, written in (("subject", draft.subject or ""), ("body", draft.body)):
        if slip := text.unclosed(written):
            fields[field] = [f"The {field} field opens a variable and does not close it: {slip}"]
    if fields:
        raise Invalid(fields)
    subject = text.clean(draft.subject) if draft.subject else None
    name, body = text.clean(draft.name).strip() or draft.key, text.clean(draft.body)
    columns = (draft.key, name, draft.channel, draft.language, text.clean(draft.category), subject, body)
    return (*columns, _variables(subject, body))


def _variables(subject: str | None, body: str) -> list[str]:
    return list(dict.fromkeys([*text.compile(subject or "").names, *text.compile(body).names]))


def _taken(draft: Draft) -> Conflict:
    message = f"A {draft.channel} template '{draft.key}' in {draft.language} exists already."
    return Conflict("template_exists", message)


KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[_-][A-Za-z0-9]{2,8}){0,3}")

_COLUMNS = """id, uuid, key, name, channel, language, category, subject, body, variables, status, created_at,
    updated_at"""

INSERT = sql(f"""
    insert into templates (account_id, uuid, key, name, channel, language, category, subject, body, variables)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (account_id, key, channel, language) do nothing
    returning {_COLUMNS}
""")

OTHER = sql("""
    select id from templates
    where account_id = $1 and id <> $2 and key = $3 and channel = $4 and language = $5 for update
""")

UPDATE = sql(f"""
    update templates set key = $3, name = $4, channel = $5, language = $6, category = $7, subject = $8,
        body = $9, variables = $10, updated_at = now()
    where account_id = $1 and id = $2 returning {_COLUMNS}
""")

DELETE = sql("delete from templates where account_id = $1 and id = $2")

SELECT = sql(f"select {_COLUMNS} from templates where account_id = $1 and id = $2")

ALL = sql(f"""
    select {_COLUMNS} from templates
    where account_id = $1 and ($2::text is null or channel = $2) order by key, channel, language
""")

VARIANTS = sql(f"""
    select {_COLUMNS} from templates where account_id = $1 and key = $2 and channel = $3 order by id
""")

"""Documents of the knowledge base: what is told about each, and the steps on its way to being found."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from trunkline.core import text
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.html import clean_html, is_html
from trunkline.core.ids import new_uuid
from trunkline.knowledge import words
from trunkline.knowledge.events import DocumentChanged, DocumentDeleted, DocumentSettled, DocumentSubmitted
from trunkline.knowledge.uploads import Kept

Kind = Literal["document", "qa", "url", "file"]
Stage = Literal["uploading", "extracting", "chunking", "embedding", "ready", "failed"]

MOST_TEXT = 1_000_000
MOST_DOCUMENTS = 10_000
LIMITS = {"title": 500, "question": 1000, "answer": 100_000, "category": 255, "content": MOST_TEXT}


class Document(Struct, frozen=True):
    """In lists `content` is left out. `is_titled` is false while the page's own title is awaited."""

    id: int
    uuid: UUID
    kind: Kind
    title: str
    is_titled: bool
    content: str | None
    is_html: bool
    question: str | None
    answer: str | None
    category: str | None
    is_priority: bool
    is_paused: bool
    file_key: str | None
    file_name: str | None
    file_type: str | None
    file_size: int | None
    source_url: str | None
    stage: Stage
    error_message: str | None
    revision: int
    chunks_count: int
    usage_count: int
    created_at: datetime
    updated_at: datetime


class NewDocument(Struct, kw_only=True):
    """What its kind needs: `content`, `question` and `answer`, `source_url` (checked), or `file`."""

    kind: Kind
    title: str | None
    content: str | None = None
    question: str | None = None
    answer: str | None = None
    source_url: str | None = None
    file: Kept | None = None
    category: str | None = None
    is_priority: bool = False
    is_titled: bool = True


class Changes(Struct, kw_only=True):
    """Only what is given changes."""

    title: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    question: str | UnsetType = UNSET
    answer: str | UnsetType = UNSET
    category: str | None | UnsetType = UNSET
    is_priority: bool | UnsetType = UNSET
    is_paused: bool | UnsetType = UNSET


async def create(tx: Tx, new: NewDocument) -> Document:
    """Store it and let the workers do the rest. Raises `Invalid` for what its kind lacks."""
    given = {name: _tidy(getattr(new, name), name) for name in LIMITS}
    _check(given, ("title", *NEEDS[new.kind]))
    for name in ("content", "question", "answer"):
        if given[name] is not None and name not in NEEDS[new.kind]:
            raise _out_of_place(name)
    if (await tx.value(int, TOTAL, tx.account) or 0) >= MOST_DOCUMENTS:
        raise Conflict("limit_reached", f"A workspace has at most {MOST_DOCUMENTS} documents.")
    file = new.file or Kept()
    html = given["content"] is not None and is_html(given["content"])
    document = await tx.one(
        Document,
        INSERT,
        tx.account,
        new_uuid(),
        new.kind,
        given["title"],
        new.is_titled,
        clean_html(given["content"] or "") if html else given["content"],
        html,
        given["question"],
        given["answer"],
        given["category"],
        new.is_priority,
        file.key,
        file.name,
        file.content_type,
        file.size,
        new.source_url,
        words.fold(f"{given['title']}\n{given['question'] or ''}"),
        words.fold(given["title"] or ""),
    )
    tx.record(DocumentSubmitted(document.id, document.revision))
    return document


async def get(tx: Tx, id: int) -> Document:
    document = await tx.maybe(Document, SELECT, tx.account, id) if 0 < id < 2**63 else None
    if document is None:
        raise NotFound(NOUN, id)
    return document


async def update(tx: Tx, id: int, changes: Changes) -> Document:
    """Change what is given. A new text, or a new title, is cut into chunks again; the old ones serve meanwhile."""
    before = await get(tx, id)
    given = {name: value for name in SET if (value := getattr(changes, name)) is not UNSET}
    for name in given:
        if name in OWN and name not in TEXTS[before.kind]:
            raise _out_of_place(name)
    given |= {name: _tidy(value, name) for name, value in given.items() if name in LIMITS}
    _check(given, [name for name in given if name in ("title", *OWN)])
    after = {name: getattr(before, name) for name in (*SET, "is_html")} | given
    if given.get("content") is not None and (html := is_html(given["content"])):
        after |= {"content": clean_html(given["content"]), "is_html": html}
    elif "content" in given:
        after["is_html"] = False
    anew = any(after[name] != getattr(before, name) for name in ("title", *OWN))
    if not anew and all(after[name] == getattr(before, name) for name in SET):
        return before
    folded = words.fold(f"{after['title']}\n{after['question'] or ''}"), words.fold(after["title"])
    titled = before.is_titled or "title" in given
    document = await tx.maybe(
        Document, UPDATE, tx.account, id, *(after[name] for name in (*SET, "is_html")), titled, *folded, anew
    )
    if document is None:
        raise NotFound(NOUN, id)
    tx.record(DocumentSubmitted(id, document.revision) if anew else DocumentChanged(id))
    return document


async def delete(tx: Tx, id: int) -> None:
    """Delete a document with its chunks; its file follows."""
    file_key = [row[0] for row in await tx.rows(DELETE, tx.account, id)] if 0 < id < 2**63 else []
    if not file_key:
        raise NotFound(NOUN, id)
    await tx.run(DELETE_CHUNKS, tx.account, id)
    await tx.run(DELETE_VECTORS, tx.account, id)
    tx.record(DocumentDeleted(id, file_key[0]))


async def cited(tx: Tx, ids: Sequence[int]) -> None:
    """Count that an answer was drawn from these documents, once each."""
    await tx.run(COUNT_USE, tx.account, sorted(set(ids)))


async def advance(tx: Tx, id: int, revision: int, stage: Stage) -> Document | None:
    """Note how far it has come; None when it is gone or there is a later revision. It stays locked until the commit."""
    return await tx.maybe(Document, ADVANCE, tx.account, id, revision, stage)


async def take_text(tx: Tx, id: int, revision: int, content: str, title: str | None) -> Document | None:
    """Keep what was read out of its file or page, with the page's title where nobody gave one."""
    title = _shortened(title)
    folded = words.fold(title) if title else None
    return await tx.maybe(Document, TAKE_TEXT, tx.account, id, revision, content, title, folded)


async def finish(tx: Tx, id: int, revision: int, chunks: int) -> None:
    if await tx.run(FINISH, tx.account, id, revision, chunks):
        tx.record(DocumentSettled(id, "ready"))


async def fail(tx: Tx, id: int, revision: int, problem: str) -> None:
    """Say what is wrong with it."""
    if await tx.run(FAIL, tx.account, id, revision, problem):
        tx.record(DocumentSettled(id, "failed"))


def _tidy(value: str | None, name: str) -> str | None:
    """Without what the database refuses and without outer space; titles and categories on one line."""
    if value is None:
        return None
    value = text.clean(text.one_line(value) if name in ("title", "category") else value).strip()
    return value or None


def _check(given: dict[str, str | None], needed: Sequence[str]) -> None:
    fields: dict[str, list[str]] = {}
    for name, most in LIMITS.items():
        if name in needed and not given.get(name):
            fields[name] = [f"The {name} field is required."]
        elif len(given.get(name) or "") > most:
            fields[name] = [f"The {name} field must not be greater than {most} characters."]
    if fields:
        raise Invalid(fields)


def _out_of_place(name: str) -> Invalid:
    return Invalid({name: [f"The {name} field does not belong to a document of this type."]})


def _shortened(title: str | None) -> str | None:
    return " ".join(text.one_line(text.clean(title)).split())[: LIMITS["title"]] or None if title else None


NOUN = "knowledge_base_document"
NEEDS: dict[Kind, tuple[str, ...]] = {"document": ("content",), "qa": ("question", "answer"), "url": (), "file": ()}
TEXTS = NEEDS | {"url": ("content",), "file": ("content",)}
OWN = ("content", "question", "answer")
SET = ("title", "content", "question", "answer", "category", "is_priority", "is_paused")

_BEFORE = "id, uuid, kind, title, is_titled"
_BEHIND = """is_html, question, answer, category, is_priority, is_paused, file_key, file_name, file_type, file_size,
    source_url, stage, error_message, revision, chunks_count, usage_count, created_at, updated_at"""
COLUMNS = f"{_BEFORE}, content, {_BEHIND}"
COLUMNS_OF_LIST = f"{_BEFORE}, null::text as content, {_BEHIND}"

INSERT = sql(f"""
    insert into knowledge_documents (account_id, uuid, kind, title, is_titled, content, is_html, question, answer,
        category, is_priority, file_key, file_name, file_type, file_size, source_url, search, title_key)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    returning {COLUMNS}
""")

SELECT = sql(f"select {COLUMNS} from knowledge_documents where account_id = $1 and id = $2")

UPDATE = sql(f"""
    update knowledge_documents set title = $3, content = $4, question = $5, answer = $6, category = $7,
        is_priority = $8, is_paused = $9, is_html = $10, is_titled = $11, search = $12, title_key = $13,
        stage = case when $14 then 'uploading' else stage end,
        error_message = case when $14 then null else error_message end,
        revision = revision + $14::boolean::integer, updated_at = now()
    where account_id = $1 and id = $2
    returning {COLUMNS}
""")

TOTAL = sql("select sum(value)::bigint from tallies where account_id = $1 and name = 'documents'")

DELETE = sql("delete from knowledge_documents where account_id = $1 and id = $2 returning file_key")

DELETE_CHUNKS = sql("delete from knowledge_chunks where account_id = $1 and document_id = $2")

DELETE_VECTORS = sql("delete from knowledge_vectors where account_id = $1 and document_id = $2")

COUNT_USE = sql("""
    with used as (
        select id from knowledge_documents where account_id = $1 and id = any($2::bigint[]) order by id for update
    )
    update knowledge_documents d set usage_count = d.usage_count + 1 from used
    where d.account_id = $1 and d.id = used.id
""")

# What is tried for the last time stays failed until it is ready.
ADVANCE = sql(f"""
    update knowledge_documents set stage = case when stage = 'failed' then stage else $4 end
    where account_id = $1 and id = $2 and revision = $3
    returning {COLUMNS}
""")

TAKE_TEXT = sql(f"""
    update knowledge_documents set content = $4, updated_at = now(), is_titled = true,
        title = case when is_titled then title else coalesce($5, title) end,
        search = case when is_titled then search else coalesce($6, search) end,
        title_key = case when is_titled then title_key else coalesce($6, title_key) end
    where account_id = $1 and id = $2 and revision = $3
    returning {COLUMNS}
""")

FINISH = sql("""
    update knowledge_documents
    set stage = 'ready', error_message = null, chunks_count = $4, updated_at = now()
    where account_id = $1 and id = $2 and revision = $3
""")

FAIL = sql("""
    update knowledge_documents set stage = 'failed', error_message = $4, updated_at = now()
    where account_id = $1 and id = $2 and revision = $3
""")

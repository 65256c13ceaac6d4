"""Documents of the knowledge base in the platform dialect."""

from msgspec import UNSET

from trunkline.core import exact_limits
from trunkline.dialects import limits as rates
from trunkline.dialects.base import MEBIBYTE, Call, Conflict, Data, Invalid, LimitReached, Page, Paged, Tx, Upload
from trunkline.dialects.platform import knowledge_shapes as shapes
from trunkline.dialects.platform.dialect import platform
from trunkline.knowledge import documents, listing, scraping, uploads
from trunkline.knowledge.documents import Changes, Document, Kind, NewDocument
from trunkline.knowledge.uploads import Kept

NOUN = documents.NOUN
# Room for a text that is too long, so that its field can be named.
MOST = 8 * MEBIBYTE


@platform.get("/knowledge-base", scope="knowledge-base", level="view")
async def list_documents(tx: Tx, page: Page, query: shapes.DocumentQuery) -> Paged[shapes.DocumentOut]:
    """List documents, without their texts.

    `type` is document, qa, url or file, `status` processing, ready, failed or paused. `sort_by` is title, type, status,
    usage_count or created_at (the default), `sort_dir` asc or desc (the default).
    """
    filter = listing.Filter(
        search=query.search, kind=query.type or None, status=query.status or None, category=query.category or None
    )
    sort = query.sort_by if query.sort_by in listing.SORTS else "created_at"
    descending = query.sort_dir.lower() != "asc"
    rows, total, capped = await listing.page_and_total(
        tx, filter, sort, descending=descending, limit=page.per_page, offset=page.offset
    )
    return Paged([shapes.listed(row) for row in rows], total, capped=capped)


@platform.post(
    "/knowledge-base", scope="knowledge-base", level="create", status=201,
    body_limit=MOST, upload_limit=uploads.MOST_BYTES, raises=(Conflict,),
)  # fmt: skip
async def create_document(call: Call, body: shapes.DocumentIn, file: Upload | None) -> Data[shapes.DocumentOut]:
    """Add a document: a PDF, DOCX, TXT, Markdown or HTML file of at most 10 MB, a text, a question with its answer, or
    a page.

    It is read in the background: `status` is processing at first, then ready, or failed with an `error_message`. Pages
    count against the limit of scraping.
    """
    kind = _kind(body, file)
    new = NewDocument(
        kind=kind,
        title=body.title,
        content=body.content,
        question=body.question,
        answer=body.answer,
        category=body.category,
        is_priority=body.is_priority,
    )
    if kind == "url":
        new.source_url = scraping.check(call.database.tools.egress, _needed(body.source_url), "source_url")
        await _count_scrape(call)
    elif kind == "file" and file is not None:
        new.file = await uploads.keep(call.database.tools.media, call.caller.account, file.file, file.filename)
    return Data(shapes.document(await _created(call, new)))


# Before /knowledge-base/{id} in the table and in the documents.
@platform.post(
    "/knowledge-base/scrape", scope="knowledge-base", level="create", status=201, bucket="kb_scrape", raises=(Conflict,)
)
async def scrape_page(call: Call, body: shapes.ScrapeIn) -> Data[shapes.DocumentOut]:
    """Add the text of a web page.

    The page is fetched in the background, through at most three redirects. When it cannot be reached, is larger than
    5 MB or holds no text, `status` becomes failed and `error_message` says why. At most 50,000 characters are kept.
    """
    url = scraping.check(call.database.tools.egress, body.url)
    title = (body.title or "").strip()
    new = NewDocument(
        kind="url",
        title=title or scraping.host(url),
        is_titled=bool(title),
        source_url=url,
        category=body.category,
    )
    return Data(shapes.document(await _created(call, new)))


@platform.get("/knowledge-base/{id}", scope="knowledge-base", level="view", noun=NOUN)
async def show_document(tx: Tx, id: int) -> Data[shapes.DocumentOut]:
    """Get a document with its text."""
    return Data(shapes.document(await documents.get(tx, id)))


@platform.put(
    "/knowledge-base/{id}", scope="knowledge-base", level="interact", noun=NOUN, also=("PATCH",), body_limit=MOST
)
async def update_document(tx: Tx, id: int, body: shapes.DocumentChanges) -> Data[shapes.DocumentOut]:
    """Update a document. What is left out stays.

    A new title or text is worked on again; until that is done, answers are drawn from what was there before.
    """
    changes = Changes(
        title=body.title,
        content=body.content,
        question=body.question,
        answer=body.answer,
        category=body.category,
        is_priority=body.is_priority,
        is_paused=UNSET if body.status is UNSET else body.status == "paused",
    )
    return Data(shapes.document(await documents.update(tx, id, changes)))


@platform.delete("/knowledge-base/{id}", scope="knowledge-base", level="manage", status=204, noun=NOUN)
async def delete_document(tx: Tx, id: int) -> None:
    """Delete a document with its file."""
    await documents.delete(tx, id)


def _kind(body: shapes.DocumentIn, file: Upload | None) -> Kind:
    if file is not None:
        if body.type not in (None, "file"):
            raise Invalid({"type": ["The type field must be file when there is a file."]})
        return "file"
    if body.type == "file" or (body.type is None and not (body.content or body.question or body.source_url)):
        raise Invalid({"file": ["The file field is required."]})
    return body.type or ("document" if body.content else "qa" if body.question else "url")


def _needed(source_url: str | None) -> str:
    if not source_url:
        raise Invalid({"source_url": ["The source_url field is required."]})
    return source_url


async def _created(call: Call, new: NewDocument) -> Document:
    """The document; a file without one is not left behind."""
    kept = new.file or Kept()
    try:
        async with call.tx() as tx:
            return await documents.create(tx, new)
    except BaseException:
        if kept.key:
            await call.database.tools.media.delete(kept.key)
        raise


async def _count_scrape(call: Call) -> None:
    """Pages count alike, whichever way they come."""
    caller, bucket = call.caller, platform.limits.strict["kb_scrape"]
    if bucket is None or (caller.rate and rates.of_key(caller.rate) is None):
        return
    verdict = await exact_limits.hit(call.database, caller.account, f"{platform.name}:{caller.counted_as}", bucket)
    call.count(verdict)
    if not verdict.allowed:
        raise LimitReached(verdict.retry_after)

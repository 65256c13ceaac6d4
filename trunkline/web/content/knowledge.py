"""Knowledge: the documents that answers are drawn from, and how far each has been read."""

from starlette.responses import Response

from trunkline.core.errors import Invalid
from trunkline.knowledge import documents, listing, scraping, uploads
from trunkline.knowledge.documents import Changes, NewDocument
from trunkline.web.content.lists import TABS
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("content")

SHOWN = 50


@pages.get("/content/knowledge")
async def table(visit: Visit) -> Response:
    number = max(1, visit.query.number("page", most=10_000) or 1)
    filter = listing.Filter(search=visit.query.text("search", most=200) or None)
    async with visit.tx() as tx:
        rows, total, _ = await listing.page_and_total(tx, filter, limit=SHOWN, offset=(number - 1) * SHOWN)
    return visit.page(
        "content/knowledge.html",
        block="found",
        documents=rows,
        status=listing.status,
        total=total,
        filter=filter,
        tabs=TABS,
        previous=visit.here(page=number - 1) if number > 1 else "",
        next=visit.here(page=number + 1) if number * SHOWN < total else "",
    )


@pages.post("/content/knowledge", level="create")
async def create(visit: Visit) -> Response:
    """A text, a question with its answer, a page of the web, or a file; it is read in the background."""
    kind = visit.form.text("kind")
    if kind == "file":
        return await _from_file(visit)
    if kind not in ("document", "qa", "url"):
        raise Invalid({"kind": [visit.words("Choose one of the list.")]})
    title = visit.form.text("title", most=255)
    url = visit.form.text("url", most=2_000)
    question = visit.form.text("question", most=1_000)
    new = NewDocument(
        kind=kind,
        title=(title or question or url)[:255] or None,
        content=visit.form.text("content", most=500_000) or None,
        question=question or None,
        answer=visit.form.text("answer", most=100_000) or None,
        source_url=scraping.check(visit.site.database.tools.egress, url) if kind == "url" else None,
        is_titled=bool(title),
    )
    async with visit.tx() as tx:
        await documents.create(tx, new)
    return visit.to("/content/knowledge", visit.words("Saved. It is being read."))


@pages.post("/content/knowledge/{id:int}/pause", level="manage")
async def pause(visit: Visit) -> Response:
    """Answers are not drawn from a paused document."""
    async with visit.tx() as tx:
        await documents.update(tx, visit.id(), Changes(is_paused=visit.form.flag("on")))
    return visit.to("/content/knowledge", visit.words("Saved."))


@pages.post("/content/knowledge/{id:int}/removal", level="manage")
async def delete(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await documents.delete(tx, visit.id())
    return visit.to("/content/knowledge", visit.words("Deleted."))


async def _from_file(visit: Visit) -> Response:
    """Kept before the transaction: no connection waits for a disk."""
    file = visit.form.file("file")
    if file is None:
        raise Invalid({"file": [visit.words("Choose a file.")]})
    if (file.size or 0) > uploads.MOST_BYTES:
        raise Invalid({"file": [visit.words("At most 10 MB.")]})
    media = visit.site.database.tools.media
    kept = await uploads.keep(media, visit.visitor.account_id, file.file, file.filename or "")
    title = visit.form.text("title", most=255)
    async with visit.tx() as tx:
        new = NewDocument(kind="file", title=title or kept.name, file=kept, is_titled=bool(title))
        await documents.create(tx, new)
    return visit.to("/content/knowledge", visit.words("Saved. It is being read."))

"""The way of a document from what somebody brought to what search finds, outside of transactions and in portions.

Each submission is a revision; work on an earlier one stops where it notices. What was done stays done, so a call
that is repeated after a crash goes on. Chunks of the revision before serve until those of the new one are complete.
"""

from asyncio import to_thread
from collections.abc import Sequence

from trunkline.core.db import Tx
from trunkline.core.errors import TrunklineError, Unavailable
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.knowledge import chunks, documents, reading, scraping, uploads, vectors
from trunkline.knowledge.chunks import Piece
from trunkline.knowledge.documents import Document
from trunkline.knowledge.reading import Unreadable
from trunkline.knowledge.vectors import Embedder

FAILED = "It could not be processed. Try again, or bring it in another form."


async def begin(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: submitted documents are processed, the revisions of one after each other."""
    for one in happened:
        process.later(tx, one.event.id, one.event.revision, key=f"document:{one.event.id}")


async def clear(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: nobody needs the files of deleted documents."""
    for one in happened:
        if one.event.file_key:
            drop_file.later(tx, one.event.file_key)


@job("documents.process", apart=True)
async def process(desk: Desk, id: int, revision: int) -> None:
    """Read, cut, embed."""
    document = await _started(desk, id, revision)
    if document is None:
        return
    try:
        document = await _with_text(desk, document)
        pieces = await _cut(document) if document else []
    except Unreadable as problem:
        async with desk.tx() as tx:
            await documents.fail(tx, id, revision, problem.message)
        return
    if document and await _store(desk, document, pieces) and await _embed(desk, document):
        async with desk.tx() as tx:
            await documents.finish(tx, id, revision, len(pieces))


@job("documents.drop_file", apart=True)
async def drop_file(desk: Desk, key: str) -> None:
    await desk.tools.media.delete(key)


async def _started(desk: Desk, id: int, revision: int) -> Document | None:
    async with desk.tx() as tx:
        if _is_last_try(desk):  # whatever ended the others: should it end this one, the document says so
            await documents.fail(tx, id, revision, FAILED)
        return await documents.advance(tx, id, revision, "extracting")


async def _with_text(desk: Desk, document: Document) -> Document | None:
    """The document with its text, read out of its file or page unless that is done already."""
    if document.content is not None or document.kind == "qa":
        return document
    if document.kind == "url":
        found = await scraping.read(await desk.tools.http(), document.source_url or "")
    else:
        with desk.tools.media.open(document.file_key or "") as file:
            found = await reading.read(file, uploads.format_of(document.file_type or ""))
    async with desk.tx() as tx:
        return await documents.take_text(tx, document.id, document.revision, found.text, found.title)


async def _cut(document: Document) -> list[Piece]:
    if document.kind == "qa":
        pieces = await to_thread(chunks.split, document.answer or "")
        question = document.question or ""
        return [Piece(question, piece.text, piece.first, piece.last) for piece in pieces]
    text = document.content or ""
    if document.is_html:
        text = (await reading.read_bytes(text.encode(), "html", charset="utf-8")).text
    pieces = await to_thread(chunks.split, text)
    if not pieces:
        raise Unreadable("No text was found in it.")
    if len(pieces) > chunks.MOST_PIECES:
        raise Unreadable("It has too many sections. Split it into several documents.")
    return pieces


async def _store(desk: Desk, document: Document, pieces: Sequence[Piece]) -> bool:
    """Write what is new, then let it take the place of what was there. False when it was superseded."""
    id, revision, title = document.id, document.revision, document.title
    while True:
        async with desk.tx() as tx:
            if await documents.advance(tx, id, revision, "chunking") is None:
                return False
            stay, new = chunks.compared(title, pieces, await chunks.kept(tx, id))
            if not new:
                await chunks.settle(tx, id, stay)
                await documents.advance(tx, id, revision, "embedding")
                return True
            await chunks.add(tx, id, title, new[: chunks.PORTION])


async def _embed(desk: Desk, document: Document) -> bool:
    """Give chunks their vectors. Meanwhile they are found by their words, and without a model that is all."""
    embedder: Embedder | None = desk.tools.embedder
    while embedder is not None:
        async with desk.tx() as tx:
            if await documents.advance(tx, document.id, document.revision, "embedding") is None:
                return False
            waiting = await vectors.waiting(tx, document.id, embedder.model)
        if not waiting:
            break
        try:
            found = await embedder.embed([chunk.text for chunk in waiting])
        except TrunklineError as error:
            if _is_last_try(desk):
                break
            raise Unavailable("The embedding model") from error
        async with desk.tx() as tx:
            await vectors.keep(tx, document.id, embedder.model, waiting, found)
    return True


def _is_last_try(desk: Desk) -> bool:
    return desk.call.is_last

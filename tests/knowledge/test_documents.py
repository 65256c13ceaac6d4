"""Documents: from what was brought to what can be found, and what happens when that fails."""

import asyncpg
import pytest

from tests import world
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.jobs import Claims
from trunkline.knowledge import documents, listing, reading, search
from trunkline.knowledge.documents import Changes, NewDocument
from trunkline.knowledge.listing import Filter
from trunkline.worker import Worker

pytestmark = pytest.mark.anyio


@pytest.fixture
def chunks(connection: asyncpg.Connection, account: int):
    async def of(document) -> dict[str, int]:
        """Ids of a document's chunks by their text."""
        rows = await connection.fetch(
            "select id, body from knowledge_chunks where account_id = $1 and document_id = $2 order by position",
            account,
            document.id,
        )
        return {row["body"]: row["id"] for row in rows}

    return of


@pytest.mark.parametrize("format", ["pdf", "docx", "txt", "md", "html"])
async def test_a_file_of_each_format_becomes_chunks(database, add, look, chunks, pdf, docx, format) -> None:
    content = {
        "pdf": lambda: pdf("Goods may be returned."),
        "docx": lambda: docx("Goods may be returned."),
        "html": lambda: b"<p>Goods may be returned.</p>",
    }.get(format, lambda: b"Goods may be returned.")()
    document = await add(file=content, name=f"a.{format}")

    await world.react(database)

    settled = await look(document)
    assert (listing.status(settled), settled.chunks_count, settled.content) == ("ready", 1, "Goods may be returned.")
    assert list(await chunks(document)) == ["Goods may be returned."]


async def test_a_question_is_the_heading_of_its_answer(database, add, look, account) -> None:
    document = await add(question="How long?", answer="For 30 days.")

    await world.react(database)

    async with database.tx(account) as tx:
        [passage] = await search.find(tx, "how long")
    assert (passage.document.id, passage.heading, passage.text) == (document.id, "How long?", "For 30 days.")


async def test_html_is_cleaned_and_cut_as_text(database, add, look, chunks) -> None:
    document = await add(content="<h1>Returns</h1><p onclick='x()'>Within <b>30</b> days.</p><script>x()</script>")

    await world.react(database)

    assert (await look(document)).content == "<h1>Returns</h1><p>Within <b>30</b> days.</p>"
    assert list(await chunks(document)) == ["Within 30 days."]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.pdf", b"%PDF-1.7 and nothing more", "damaged"),
        ("a.docx", b"PK\x03\x04 and nothing more", "damaged or protected"),
        ("a.txt", b"... --- ...", "No text"),
        ("a.md", b"# a\n" * 6000, "too many sections"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(database, add, look, name, content, problem) -> None:
    document = await add(file=content, name=name)

    await world.react(database)

    settled = await look(document)
    assert (listing.status(settled), settled.chunks_count) == ("failed", 0)
    assert problem in (settled.error_message or "")


async def test_a_new_text_replaces_changed_chunks_only(database, account, add, look, chunks) -> None:
    document = await add(
        content="# One\n\nThe first stays.\n\n# Two\n\nThe second goes.\n\n# Three\n\nThe third stays."
    )
    await world.react(database)
    before = await chunks(document)

    async with database.tx(account) as tx:
        changes = Changes(content="# One\n\nThe first stays.\n\n# Two\n\nIt is new.\n\n# Three\n\nThe third stays.")
        await documents.update(tx, document.id, changes)
    await world.react(database)

    after = await chunks(document)
    assert list(after) == ["The first stays.", "It is new.", "The third stays."]
    assert {text for text in before if before[text] == after.get(text)} == {"The first stays.", "The third stays."}
    assert (await look(document)).chunks_count == 3


async def test_until_a_new_text_is_done_the_old_one_is_found(database, account, add) -> None:
    document = await add(content="Parcels take two days.")
    await world.react(database)

    async with database.tx(account) as tx:
        changed = await documents.update(tx, document.id, Changes(content="Parcels take three days."))
        [passage] = await search.find(tx, "how many days do parcels take")

    assert listing.status(changed) == "processing"
    assert passage.text == "Parcels take two days."


async def test_what_changes_nothing_is_no_work(database, account, add) -> None:
    document = await add(content="Parcels take two days.", category="shipping")
    await world.react(database)

    async with database.tx(account) as tx:
        same = await documents.update(tx, document.id, Changes(content="Parcels take two days.", category="shipping"))

    assert (same.revision, listing.status(same)) == (1, "ready")


async def test_work_on_an_old_text_does_not_undo_the_new_one(database, account, add, look, monkeypatch) -> None:
    document = await add(file=b"The old text.", name="a.txt")
    read = reading.read

    async def slowly(*args, **options):
        async with database.tx(account) as tx:
            await documents.update(tx, document.id, Changes(content="The new text."))
        return await read(*args, **options)

    monkeypatch.setattr(reading, "read", slowly)
    await world.react(database)

    settled = await look(document)
    assert (settled.content, settled.stage, settled.revision) == ("The new text.", "ready", 2)


async def test_deleting_while_it_is_read_leaves_nothing(database, account, add, connection, monkeypatch) -> None:
    document = await add(file=b"Some text.", name="a.txt")
    read = reading.read

    async def slowly(*args, **options):
        async with database.tx(account) as tx:
            await documents.delete(tx, document.id)
        return await read(*args, **options)

    monkeypatch.setattr(reading, "read", slowly)
    await world.react(database)

    assert not await connection.fetchval("select count(*) from knowledge_chunks where account_id = $1", account)


async def test_deleting_takes_chunks_and_file(database: Database, account, add, connection) -> None:
    document = await add(file=b"Some text.", name="a.txt")
    await world.react(database)

    async with database.tx(account) as tx:
        await documents.delete(tx, document.id)
    await world.react(database)

    assert not await connection.fetchval("select count(*) from knowledge_chunks where account_id = $1", account)
    with pytest.raises(NotFound):
        database.tools.media.open(document.file_key)


async def test_what_fails_for_unknown_reasons_fails_visibly(
    database, account, add, look, connection, monkeypatch
) -> None:
    document = await add(file=b"Some text.", name="a.txt")

    async def broken(*args, **options):
        raise RuntimeError("out of order")

    monkeypatch.setattr(reading, "read", broken)
    await world.react(database)
    for _ in range(4):
        await connection.execute("update jobs set run_at = now() where account_id = $1", account)
        claims = Claims(database, "jobs")
        for call in [call for call in await claims.take(50) if call.account == account]:
            await Worker(database)._run_call(claims, call)

    settled = await look(document)
    assert (listing.status(settled), settled.error_message) == (
        "failed",
        "It could not be processed. Try again, or bring it in another form.",
    )
    assert await connection.fetchval("select count(*) from dead_letters where account_id = $1", account) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "document", "title": " ", "content": "x"}, "title"),
        ({"kind": "document", "title": "x" * 501, "content": "x"}, "title"),
        ({"kind": "document", "title": "x"}, "content"),
        ({"kind": "document", "title": "x", "content": "x" * 1_000_001}, "content"),
        ({"kind": "document", "title": "x", "content": "x", "question": "x"}, "question"),
        ({"kind": "qa", "title": "x", "question": "x"}, "answer"),
        ({"kind": "qa", "title": "x", "answer": "x"}, "question"),
        ({"kind": "qa", "title": "x", "question": "x" * 1001, "answer": "x"}, "question"),
        ({"kind": "document", "title": "x", "content": "x", "category": "x" * 256}, "category"),
    ],
)
async def test_what_is_missing_or_too_long_is_named(tx, given, field) -> None:
    with pytest.raises(Invalid) as refused:
        await documents.create(tx, NewDocument(**given))

    assert list(refused.value.fields) == [field]


async def test_texts_that_its_type_has_not_are_refused(database, account, add) -> None:
    document = await add(question="How?", answer="So.")

    async with database.tx(account) as tx:
        with pytest.raises(Invalid) as refused:
            await documents.update(tx, document.id, Changes(content="x"))

    assert list(refused.value.fields) == ["content"]


async def test_a_workspace_has_a_number_of_documents(tx, monkeypatch) -> None:
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 0)

    with pytest.raises(Conflict, match="at most 0"):
        await documents.create(tx, NewDocument(kind="document", title="x", content="x"))


@pytest.mark.parametrize("id", [0, -1, 2**63, 2**70])
async def test_absurd_ids_are_unknown(tx, id) -> None:
    with pytest.raises(NotFound):
        await documents.get(tx, id)
    with pytest.raises(NotFound):
        await documents.delete(tx, id)


async def test_a_document_of_others_is_unknown(database, other_account, add) -> None:
    document = await add(content="Ours.")

    async with database.tx(other_account) as tx:
        for call in (documents.get(tx, document.id), documents.delete(tx, document.id)):
            with pytest.raises(NotFound):
                await call
        with pytest.raises(NotFound):
            await documents.update(tx, document.id, Changes(title="Theirs"))


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (Filter(), ["Șosete", "Broken", "Answers"]),
        (Filter(search="sosete"), ["Șosete"]),
        (Filter(search="SPĂLA"), ["Șosete"]),
        (Filter(search="how do"), ["Answers"]),
        (Filter(search="%"), []),
        (Filter(search="  "), ["Șosete", "Broken", "Answers"]),
        (Filter(kind="qa"), ["Answers"]),
        (Filter(kind="nonsense"), []),
        (Filter(status="ready"), ["Șosete", "Answers"]),
        (Filter(status="failed"), ["Broken"]),
        (Filter(status="processing"), []),
        (Filter(category="clothes"), ["Șosete"]),
        (Filter(category="clothes", status="failed"), []),
    ],
    ids=str,
)
async def test_lists_are_filtered(database, account, add, filter, found) -> None:
    await add("Answers", question="How do I pay?", answer="By card.")
    await add("Broken", file=b"%PDF-", name="a.pdf")
    await add("Șosete", content="Se spală la 30 de grade.", category="clothes")
    await world.react(database)

    async with database.tx(account) as tx:
        rows, total, capped = await listing.page_and_total(tx, filter)

    assert [row.title for row in rows] == found
    assert (total, capped) == (len(found), False)
    assert all(row.content is None for row in rows)


@pytest.mark.parametrize("sort", listing.SORTS)
async def test_lists_are_sorted_both_ways(database, account, add, sort) -> None:
    for title in ("b", "Á", "c"):
        await add(title, content="x")

    async with database.tx(account) as tx:
        down, *_ = await listing.page_and_total(tx, sort=sort)
        up, *_ = await listing.page_and_total(tx, sort=sort, descending=False)

    assert [row.id for row in up] == [row.id for row in down][::-1]
    if sort == "title":
        assert [row.title for row in up] == ["Á", "b", "c"]


async def test_uses_are_counted_once_for_each_answer(database, account, add, look) -> None:
    document = await add(content="x")

    async with database.tx(account) as tx:
        await documents.cited(tx, [document.id, document.id, 999_999_999])

    assert (await look(document)).usage_count == 1

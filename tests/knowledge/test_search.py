"""Search: the right passage first, in several languages, misspelt or not, and nothing where nothing fits."""

from collections.abc import Sequence
from math import isclose

import pytest

from tests import world
from trunkline.core.errors import Unavailable
from trunkline.knowledge import documents, search, vectors
from trunkline.knowledge.documents import Changes
from trunkline.knowledge.vectors import Embedder

pytestmark = pytest.mark.anyio

TEXTS = {
    "Returns": "Goods may be returned within 30 days of delivery. The refund reaches your bank account after 14 days.",
    "Shipping": "Parcels are shipped within two working days. Shipping abroad costs 12 euros.",
    "Opening hours": "Our shop in Cluj is open from Monday to Friday, 9 to 17.",
    "Retururi": "Produsele pot fi returnate în 30 de zile. Rambursarea banilor durează 14 zile.",
    "Livrare": "Livrăm în toată țara în două zile lucrătoare. Livrarea este gratuită peste 200 de lei.",
    "Program": "Magazinul din Timișoara este deschis de luni până vineri, între orele 9 și 17.",
    "Garantie": "Für alle Geräte gilt eine Garantie von zwei Jahren. Rücksendungen sind kostenlos.",
    "Paiement": "Vous pouvez payer par carte bancaire ou à la livraison.",
    "Devices": "The charger X200-B needs firmware 4.2 or newer.",
    "返品": "商品は30日以内に返品できます。送料は無料です。",
    "Доставка": "Доставка занимает два дня. Самовывоз из магазина бесплатный.",
}


@pytest.fixture
async def base(database, add, account):
    """A knowledge base in several languages."""
    for title, text in TEXTS.items():
        await add(title, content=text)
    await world.react(database)


@pytest.fixture
def ask(database, account):
    async def asked(question: str, **options) -> list[search.Passage]:
        async with database.tx(account) as tx:
            return await search.find(tx, question, **options)

    return asked


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How long does a refund take?", "Returns"),
        ("can I return my goods", "Returns"),
        ("what does shipping abroad cost", "Shipping"),
        ("is the shop open on friday?", "Opening hours"),
        ("cat dureaza rambursarea", "Retururi"),
        ("Pot să returnez produsele?", "Retururi"),
        ("livrati in toata tara?", "Livrare"),
        ("LIVRAREA GRATUITĂ", "Livrare"),
        ("când e deschis magazinul din Timisoara", "Program"),
        ("Wie lange ist die Garantie?", "Garantie"),
        ("puis-je payer par carte ?", "Paiement"),
        ("x200-b firmware", "Devices"),
        ("返品できますか", "返品"),
        ("сколько занимает доставка", "Доставка"),
        ("refnud bank acount", "Returns"),
        ("firmwear charger", "Devices"),
        ("shiping abrod", "Shipping"),
    ],
)
async def test_the_passage_that_answers_comes_first(base, ask, question, title) -> None:
    found = await ask(question)

    assert found[0].document.title == title
    assert 0 < found[0].score <= 1


@pytest.mark.parametrize(
    "question", ["", "   ", "?!", "quantum entanglement", "'; drop table", "x" * 20_000, "\0", "'zzz' & !yyy:*"]
)
async def test_what_is_not_in_there_is_not_found(base, ask, question) -> None:
    found = await ask(question)

    assert all(passage.score < 0.35 for passage in found)


async def test_a_question_that_is_covered_scores_above_one_that_is_touched(base, ask) -> None:
    [covered, *_] = await ask("shipping abroad costs")
    [touched, *_] = await ask("shipping dangerous explosives submarine permit")

    assert covered.score > 0.6 > touched.score


async def test_a_passage_tells_where_it_stands(database, add, ask) -> None:
    document = await add("Handbook", content="# Care\n\n## Washing\n\nAt 30 degrees.", category="clothes")
    await world.react(database)

    [passage] = await ask("washing degrees")

    assert (passage.document.id, passage.document.title, passage.document.category) == (
        document.id,
        "Handbook",
        "clothes",
    )
    assert (passage.heading, passage.text) == ("Care > Washing", "At 30 degrees.")
    assert (passage.first, passage.last) == (20, 34)


async def test_a_category_narrows_the_search(database, add, ask) -> None:
    await add("One", content="Wash at 30 degrees.", category="clothes")
    await add("Two", content="Bake at 180 degrees.", category="food")
    await world.react(database)

    found = await ask("degrees", category="food")

    assert [passage.document.title for passage in found] == ["Two"]


async def test_priority_comes_before_equals(database, account, add, ask) -> None:
    for title in ("One", "Two"):
        await add(title, content="Wash at 30 degrees.", is_priority=title == "Two")
    await world.react(database)

    found = await ask("degrees")

    assert [passage.document.title for passage in found] == ["Two", "One"]


async def test_a_paused_document_answers_nothing_until_it_is_resumed(database, account, add, ask) -> None:
    document = await add(content="Wash at 30 degrees.")
    await world.react(database)

    async with database.tx(account) as tx:
        await documents.update(tx, document.id, Changes(is_paused=True))
    paused = await ask("wash degrees")
    async with database.tx(account) as tx:
        await documents.update(tx, document.id, Changes(is_paused=False))

    assert (paused, len(await ask("wash degrees"))) == ([], 1)


async def test_others_find_nothing_of_ours(base, database, other_account) -> None:
    async with database.tx(other_account) as tx:
        assert await search.find(tx, "refund") == []


async def test_the_search_of_another_account_is_not_ours_to_call(
    base, database, account, other_account, connection
) -> None:
    await connection.execute("begin; set local role trunkline_app")
    await connection.execute(f"set local trunkline.account = '{other_account}'")

    found = [
        await connection.fetch("select * from search_documents($1, '%refund%', 10)", account),
        await connection.fetch("select * from search_chunks($1, array['refund'], array[1.0], null, 10)", account),
        await connection.fetch("select * from similar_chunks($1, array['refund'], null, 10)", account),
    ]
    await connection.execute("rollback")

    assert found == [[], [], []]


MEANINGS = ("money", "parcel", "time")
SAYS = {
    "money": ("refund", "bank", "price", "cash"),
    "parcel": ("parcel", "shipped", "box"),
    "time": ("open", "monday"),
}


async def embed(texts: Sequence[str]) -> list[list[float]]:
    """A model that knows three things."""
    return [
        [0.01 + sum(word in text.lower() for word in SAYS[meaning]) for meaning in MEANINGS] + [-1.0] for text in texts
    ]


@pytest.fixture
def model(database, monkeypatch: pytest.MonkeyPatch) -> Embedder:
    embedder = Embedder("toy", embed)
    monkeypatch.setattr(database.tools, "embedder", embedder)
    return embedder


async def test_meaning_finds_what_words_do_not(model, base, database, ask) -> None:
    vector = await vectors.of_question(database.tools, "cash")

    [first, *_] = await ask("cash", vector=vector)

    assert first.document.title == "Returns"
    assert first.score > 0.7


async def test_without_a_model_a_question_has_no_vector(database) -> None:
    assert await vectors.of_question(database.tools, "cash") is None


async def test_vectors_of_another_model_do_not_count(model, base, database, ask) -> None:
    vector = vectors.Vector("other", [1.0, 0.0])

    assert [passage.document.title for passage in await ask("firmware", vector=vector)] == ["Devices"]
    assert await ask("nothingness", vector=vectors.Vector("toy", [1.0])) is not None


async def test_every_chunk_gets_a_vector_in_portions(
    model, database, account, add, look, connection, monkeypatch
) -> None:
    monkeypatch.setattr(vectors, "PORTION", 2)

    document = await add(content="\n\n".join(f"# Part {n}\n\nText {n}." for n in range(7)))
    await world.react(database)

    rows = await connection.fetch("select vector from knowledge_vectors where account_id = $1", account)
    assert len(rows) == (await look(document)).chunks_count == 7
    assert all(isclose(sum(value * value for value in row["vector"]), 1, rel_tol=1e-4) for row in rows)


async def test_a_model_that_is_away_delays_and_does_not_hide(database, add, look, ask, monkeypatch) -> None:
    async def away(texts):
        raise Unavailable("The model")

    monkeypatch.setattr(database.tools, "embedder", Embedder("toy", away))
    document = await add(content="Wash at 30 degrees.")

    await world.react(database)

    assert (await look(document)).stage == "embedding"
    assert len(await ask("wash degrees")) == 1

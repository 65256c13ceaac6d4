"""Search: the passages that answer a question, by their words and, where a model is configured, by their meaning."""

from collections import defaultdict
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.text import clean
from trunkline.knowledge import vectors, words
from trunkline.knowledge.vectors import Vector

LONGEST_QUESTION = 10_000
DEPTH = 50
WEAK = 0.35
"""Below this, misspelt words are looked for as well."""

MISSPELT, MOST_MISSPELT = 0.8, 6
BY_WORDS, BY_MEANING = 0.3, 0.7
SMOOTHING = 60


class Source(Struct, frozen=True):
    """The document that a passage is from; `url` is that of its page."""

    id: int
    uuid: UUID
    title: str
    kind: str
    url: str | None
    category: str | None
    is_priority: bool


class Passage(Struct, frozen=True):
    """A chunk that may answer. `score`, from 0 to 1, tells how much of the question it covers: compare it with a
    threshold; the order is the better guide to which passage is best. `first` and `last` are places in the
    document's plain text.
    """

    document: Source
    chunk: int
    heading: str
    text: str
    first: int
    last: int
    score: float


class _Row(Struct, frozen=True):
    chunk: int
    heading: str
    body: str
    first: int
    last: int
    document_id: int
    uuid: UUID
    title: str
    kind: str
    source_url: str | None
    category: str | None
    is_priority: bool


async def find(
    tx: Tx, query: str, limit: int = 5, category: str | None = None, *, vector: Vector | None = None
) -> list[Passage]:
    """The best passages for a question in any language, best first; none when nothing fits.

    `vector` is the question's own (`vectors.of_question`, called before the transaction). Documents that are marked
    as priority come before equals.
    """
    query = clean(query)[:LONGEST_QUESTION]
    scored = await _by_words(tx, query, category)
    order = list(scored)
    if vector is not None:
        near = dict(await vectors.nearest(tx, vector, DEPTH, category))
        order = _fused(order, list(near))
        scored = {id: max(scored.get(id, 0.0), near.get(id) or 0.0) for id in order}
    best = order[:limit]
    rows = {row.chunk: row for row in await tx.fetch(_Row, PASSAGES, tx.account, best)} if best else {}
    return [_passage(rows[id], scored[id]) for id in best if id in rows]


async def _by_words(tx: Tx, query: str, category: str | None) -> dict[int, float]:
    """Scores of chunks by id, best first."""
    asked = words.asked(query)
    if not asked:
        return {}
    terms = words.terms(asked)
    queries, weights = [term.query for term in terms], [term.weight for term in terms]
    found = dict(await tx.rows(BY_TERMS, tx.account, queries, weights, category, DEPTH))
    if max(found.values(), default=0.0) >= WEAK:
        return found
    longest = sorted((word for word in asked if len(word) > 3), key=len)[-MOST_MISSPELT:]
    similar = dict(await tx.rows(SIMILAR, tx.account, longest, category, DEPTH)) if longest else {}
    share = MISSPELT * len(longest) / len(asked)
    merged = {id: max(found.get(id, 0.0), share * similar.get(id, 0.0)) for id in [*found, *similar]}
    return dict(sorted(merged.items(), key=lambda one: (-one[1], one[0])))


def _fused(by_words: list[int], by_meaning: list[int]) -> list[int]:
    """Reciprocal ranks; meaning leads, as incidental words may lift a wrong passage to the top."""
    ranks: dict[int, float] = defaultdict(float)
    for order, weight in ((by_words, BY_WORDS), (by_meaning, BY_MEANING)):
        for place, id in enumerate(order):
            ranks[id] += weight / (SMOOTHING + place)
    return sorted(ranks, key=lambda id: (-ranks[id], id))


def _passage(row: _Row, score: float) -> Passage:
    source = Source(row.document_id, row.uuid, row.title, row.kind, row.source_url, row.category, row.is_priority)
    return Passage(source, row.chunk, row.heading, row.body, row.first, row.last, min(1.0, max(0.0, score)))


BY_TERMS = sql("""
    select chunk_id, score from search_chunks(account_id => $1, terms => $2::text[], weights => $3::float8[],
        category => $4::text, most => $5)
""")

SIMILAR = sql("""
    select chunk_id, score from similar_chunks(account_id => $1, wanted => $2::text[], category => $3::text, most => $4)
""")

PASSAGES = sql("""
    select c.id as chunk, c.heading, c.body, c.first, c.last, c.document_id, d.uuid, d.title, d.kind, d.source_url,
        d.category, d.is_priority
    from knowledge_chunks c join knowledge_documents d on d.account_id = $1 and d.id = c.document_id
    where c.account_id = $1 and c.id = any($2::bigint[])
""")

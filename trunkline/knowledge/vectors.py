"""Vectors: what chunks mean, as numbers of a model. There are none until a model is configured.

The model's own call comes from outside as an `Embedder` (`tools.embedder`); nothing here talks to the network.
"""

from collections.abc import Awaitable, Callable, Sequence
from math import sqrt
from typing import Any

from msgspec import Struct

from trunkline.core.db import Tx, sql

PORTION = 64
CANDIDATES = 100


class Embedder(Struct, frozen=True):
    """`embed` makes a vector of each text, in order; it raises a `TrunklineError` when it cannot."""

    model: str
    embed: Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]


class Vector(Struct, frozen=True):
    """A question as a vector of length 1."""

    model: str
    values: list[float]


class Waiting(Struct, frozen=True):
    """A chunk without a vector of the model."""

    id: int
    title: str
    heading: str
    body: str

    @property
    def text(self) -> str:
        return "\n".join(part for part in (self.title, self.heading, self.body) if part)


async def of_question(tools: Any, question: str) -> Vector | None:
    """The vector for `search.find`; call it outside of transactions. None where no model is configured."""
    embedder: Embedder | None = tools.embedder
    if embedder is None:
        return None
    [values] = await embedder.embed([question])
    return Vector(embedder.model, normal(values))


async def waiting(tx: Tx, document_id: int, model: str) -> list[Waiting]:
    """The next `PORTION` chunks that need a vector."""
    return await tx.fetch(Waiting, WAITING, tx.account, document_id, model, PORTION)


async def keep(
    tx: Tx, document_id: int, model: str, chunks: Sequence[Waiting], vectors: Sequence[Sequence[float]]
) -> None:
    """Store vectors of chunks that are still there."""
    found = [normal(values) for values in vectors]
    await tx.run(
        KEEP,
        tx.account,
        document_id,
        model,
        [chunk.id for chunk in chunks],
        [signs(values) for values in found],
        ["{" + ",".join(map(repr, values)) + "}" for values in found],
    )


async def nearest(tx: Tx, vector: Vector, limit: int, category: str | None) -> list[tuple[int, float]]:
    """Ids of chunks and their closeness, the closest first, among those whose signs agree most."""
    asked = tx.account, vector.model, signs(vector.values), vector.values, category, CANDIDATES, limit
    return [(id, closeness) for id, closeness in await tx.rows(NEAREST, *asked)]


def normal(values: Sequence[float]) -> list[float]:
    length = sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def signs(values: Sequence[float]) -> str:
    return "".join("1" if value > 0 else "0" for value in values)


WAITING = sql("""
    select c.id, d.title, c.heading, c.body from knowledge_chunks c
    join knowledge_documents d on d.account_id = $1 and d.id = c.document_id
    left join knowledge_vectors v on v.account_id = $1 and v.chunk_id = c.id
    where c.account_id = $1 and c.document_id = $2 and c.is_live and v.model is distinct from $3
    order by c.position limit $4
""")

KEEP = sql("""
    insert into knowledge_vectors (account_id, chunk_id, document_id, model, signs, vector)
    select $1, c.id, $2, $3, n.signs::bit varying, n.vector::real[]
    from unnest($4::bigint[], $5::text[], $6::text[]) as n (id, signs, vector)
    join knowledge_chunks c on c.account_id = $1 and c.document_id = $2 and c.id = n.id
    on conflict (account_id, chunk_id) do update
    set model = excluded.model, signs = excluded.signs, vector = excluded.vector
""")

NEAREST = sql("""
    with candidates as materialized (
        select v.chunk_id, v.vector from knowledge_vectors v
        join knowledge_documents d on d.account_id = $1 and d.id = v.document_id
        where v.account_id = $1 and v.model = $2 and not d.is_paused and ($5::text is null or d.category = $5)
        order by case when length(v.signs) = length($3::text)
            then bit_count(v.signs # $3::text::bit varying) end nulls last
        limit $6
    )
    select c.chunk_id, (select sum(p.one * p.other)::float8 from unnest(c.vector, $4::real[]) as p (one, other))
    from candidates c
    order by 2 desc nulls last, 1 limit $7
""")

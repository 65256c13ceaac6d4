"""Chunks: a text cut where it changes the subject, each piece small enough to be quoted.

Headings (`#` as in Markdown) part sections. Inside one, a cut is made behind a paragraph that the text itself
chooses, so an edit moves the cuts near it and leaves the others; what the edit did not touch is stored once only.
"""

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.knowledge import words

MOST = 1200
ENOUGH = 500
OVERLAP = 200
ONE_IN = 3
PORTION = 200
MOST_PIECES = 5_000
"""Of one document."""


class Piece(Struct, frozen=True):
    """`first` and `last` are places in the plain text; `heading` is the path of headings above it."""

    heading: str
    text: str
    first: int
    last: int


class Placed(Struct, frozen=True):
    """A piece and where it goes; `digest` tells whether it is stored already."""

    position: int
    piece: Piece
    digest: str


class _Unit(Struct, frozen=True):
    """A sentence or a line; `ends` a paragraph."""

    first: int
    last: int
    ends: bool


def split(text: str) -> list[Piece]:
    """The pieces of a text, in order; none of a text without a letter in it."""
    if not READABLE.search(text):
        return []
    return [piece for section in _sections(text) for piece in _pieces(text, *section)]


async def kept(tx: Tx, document_id: int) -> dict[str, list[int]]:
    """The ids of the stored chunks of a document by their digest."""
    found: dict[str, list[int]] = defaultdict(list)
    for id, digest in await tx.rows(DIGESTS, tx.account, document_id):
        found[digest].append(id)
    return found


def compared(title: str, pieces: Sequence[Piece], kept: dict[str, list[int]]) -> tuple[dict[int, Placed], list[Placed]]:
    """What stays, by the id of its chunk, and what has to be written."""
    left = {digest: sorted(ids, reverse=True) for digest, ids in kept.items()}
    stay: dict[int, Placed] = {}
    new: list[Placed] = []
    for position, piece in enumerate(pieces):
        digest = hashlib.sha256("\0".join((title, piece.heading, piece.text)).encode()).hexdigest()[:32]
        placed = Placed(position, piece, digest)
        if ids := left.get(digest):
            stay[ids.pop()] = placed
        else:
            new.append(placed)
    return stay, new


async def add(tx: Tx, document_id: int, title: str, placed: Sequence[Placed]) -> None:
    """Write chunks that nobody finds yet; `PORTION` at a time keeps transactions short."""
    pieces = [one.piece for one in placed]
    await tx.run(
        INSERT,
        tx.account,
        document_id,
        [one.position for one in placed],
        [piece.heading for piece in pieces],
        [piece.text for piece in pieces],
        [piece.first for piece in pieces],
        [piece.last for piece in pieces],
        [one.digest for one in placed],
        [words.vector((title, "A"), (piece.heading, "A"), (piece.text, "D")) for piece in pieces],
        [words.fold(f"{title}\n{piece.heading}\n{piece.text}") for piece in pieces],
    )


async def settle(tx: Tx, document_id: int, placed: dict[int, Placed]) -> None:
    """Exactly these chunks are the document's from now on, and can be found."""
    await tx.run(FORGET_OTHERS, tx.account, document_id, list(placed))
    await tx.run(
        PLACE,
        tx.account,
        document_id,
        list(placed),
        [one.position for one in placed.values()],
        [one.piece.first for one in placed.values()],
        [one.piece.last for one in placed.values()],
    )


async def forget(tx: Tx, document_id: int) -> None:
    await tx.run(FORGET_OTHERS, tx.account, document_id, [])


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    """Path of headings, first and last place of what stands below them; a heading above nothing stands for itself."""
    headings = list(HEADING.finditer(text))
    path: list[tuple[int, str]] = []
    yield "", 0, headings[0].start() if headings else len(text)
    for heading, following in zip_longest(headings, headings[1:]):
        depth = len(heading["depth"])
        path = [(level, name) for level, name in path if level < depth]
        first, last = heading.end(), following.start() if following else len(text)
        is_leaf = following is None or len(following["depth"]) <= depth
        if is_leaf and _after_space(text, first, last) == last:
            yield _told(path), heading.start("name"), last
            continue
        path.append((depth, heading["name"][:LONGEST_HEADING].rstrip(" \t#")))
        yield _told(path), first, last


def _told(path: list[tuple[int, str]]) -> str:
    return " > ".join(name for _, name in path)


def _pieces(text: str, heading: str, first: int, last: int) -> Iterator[Piece]:
    units = list(_units(text, first, last))
    begin = 0
    for at, unit in enumerate(units):
        if at > begin and unit.last - units[begin].first > MOST:
            yield _piece(text, heading, units[begin:at])
            begin = at - 1 if _overlaps(units, begin, at) else at
        if unit.ends and unit.last - units[begin].first >= ENOUGH and _chosen(text, unit):
            yield _piece(text, heading, units[begin : at + 1])
            begin = at + 1
    if begin < len(units):
        yield _piece(text, heading, units[begin:])


def _overlaps(units: Sequence[_Unit], begin: int, at: int) -> bool:
    """Whether the sentence before a cut in the midst of a paragraph goes along, so that the next one makes sense."""
    before = units[at - 1]
    short = before.last - before.first <= OVERLAP and units[at].last - before.first <= MOST
    return short and at - 1 > begin and not before.ends


def _chosen(text: str, unit: _Unit) -> bool:
    return zlib.crc32(text[unit.first : unit.last].encode()) % ONE_IN == 0


def _piece(text: str, heading: str, units: Sequence[_Unit]) -> Piece:
    first, last = units[0].first, units[-1].last
    return Piece(heading, text[first:last], first, last)


def _units(text: str, first: int, last: int) -> Iterator[_Unit]:
    """Sentences and lines without the space around them; monsters are cut between words."""
    while (first := _after_space(text, first, last)) < last:
        horizon = min(last, first + MOST + LONGEST_GAP)
        gap = BREAK.search(text, first + 1, horizon)
        stop = gap.start() + len(gap[0].rstrip()) if gap else horizon
        if stop - first > MOST:
            space = text.rfind(" ", first + MOST // 2, first + MOST)
            stop = space if space > 0 else first + MOST
            yield _Unit(first, stop, False)
            first = stop
            continue
        yield _Unit(first, first + len(text[first:stop].rstrip()), gap is None or gap[0].count("\n") > 1)
        first = gap.end() if gap else stop


def _after_space(text: str, first: int, last: int) -> int:
    found = SOLID.search(text, first, last)
    return found.start() if found else last


READABLE = re.compile(r"\w")
SOLID = re.compile(r"\S")
HEADING = re.compile(r"^(?P<depth>#{1,6})[ \t]++(?P<name>\S[^\n]*)$", re.MULTILINE)
# Nothing here looks twice at a long run of spaces.
BREAK = re.compile(r"(?<=[.!?…])[\"')\]»”’]{0,3}(?:[ \t]*+\n\s*|[ \t]++)|(?<=[。！？])|(?<![ \t])[ \t]*+\n\s*")
LONGEST_HEADING = 200
LONGEST_GAP = 100

DIGESTS = sql("select id, digest from knowledge_chunks where account_id = $1 and document_id = $2 order by id")

INSERT = sql("""
    insert into knowledge_chunks
        (account_id, document_id, position, heading, body, first, last, digest, words, folded)
    select $1::bigint, $2::bigint, n.position, n.heading, n.body, n.first, n.last, n.digest, n.words::tsvector, n.folded
    from unnest($3::int[], $4::text[], $5::text[], $6::int[], $7::int[], $8::text[], $9::text[], $10::text[])
        as n (position, heading, body, first, last, digest, words, folded)
""")

FORGET_OTHERS = sql("""
    with gone as (
        delete from knowledge_chunks c where c.account_id = $1 and c.document_id = $2 and not c.id = any($3::bigint[])
        returning c.id
    )
    delete from knowledge_vectors v using gone where v.account_id = $1 and v.chunk_id = gone.id
""")

PLACE = sql("""
    update knowledge_chunks c set position = p.position, first = p.first, last = p.last, is_live = true
    from unnest($3::bigint[], $4::int[], $5::int[], $6::int[]) as p (id, position, first, last)
    where c.account_id = $1 and c.document_id = $2 and c.id = p.id
      and (c.position, c.first, c.last, c.is_live) is distinct from (p.position, p.first, p.last, true)
""")

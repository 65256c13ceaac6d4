"""Steps: how far each part of a move has come. A page and its place are written in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Refusal

MOST_PROBLEMS = 50


class Step(Struct, frozen=True):
    """`left_out` counts what did not come along, `problems` say why of the first ones."""

    part: str
    cursor: str | None
    done: int
    left_out: int
    problems: list[str]
    held: list[Any]
    started_at: datetime
    finished_at: datetime | None


class Notes:
    """What happened while a page was written."""

    def __init__(self) -> None:
        self.done = self.left_out = 0
        self.problems: list[str] = []
        self.held: list[Any] = []

    def leave(self, problem: str, number: int = 1) -> None:
        self.left_out += number
        self.problems.append(problem)


async def take(tx: Tx, host: str, part: str) -> Step:
    """Where a part stands; nobody else moves it until this transaction ends."""
    await tx.run(BEGIN, tx.account, host, part)
    return await tx.one(Step, LOCK, tx.account, host, part)


async def keep(tx: Tx, host: str, before: Step, cursor: str | None, notes: Notes) -> None:
    problems = [*before.problems, *notes.problems][:MOST_PROBLEMS]
    written = await tx.run(
        KEEP, tx.account, host, before.part, cursor, notes.done, notes.left_out, problems, [*before.held, *notes.held],
        cursor is None,
    )  # fmt: skip
    assert written == 1


async def all_of(tx: Tx, host: str | None = None) -> list[Step]:
    return await tx.fetch(Step, ALL, tx.account, host)


async def unhold(tx: Tx) -> dict[str, list[Any]]:
    """What was held, by part; it is not held any more."""
    found: dict[str, list[Any]] = {}
    for part, held in await tx.rows(HELD, tx.account):
        found.setdefault(part, []).extend(held)
    await tx.run(UNHOLD, tx.account)
    return found


def refuse_moved(given: Step, now: Step) -> None:
    """Two moves at once would write every page twice."""
    if (given.cursor, given.done) != (now.cursor, now.done):
        raise Refusal("The same workspace is being copied by somebody else right now.", code="in_progress")


def summary(found: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "part": step.part,
            "copied": step.done,
            "left_out": step.left_out,
            "problems": step.problems,
            "finished": step.finished_at is not None,
            "held": len(step.held),
        }
        for step in found
    ]


_COLUMNS = "part, cursor, done, left_out, problems, held, started_at, finished_at"

BEGIN = sql("insert into moves (account_id, host, part) values ($1, $2, $3) on conflict do nothing")

LOCK = sql(f"select {_COLUMNS} from moves where account_id = $1 and host = $2 and part = $3 for update")

KEEP = sql("""
    update moves set cursor = $4, done = done + $5, left_out = left_out + $6, problems = $7, held = $8,
        finished_at = case when $9::boolean then now() end
    where account_id = $1 and host = $2 and part = $3
""")

ALL = sql(f"""
    select {_COLUMNS} from moves where account_id = $1 and ($2::text is null or host = $2) order by started_at, part
""")

HELD = sql("select part, held from moves where account_id = $1 and held <> '[]' for update")

UNHOLD = sql("update moves set held = '[]' where account_id = $1 and held <> '[]'")

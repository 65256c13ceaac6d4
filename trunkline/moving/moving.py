"""The move: part after part, page after page, from where the last try stopped."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from trunkline.accounts import accounts
from trunkline.accounts.accounts import Account
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Refusal
from trunkline.moving import people, scripts, steps, things
from trunkline.moving.source import Missing, Source
from trunkline.moving.steps import Notes, Step
from trunkline.moving.things import Rows

Tell = Callable[[str, int], None]
"""Hears the part and how many of it were just copied."""

Write = Callable[[Tx, Rows, Notes], Awaitable[None]]


class Part(Struct, frozen=True):
    """`fetch` may ask the server for more before a page is written."""

    name: str
    write: Write
    params: Mapping[str, Any] = {}
    fetch: Callable[[Source, Rows], Awaitable[Rows]] | None = None


async def move(database: Database, account: int, source: Source, tell: Tell) -> list[dict[str, Any]]:
    """Copy what is not copied yet, and report on all of it."""
    workspace = await _greet(source)
    for part in _parts(source):
        await _move(database, account, source, part, tell)
    await _look_behind(database, account, source, workspace)
    async with database.tx(account) as tx:
        return steps.summary(await steps.all_of(tx, source.name))


async def release(database: Database, account: int, site: str) -> dict[str, Any]:
    """Let campaigns and triggers go that were held. Returns how many, and what could not be."""
    async with database.tx(account) as tx:
        return await scripts.let_go(tx, await steps.unhold(tx), site)


def _parts(source: Source) -> list[Part]:
    async def carry_messages(tx: Tx, rows: Rows, notes: Notes) -> None:
        await people.carry_messages(tx, rows, notes, source.name)

    async def carry_runs(tx: Tx, rows: Rows, notes: Notes) -> None:
        await people.carry_runs(tx, rows, notes, source.name)

    return [
        Part("fields", things.carry_fields),
        Part("globals", things.carry_globals),
        Part("labels", things.carry_labels),
        Part("groups", things.carry_groups),
        Part("flows", scripts.carry_flows, fetch=scripts.definitions),
        Part("campaigns", scripts.carry_campaigns),
        Part("campaign_events", scripts.carry_events),
        Part("contacts", people.carry_contacts, {"reverse": "true"}),
        Part("messages", carry_messages),
        Part("runs", carry_runs, {"reverse": "true"}),
    ]


async def _greet(source: Source) -> dict[str, Any]:
    """What the workspace there says of itself."""
    try:
        return await source.get("workspace", {})
    except Missing:
        raise Refusal(f"{source.root} is not the API of a RapidPro server, or not for this token.") from None


async def _move(database: Database, account: int, source: Source, part: Part, tell: Tell) -> None:
    async with database.tx(account) as tx:
        step = await steps.take(tx, source.name, part.name)
    tell(part.name, step.done)
    while step.finished_at is None:
        try:
            page = await source.page(part.name, part.params, step.cursor)
            rows = await part.fetch(source, page.results) if part.fetch else page.results
        except Missing:
            rows, page = [], None
        step = await _write(database, account, source, part, step, rows, page.cursor if page else None, page is None)
        tell(part.name, step.done)


async def _write(
    database: Database, account: int, source: Source, part: Part, step: Step, rows: Rows, cursor: str | None,
    missing: bool,
) -> Step:  # fmt: skip
    notes = Notes()
    async with database.tx(account) as tx:
        now = await steps.take(tx, source.name, part.name)
        steps.refuse_moved(step, now)
        if missing:
            notes.problems.append("The server does not show these.")
        await part.write(tx, rows, notes)
        await steps.keep(tx, source.name, now, cursor, notes)
    async with database.tx(account) as tx:
        return await steps.take(tx, source.name, part.name)


async def _look_behind(database: Database, account: int, source: Source, workspace: Mapping[str, Any]) -> None:
    """Say what the server has that no part copies."""
    async with database.tx(account) as tx:
        found = _differences(await accounts.current(tx), workspace)
    for endpoint, advice in LEFT.items():
        try:
            page = await source.page(endpoint, {}, None)
        except Missing:
            continue
        if page.results:
            number = f"{len(page.results)}{'+' if page.cursor else ''}"
            found.append(f"{number} {endpoint.replace('_', ' ')}: {advice}")
    notes = Notes()
    notes.problems = found
    async with database.tx(account) as tx:
        step = await steps.take(tx, source.name, "others")
        if step.finished_at is None:
            await steps.keep(tx, source.name, step, None, notes)


def _differences(account: Account, workspace: Mapping[str, Any]) -> list[str]:
    """Settings decide when campaigns are due and what languages texts are read in; they are not changed from afar."""
    ours = {"timezone": account.timezone, "country": account.country, "languages": ",".join(account.languages)}
    theirs = {**workspace, "languages": ",".join(workspace.get("languages") or ())}
    return [
        f"There {name} is {theirs[name]}, here {value or 'not set'}; `trunkline account set` changes it."
        for name, value in ours.items()
        if theirs.get(name) and theirs[name] != value
    ]


LEFT = {
    "channels": "connect them anew; old messages name them.",
    "resthook_subscribers": "they have to subscribe here.",
    "users": "make them members with `trunkline user create`.",
    "tickets": "their messages came along, they themselves did not.",
    "broadcasts": "their messages came along, they themselves did not.",
    "flow_starts": "their runs came along, they themselves did not.",
    "classifiers": "connect a model in the settings.",
}

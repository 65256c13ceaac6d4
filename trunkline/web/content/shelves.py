"""Shelves: short lists of things that people make, change and delete, all alike: one page, one form.

A shelf says which columns are shown and which fields are asked for; the functions are the nouns' own.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from trunkline.accounts.roles import Level
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound
from trunkline.web.forms import Form
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

Row = Any


class Field(Struct, frozen=True):
    """`kind` is text, area or choice: `options` are their own words unless `titles` say more. `once`: unchanged."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    required: bool = False
    once: bool = False
    options: Sequence[str] = ()
    titles: Sequence[str] = ()
    most: int = 255


class Shelf(Struct, frozen=True):
    """`columns` are pairs of an attribute and its heading; `key` is the attribute that a row is addressed by."""

    path: str
    title: str
    about: str
    one: str
    columns: list[tuple[str, str]]
    fields: list[Field]
    rows: Callable[[Tx], Awaitable[Sequence[Row]]]
    create: Callable[[Tx, Form], Awaitable[object]]
    change: Callable[[Tx, Row, Form], Awaitable[object]] | None = None
    delete: Callable[[Tx, Row], Awaitable[object]] | None = None
    key: str = "id"
    level: Level = "manage"


def put(pages: Section, shelf: Shelf, tabs: Sequence[tuple[str, str]]) -> None:
    """The pages of a shelf: the list with the form for a new one, the form of each, its end."""

    @pages.get(shelf.path)
    async def table(visit: Visit) -> Response:
        async with visit.tx() as tx:
            return visit.page("content/shelf.html", shelf=shelf, tabs=tabs, rows=await shelf.rows(tx), row=None)

    @pages.post(shelf.path, level=shelf.level)
    async def create(visit: Visit) -> Response:
        async with visit.tx() as tx:
            await shelf.create(tx, visit.form)
        return visit.to(shelf.path, visit.words("Saved."))

    if shelf.change is not None:
        _changing(pages, shelf, shelf.change, tabs)
    if shelf.delete is not None:
        _deleting(pages, shelf, shelf.delete)


def _changing(
    pages: Section, shelf: Shelf, change: Callable[[Tx, Row, Form], Awaitable[object]], tabs: Sequence[tuple[str, str]]
) -> None:
    @pages.get(f"{shelf.path}/{{key}}", level=shelf.level)
    async def form(visit: Visit) -> Response:
        async with visit.tx() as tx:
            row = await _find(tx, shelf, visit)
            return visit.page("content/shelf.html", shelf=shelf, tabs=tabs, rows=[], row=row)

    @pages.post(f"{shelf.path}/{{key}}", level=shelf.level)
    async def save(visit: Visit) -> Response:
        async with visit.tx() as tx:
            await change(tx, await _find(tx, shelf, visit), visit.form)
        return visit.to(shelf.path, visit.words("Saved."))


def _deleting(pages: Section, shelf: Shelf, delete: Callable[[Tx, Row], Awaitable[object]]) -> None:
    @pages.post(f"{shelf.path}/{{key}}/removal", level=shelf.level)
    async def remove(visit: Visit) -> Response:
        async with visit.tx() as tx:
            await delete(tx, await _find(tx, shelf, visit))
        return visit.to(shelf.path, visit.words("Deleted."))


async def _find(tx: Tx, shelf: Shelf, visit: Visit) -> Row:
    wanted = visit.request.path_params["key"]
    for row in await shelf.rows(tx):
        if str(getattr(row, shelf.key)) == wanted:
            return row
    raise NotFound(shelf.one.lower())

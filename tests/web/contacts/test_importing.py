"""The import on the page: columns are custom fields, and a check tells what does not fit them."""

import re

import httpx2
import pytest

from tests import world
from trunkline.contacts import fields, people
from trunkline.core.db import Database
from trunkline.core.urns import Urn

pytestmark = pytest.mark.anyio


@pytest.fixture
async def own_fields(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await fields.create(tx, "Age", "number")
        await fields.create(tx, "Plan <b>")


async def kept(ana: httpx2.AsyncClient, content: str) -> tuple[str, str]:
    """The token, and the address of an import that waits to be started."""
    found = re.search(r'name="csrf" value="(\w+)"', (await ana.get("/contacts/import")).text)
    assert found
    files = {"file": ("people.csv", content.encode())}
    return found[1], (await ana.post("/contacts/import", data={"csrf": found[1]}, files=files)).headers["location"]


async def test_the_fields_of_the_workspace_can_be_chosen(ana: httpx2.AsyncClient, own_fields: None) -> None:
    _, place = await kept(ana, "email,Age,other\nann@example.com,40,x\n")

    page = (await ana.get(place)).text

    assert '<option value="fields.age" selected>Age</option>' in page
    assert ">Plan &lt;b&gt;</option>" in page


async def test_a_check_tells_what_does_not_fit_and_an_import_writes_the_rest(
    ana: httpx2.AsyncClient, own_fields: None, database: Database, account: int
) -> None:
    token, place = await kept(ana, "email,years\nann@example.com,40\nbob@example.com,old\n")
    form = {"csrf": token, "column.0": "email", "column.1": "fields.age", "by": "email"}

    await ana.post(place, data={**form, "check": "1"})
    await world.react(database)
    checked = (await ana.get(place)).text
    await ana.post(place, data=form)
    await world.react(database)

    assert "Row 3: age must be a number, not &#39;old&#39;" in checked
    async with database.tx(account) as tx:
        ann = await people.find(tx, Urn("mailto", "ann@example.com"))
        assert ann is not None
        assert ann.fields == {"age": "40"}


async def test_a_field_that_is_not_ours_fails_the_import(
    ana: httpx2.AsyncClient, database: Database, account: int
) -> None:
    token, place = await kept(ana, "email,years\nann@example.com,40\n")

    await ana.post(place, data={"csrf": token, "column.0": "email", "column.1": "fields.nope", "by": "email"})
    await world.react(database)

    assert "There is no custom field" in (await ana.get(place)).text

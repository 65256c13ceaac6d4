"""Resthooks: slugs, who is told, and what was told."""

import pytest

from trunkline.core.db import Database
from trunkline.core.egress import BadUrl
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.webhooks import resthooks

pytestmark = pytest.mark.anyio

URL = "https://hooks.example/1"


async def test_a_url_subscribes_once(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])
        made = await resthooks.subscribe(tx, "new-report", URL)

        with pytest.raises(Conflict):
            await resthooks.subscribe(tx, "new-report", URL)

        assert await resthooks.subscribers(tx, "new-report") == [made]


async def test_a_gone_subscriber_is_dropped(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["new-report", "other"])
        await resthooks.subscribe(tx, "new-report", URL)
        other = await resthooks.subscribe(tx, "other", URL)

        await resthooks.drop(tx, "new-report", [URL])

        assert await resthooks.subscribers(tx) == [other]


async def test_events_are_kept_by_slug(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])

        await resthooks.note(tx, [("new-report", {"n": 1}), ("unknown", {"n": 2}), ("new-report", {"n": 3})])

        assert [one.data for one in await resthooks.events(tx, "new-report")] == [{"n": 3}, {"n": 1}]


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "ftp://hooks.example", "nothing"])
async def test_addresses_pass_the_egress_guard(database: Database, account: int, url: str) -> None:
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])

        with pytest.raises(BadUrl):
            await resthooks.subscribe(tx, "new-report", url)


async def test_a_slug_is_plain(database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        with pytest.raises(Invalid):
            await resthooks.get_or_create(tx, ["New Report!"])


async def test_a_resthook_of_another_tenant_does_not_exist(
    database: Database, account: int, other_account: int
) -> None:
    async with database.tx(other_account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])
        foreign = await resthooks.subscribe(tx, "new-report", URL)

    async with database.tx(account) as tx:
        with pytest.raises(NotFound):
            await resthooks.subscribe(tx, "new-report", URL)
        with pytest.raises(NotFound):
            await resthooks.unsubscribe(tx, foreign.id)

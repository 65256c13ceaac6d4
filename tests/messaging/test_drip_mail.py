"""A drip campaign through a real relay into a real mailbox."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests import shops, world
from tests.peers import office as post_office
from tests.peers.office import Office
from tests.shops import Shop
from trunkline.campaigns import broadcasts, drips, points
from trunkline.campaigns.drips import NewStep
from trunkline.campaigns.records import NewBroadcast
from trunkline.contacts import groups
from trunkline.core.db import Database
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with post_office.running() as office:
        yield office


@pytest.fixture
async def shop(database: Database, account: int, office: Office) -> AsyncIterator[Shop]:
    async with shops.opened(database, account, office) as shop:
        yield shop


async def test_who_joins_finds_the_first_letter_in_the_mailbox(shop: Shop, office: Office) -> None:
    address = f"ana-{token(8).lower()}@x.test"
    contact = await shop.meet(address, "Ana Pop")
    async with shop.database.tx(shop.account) as tx:
        group = (await groups.create(tx, "Readers")).id
        new = NewBroadcast(name="Welcome", channel="email", audience={"type": "group", "id": group})
        step = NewStep(subject="Welcome {{first_name}}", html="<style>p{color:red}</style><p>Hi {{first_name}}</p>")
        id = (await drips.create(tx, new, [step])).id
        await drips.send(tx, id)
    await world.react(shop.database)

    async with shop.database.tx(shop.account) as tx:
        await groups.add(tx, group, [contact])
    await world.react(shop.database)
    await points.look(shop.database)
    await world.react(shop.database)
    await shop.deliver()
    [mail] = await office.read(address)

    async with shop.database.tx(shop.account) as tx:
        drip = await broadcasts.get(tx, id)
        progress = (await broadcasts.progress(tx, [drip]))[id]
    assert mail.subject == "Welcome Ana"
    assert '<p style="color: red;">Hi Ana</p>' in mail.html
    assert mail.headers["list-unsubscribe-post"] == ("List-Unsubscribe=One-Click",)
    assert (drip.status, progress.sent) == ("sending", 1)

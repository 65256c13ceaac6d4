"""The link in a bulk mail, and what the campaign learns of it."""

import pytest

from tests import world
from tests.world import next_portion
from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.contacts import people
from trunkline.core.urns import Urn
from trunkline.messaging import consenting, messages

pytestmark = pytest.mark.anyio


async def test_a_campaign_counts_each_unsubscribed_once(database, account):
    await world.simulator(database, account, **{"as": "email"})
    async with database.tx(account) as tx:
        [(contact, _)] = await people.get_or_create(tx, [Urn("mailto", "maria@example.com")])
        sale = await broadcasts.create(tx, NewBroadcast(name="Sale", channel="email", html="<p>Hi</p>", subject="Sale"))
        await broadcasts.send(tx, sale.id)
        await next_portion(tx, sale.id)
        [mail] = await messages.of_contact(tx, contact)

    async with database.tx(account) as tx:
        for _ in range(2):
            await consenting.unsubscribe(tx, mail.id, {})
        progress = await broadcasts.progress(tx, [sale])

    assert (mail.html, mail.subject) == ("<p>Hi</p>", "Sale")
    assert progress[sale.id].unsubscribed == 1

"""The account's own webhook on its way: signed, switched off by 410 with a mail, set again, removed."""

import email

import pytest
from standardwebhooks import Webhook

from tests import world
from tests.peers import sink
from tests.peers.sink import Sink
from trunkline.accounts import settings, users
from trunkline.contacts import people
from trunkline.contacts.records import NewContact
from trunkline.core import mailrelay
from trunkline.webhooks import endpoints

pytestmark = pytest.mark.anyio


async def choose(post, url: str) -> None:
    async with post.database.tx(post.account) as tx:
        await settings.put(tx, {"webhook_url": url}, egress=post.database.tools.egress)
    await world.react(post.database)


async def happen(post) -> None:
    async with post.database.tx(post.account) as tx:
        await people.create(tx, NewContact(first_name="Jane", source="api"))
    await world.react(post.database)


async def row(post) -> dict[str, object]:
    [found] = await world.execute(
        post.database.dsn, "select * from webhook_endpoints where account_id = $1", post.account
    )
    return dict(found)


async def test_it_is_verified_by_the_reference_library(post, receiver):
    there = await receiver()
    await choose(post, there.url)
    await happen(post)

    await post.run()

    async with post.database.tx(post.account) as tx:
        secret = (await settings.show(tx, post.database.tools.vault))["webhook_secret"]
        listed = await endpoints.all_of(tx)
    [(headers, body)] = there.heard
    heard = Webhook(secret).verify(body, headers)
    assert (heard["event"], heard["id"]) == ("new_contact", headers["webhook-id"])
    assert headers["x-hub-signature-256"].startswith("sha256=")
    assert listed == []


async def test_an_account_that_set_it_long_ago_is_told(post, receiver):
    there = await receiver()
    await world.execute(
        post.database.dsn,
        "update accounts set settings = jsonb_build_object('webhook_url', $2::text) where id = $1",
        post.account,
        there.url,
    )
    await happen(post)

    await post.run()

    assert len(there.heard) == 1


async def test_gone_switches_it_off_until_it_is_set_again(post, receiver):
    there = await receiver()
    there.answers = [410, 200]
    await choose(post, there.url)
    await happen(post)
    await post.run()
    off = await row(post)
    await happen(post)
    await choose(post, there.url)
    await post.pass_time()

    await post.run()

    assert (off["active"], off["reason"]) == (False, "gone")
    assert [(await row(post))["active"], len(there.heard)] == [True, 2]
    assert there.ids[0] == there.ids[1]


async def test_owners_hear_by_mail_that_it_was_switched_off(post, receiver, monkeypatch):
    there = await receiver()
    there.answers = [410]
    async with post.database.system(post.account) as tx:
        await users.create(tx, "ana@example.com", "owner")
    await choose(post, there.url)
    await happen(post)

    async with sink.running(Sink()) as relay:
        wanted = mailrelay.parse(f"smtp://127.0.0.1:{relay.port}?tls=none", "")
        monkeypatch.setattr(post.database.tools, "mail_relay", wanted)
        await post.run()
        await world.react(post.database)

    [taken] = relay.taken
    assert taken.recipients == ["ana@example.com"]
    text = email.message_from_bytes(taken.raw).get_payload()
    assert there.url in text
    assert "410" in text


async def test_owners_hear_of_a_registered_one_too(post, receiver, monkeypatch):
    there = await receiver()
    there.answers = [410]
    async with post.database.system(post.account) as tx:
        await users.create(tx, "ion@example.com", "owner")
    endpoint, _ = await post.endpoint(there.url)
    await post.put(endpoint)

    async with sink.running(Sink()) as relay:
        wanted = mailrelay.parse(f"smtp://127.0.0.1:{relay.port}?tls=none", "")
        monkeypatch.setattr(post.database.tools, "mail_relay", wanted)
        await post.run()
        await world.react(post.database)

    assert [taken.recipients for taken in relay.taken] == [["ion@example.com"]]


async def test_what_waits_goes_to_the_url_of_now(post, receiver):
    old, new = await receiver(), await receiver()
    old.answers = [500]
    await choose(post, old.url)
    await happen(post)
    await post.run()
    await choose(post, new.url)
    await post.pass_time()

    await post.run()

    assert new.ids == old.ids[:1]


async def test_for_a_url_that_was_removed_nothing_waits(post, receiver):
    there = await receiver()
    there.answers = [500]
    await choose(post, there.url)
    await happen(post)
    await post.run()
    await choose(post, "")
    await happen(post)
    await post.pass_time()

    await post.run()

    assert len(there.heard) == 1

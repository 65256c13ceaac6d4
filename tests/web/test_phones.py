"""The phone wall: people at the other end of simulator channels."""

import re
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from tests import world
from trunkline.contacts import people
from trunkline.core.db import Database
from trunkline.core.urns import Urn
from trunkline.messaging import phones
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

Post = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
async def post(ana: httpx2.AsyncClient) -> Post:
    page = await ana.get("/me")
    [token] = set(re.findall(r'name="csrf" value="(\w+)"', page.text))

    async def send(path: str, /, **fields: object) -> httpx2.Response:
        return await ana.post(path, data={"csrf": token, **fields})

    return send


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account)


@pytest.fixture
async def phone(database: Database, account: int, channel: Channel) -> phones.Phone:
    async with database.tx(account) as tx:
        return await phones.add(tx, channel.id, name="Zoë")


async def seen(database: Database, account: int, phone: phones.Phone) -> list[phones.Said]:
    async with database.tx(account) as tx:
        return (await phones.screens(tx)).get(phone.id, [])


async def test_an_empty_wall_makes_a_channel_with_a_phone(ana: httpx2.AsyncClient, post: Post) -> None:
    empty = await ana.get("/phones")

    await post("/phones/channels", **{"as": "whatsapp"})
    page = await ana.get("/phones")

    assert "Make a simulated channel" in empty.text
    assert "+447700900001" in page.text


async def test_each_new_phone_gets_a_number_of_its_own(post: Post, ana: httpx2.AsyncClient, channel: Channel) -> None:
    for _ in range(3):
        await post("/phones", channel=str(channel.id))

    page = await ana.get("/phones")

    assert sorted(set(re.findall(r"\+44770090\d+", page.text))) == [f"+44770090000{n}" for n in (1, 2, 3)]


async def test_a_number_that_cannot_be_one_is_refused(post: Post, channel: Channel) -> None:
    page = await post("/phones", channel=str(channel.id), address="12")

    assert page.status_code == 422
    assert 'id="address-problem"' in page.text


async def test_what_a_person_writes_comes_in_and_makes_a_contact(
    post: Post, database: Database, account: int, phone: phones.Phone
) -> None:
    await post(f"/phones/{phone.id}/messages", text="Hello <b>there</b>")

    [said] = await seen(database, account, phone)
    async with database.tx(account) as tx:
        contact = await people.find(tx, Urn("tel", phone.path))
    assert (said.direction, said.text) == ("in", "Hello <b>there</b>")
    assert contact is not None
    assert contact.name == "Zoë"


async def test_a_phone_shows_what_was_sent_to_it_and_reports(
    post: Post, ana: httpx2.AsyncClient, database: Database, account: int, channel: Channel, phone: phones.Phone
) -> None:
    await world.queue(database, account, channel, [phone.path], "Good <i>day</i>", lane=0)
    await world.deliver(database, account)
    [said] = await seen(database, account, phone)

    await post(f"/phones/{phone.id}/reports", message=said.external_id, status="read")
    page = await ana.get("/phones")

    assert "Good &lt;i&gt;day&lt;/i&gt;" in page.text
    assert [each.status for each in await seen(database, account, phone)] == ["read"]


async def test_a_report_on_somebody_elses_message_is_not_found(
    post: Post, database: Database, account: int, channel: Channel, phone: phones.Phone
) -> None:
    await world.queue(database, account, channel, ["+40740000001"], "Hi")
    await world.deliver(database, account)
    rows = await world.execute(database.dsn, "select external_id from simulator_outbox where account_id = $1", account)

    answer = await post(f"/phones/{phone.id}/reports", message=rows[0]["external_id"], status="failed")

    assert answer.status_code == 404


async def test_nothing_is_no_message(post: Post, phone: phones.Phone) -> None:
    answer = await post(f"/phones/{phone.id}/messages", text="  ")

    assert answer.status_code == 422


async def test_a_phone_of_another_workspace_is_not_found(post: Post, database: Database, other_account: int) -> None:
    channel = await world.simulator(database, other_account)
    async with database.tx(other_account) as tx:
        theirs = await phones.add(tx, channel.id)

    answer = await post(f"/phones/{theirs.id}/messages", text="Hello")

    assert answer.status_code == 404

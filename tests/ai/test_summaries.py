"""Summaries: by a model or without, kept with the conversation, told once."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests import world
from trunkline.ai import summaries
from trunkline.ai.grounds import Turn
from trunkline.core.db import Database
from trunkline.inbox import replies

pytestmark = pytest.mark.anyio

ANA = "+40740111222"


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def talk(database, account) -> tuple[int, int]:
    """A contact and a conversation with two messages of theirs and an answer."""
    channel = await world.simulator(database, account)
    received = await world.say(database, channel, ANA, "My lamp arrived broken. I would like a new lamp.")
    await world.react(database)
    [row] = await world.execute(database.dsn, "select id from conversations where account_id = $1", account)
    async with database.tx(account) as tx:
        await replies.reply(tx, row["id"], "We send a new lamp tomorrow.", user_id=None)
    return received.contact_id, row["id"]


async def summarised(database, account, contact, conversation) -> str | None:
    async with database.tx(account) as tx:
        await summaries.request(tx, contact)
    await world.react(database)
    async with database.tx(account) as tx:
        found = await summaries.of(tx, [conversation])
    return found[conversation].text if found else None


async def test_without_a_model_the_weightiest_sentences_stand(database, account, talk):
    text = await summarised(database, account, *talk)

    assert text == (
        "Customer: My lamp arrived broken.\nCustomer: I would like a new lamp.\nTeam: We send a new lamp tomorrow."
    )


async def test_a_model_writes_it(modelled, database, account, talk, standin):
    standin.say("Ana's lamp was broken; a new one is sent tomorrow.")

    text = await summarised(database, account, *talk)

    assert text == "Ana's lamp was broken; a new one is sent tomorrow."
    assert [turn["from"] for turn in standin.given["conversation"]] == ["customer", "team"]
    assert "lamp" not in standin.rules


async def test_a_model_that_fails_is_done_without(modelled, database, account, talk, standin):
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=401)

    standin.say(refuse)

    text = await summarised(database, account, *talk)

    assert (text or "").startswith("Customer: My lamp arrived broken.")


async def test_addresses_that_nobody_named_are_taken_out(modelled, database, account, talk, standin):
    standin.say("See https://evil.example/x for the lamp.")

    assert "evil.example" not in (await summarised(database, account, *talk) or "")


async def test_it_costs_no_credits(modelled, database, account, talk, standin):
    standin.say("A lamp.")
    await world.grant(database, account, 1)

    await summarised(database, account, *talk)

    rows = await world.execute(database.dsn, "select available, reserved from balances where account_id = $1", account)
    assert [tuple(row) for row in rows] == [(1, 0)]


async def test_nobody_said_anything(database, account):
    [contact] = await world.contacts(database, account, [ANA])

    assert await summarised(database, account, contact, 1) is None


async def test_another_accounts_contact_is_not_summarised(database, account, other_account, talk):
    contact, conversation = talk

    await summarised(database, other_account, contact, conversation)

    async with database.tx(account) as tx:
        assert await summaries.of(tx, [conversation]) == {}


def test_a_long_talk_is_cut_to_five_sentences():
    turns = [Turn("customer", f"The lamp number {n} is broken. It is {n}.5 years old!") for n in range(40)]

    lines = summaries.extract(turns).splitlines()

    assert len(lines) == 5
    assert lines[0] == "Customer: The lamp number 0 is broken."


def test_what_is_said_twice_stands_once():
    assert summaries.extract([Turn("customer", "Help me!"), Turn("customer", "help me")]) == "Customer: Help me!"


def test_nothing_gives_nothing():
    assert summaries.extract([]) == ""

"""Turns: who is answered by an assistant, once, for one credit, and when people get the conversation."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests import talks as stories
from tests import world
from trunkline.accounts import settings
from trunkline.ai import assistants, talks, thinking, turns
from trunkline.ai.assistants import Changes
from trunkline.billing import credits
from trunkline.contacts import changing, consents
from trunkline.contacts.records import Changes as ContactChanges
from trunkline.core.db import Database
from trunkline.core.errors import Unavailable
from trunkline.core.ids import new_uuid
from trunkline.core.jobs import JOBS, Call, Claims, Desk
from trunkline.flows import triggers
from trunkline.flows.triggers import NewTrigger
from trunkline.inbox import assignment, changes, replies, tickets
from trunkline.inbox.changes import Changes as ConversationChanges

pytestmark = pytest.mark.anyio

ANA = "+40740111222"
RETURNS = "Goods may be returned within 30 days of delivery. Send them to our warehouse in Cluj with the order number."
QUESTION = "How long may I return goods after delivery?"
FENCED = '```json\n{"action": "answer", "text": "You have 30 days."}\n```'
NO_WAIT = Changes(is_default=True, wait_seconds=0, most_seconds=0)


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


@pytest.fixture
async def channel(database, account):
    return await world.simulator(database, account)


@pytest.fixture
async def assistant(database, account):
    """Answers at once whatever nobody else answers."""
    async with database.tx(account) as tx:
        return await assistants.create(tx, "Robo", NO_WAIT)


@pytest.fixture
async def returns(know):
    return await know("Return policy", RETURNS)


def answer(text: str = "You have 30 days [1].", action: str = "answer", reason: str = "") -> str:
    return json.dumps({"action": action, "text": text, "reason": reason})


async def hear(database, channel, text: str = QUESTION, **more: Any) -> int:
    """Ana writes and all that is due has happened; returns the contact."""
    received = await world.say(database, channel, ANA, text, **more)
    await world.react(database)
    return received.contact_id


async def wait_over(database, account) -> None:
    """Nobody writes any more: the turns that wait begin."""
    await world.execute(
        database.dsn, "update assistant_talks set due_at = now() - interval '1 s' where account_id = $1", account
    )
    await world.execute(
        database.dsn, "update inbound set run_at = now() - interval '1 s' where account_id = $1", account
    )
    await world.react(database)


async def rows(database, statement: str, *args: Any) -> list[tuple]:
    return [tuple(row) for row in await world.execute(database.dsn, statement, *args)]


async def written(database, account) -> list[str]:
    found = await rows(
        database, "select body from messages where account_id = $1 and direction = 'out' order by id", account
    )
    return [body for (body,) in found]


async def outcomes(database, account) -> list[tuple]:
    return await rows(
        database,
        "select outcome, reason, messages_count from assistant_turns where account_id = $1 order by id",
        account,
    )


async def notes(database, account) -> list[str]:
    return [body for (body,) in await rows(database, "select body from notes where account_id = $1", account)]


async def conversation(database, account) -> int:
    [(id,)] = await rows(database, "select id from conversations where account_id = $1", account)
    return id


async def balance(database, account) -> tuple[int, int]:
    async with database.tx(account) as tx:
        found = await credits.balance(tx)
        assert await credits.check(tx) is None
    return found.available, found.reserved


async def jobs(database, account) -> list[Call]:
    """The calls of turns that wait, claimed."""
    found = await rows(
        database,
        """update inbound set attempts = attempts + 1, run_at = now() + interval '1 hour'
        where account_id = $1 and name = 'assistant.turn'
        returning account_id, id, key, name, args, actor, cause, depth, attempts""",
        account,
    )
    return [Call(*row[:4], json.loads(row[4]), *row[5:]) for row in found]


# Who answers, and when


async def test_without_an_assistant_messages_are_left_to_people(database, account, channel, returns):
    await hear(database, channel)

    assert await written(database, account) == []
    assert await rows(database, "select is_read from conversations where account_id = $1", account) == [(False,)]


async def test_without_a_model_knowledge_is_quoted_with_its_source(database, account, channel, assistant, returns):
    await hear(database, channel)

    [said] = await written(database, account)
    assert "Goods may be returned within 30 days of delivery." in said
    assert said.endswith("[1] Return policy")
    assert await outcomes(database, account) == [("answered", None, 1)]


async def test_a_model_answers_from_what_it_is_given(modelled, database, account, channel, assistant, returns, standin):
    standin.say(answer("You have 30 days [1]."))
    async with database.tx(account) as tx:
        await assistants.update(tx, assistant.id, Changes(instructions="Mention lamps.", tone="friendly"))

    await hear(database, channel)

    assert await written(database, account) == ["You have 30 days."]
    assert "Mention lamps." in standin.rules
    assert QUESTION not in standin.rules
    assert standin.given["conversation"] == [{"from": "customer", "text": QUESTION}]
    [(sources, model, tokens)] = await rows(
        database, "select sources, model, tokens_in from assistant_turns where account_id = $1", account
    )
    assert [one["title"] for one in json.loads(sources)] == ["Return policy"]
    assert (model, tokens) == ("small-1", 200)


async def test_the_answer_counts_as_one_of_ai(database, account, channel, assistant, returns):
    await hear(database, channel)

    [row] = await rows(
        database,
        """select is_ai_handled, ai_replies_count, messages_count, first_response_at is null from conversations
        where account_id = $1""",
        account,
    )
    assert row == (True, 1, 2, True)


async def test_five_messages_are_one_turn_and_one_credit(database, account, returns):
    channel = await world.custom(database, account, "http://127.0.0.1:9/")
    await world.grant(database, account, 10)
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=5, most_seconds=30))

    for text in ("Hello", "one question", "How long", "may I return", "goods after delivery?"):
        await world.say(database, channel, "ana-1", text)
        await world.react(database)
    before = await written(database, account)
    await wait_over(database, account)

    assert before == []
    assert await outcomes(database, account) == [("answered", None, 5)]
    assert len(await written(database, account)) == 1
    assert await balance(database, account) == (9, 0)


async def test_a_turn_waits_for_the_last_message_but_not_for_ever(database, account, channel):
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=100, most_seconds=101))
    query = "select extract(epoch from due_at - waiting_since)::int from assistant_talks where account_id = $1"

    await hear(database, channel, "one")
    first = await rows(database, query, account)
    await world.execute(
        database.dsn,
        "update assistant_talks set waiting_since = waiting_since - interval '50 s' where account_id = $1",
        account,
    )
    await hear(database, channel, "two")
    second = await rows(database, query, account)

    assert (first, second) == ([(100,)], [(101,)])
    assert len(await jobs(database, account)) == 1


async def test_a_turn_that_comes_too_early_waits_on(database, account, channel, returns):
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=60, most_seconds=60))
    await hear(database, channel)

    await world.execute(database.dsn, "update inbound set run_at = now() where account_id = $1", account)
    await world.react(database)

    assert await written(database, account) == []
    assert len(await jobs(database, account)) == 1


async def test_the_next_question_is_another_turn(modelled, database, account, channel, assistant, returns, standin):
    standin.say(answer("First."), answer("Second."))

    await hear(database, channel, "one?")
    await hear(database, channel, "two?")

    assert await written(database, account) == ["First.", "Second."]
    assert [one["text"] for one in standin.given["conversation"]] == ["one?", "First.", "two?"]


async def test_the_message_names_who_answers(database, account, channel, assistant, returns):
    async with database.tx(account) as tx:
        other = await assistants.create(tx, "Other", Changes(wait_seconds=0))

    await hear(database, channel, assistant_id=other.id)
    await hear(database, channel)

    query = "select assistant_id from assistant_turns where account_id = $1"
    assert await rows(database, query, account) == [(other.id,), (other.id,)]


async def test_a_conversation_can_be_given_to_an_assistant(database, account, channel, assistant, returns):
    await hear(database, channel)
    async with database.tx(account) as tx:
        other = await assistants.create(tx, "Other", Changes(wait_seconds=0))
        await talks.route(tx, await conversation(database, account), other.id)

    await hear(database, channel)

    query = "select assistant_id from assistant_turns where account_id = $1 order by id"
    assert await rows(database, query, account) == [(assistant.id,), (other.id,)]


async def test_an_assistant_answers_from_its_own_categories(database, account, channel, returns):
    async with database.tx(account) as tx:
        await assistants.create(
            tx, "Robo", Changes(is_default=True, wait_seconds=0, most_seconds=0, categories=["Shipping"])
        )

    await hear(database, channel)

    assert await outcomes(database, account) == [("handed_over", "no_relevant_source", 1)]


async def test_a_reply_by_custom_channel_names_its_campaign(database, account, assistant, returns):
    channel = await world.custom(database, account, "http://127.0.0.1:9/")

    await world.say(database, channel, "ana-1", QUESTION)
    await world.react(database)

    [(headers,)] = await rows(
        database, "select headers from messages where account_id = $1 and direction = 'out'", account
    )
    assert len(json.loads(headers)["campaign_id"]) == 20


# Who is not answered


@pytest.mark.parametrize(
    "changes", [ContactChanges(bot_active=False), ContactChanges(do_not_disturb=True), ContactChanges(status="blocked")]
)
async def test_who_wants_no_assistant_gets_none(database, account, channel, assistant, returns, changes):
    [contact] = await world.contacts(database, account, [ANA])
    async with database.tx(account) as tx:
        await changing.update(tx, contact, changes)

    await hear(database, channel)

    assert await written(database, account) == []
    assert await outcomes(database, account) == []


async def test_automatic_mails_and_reactions_are_not_answered(database, account, channel, assistant, returns):
    await hear(database, channel, automatic=True)
    await hear(database, channel, reaction=True)

    assert await written(database, account) == []


async def test_stop_words_still_win(database, account, channel, returns):
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(keywords=["stop"], is_default=True, wait_seconds=0))

    await hear(database, channel, "STOP")

    assert await written(database, account) == []
    async with database.tx(account) as tx:
        assert await consents.suppressed(tx, "sms", [ANA])


async def test_who_opted_out_meanwhile_is_not_answered(database, account, channel, returns):
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=60, most_seconds=60))
    await hear(database, channel)
    await hear(database, channel, "STOP")

    await wait_over(database, account)

    assert await written(database, account) == []


async def test_an_assigned_conversation_is_its_assignees(database, account, channel, assistant, returns, agent):
    await hear(database, channel)
    async with database.tx(account) as tx:
        await assignment.assign(tx, await conversation(database, account), agent)

    await hear(database, channel)

    assert len(await written(database, account)) == 1


async def test_a_colleagues_word_ends_the_assistants(database, account, channel, assistant, returns, agent):
    await hear(database, channel)
    async with database.tx(account) as tx:
        await replies.reply(tx, await conversation(database, account), "I am here.", user_id=agent)

    await hear(database, channel)
    await hear(database, channel)

    assert (await written(database, account))[1:] == ["I am here."]
    assert await rows(database, "select reason from assistant_talks where account_id = $1", account) == [("person",)]


async def test_a_colleague_who_wrote_before_any_assistant_is_left_alone(database, account, channel, returns, agent):
    await hear(database, channel)
    async with database.tx(account) as tx:
        await replies.reply(tx, await conversation(database, account), "I am here.", user_id=agent)
        await assistants.create(tx, "Robo", NO_WAIT)

    await hear(database, channel)

    assert await written(database, account) == ["I am here."]


async def test_after_the_conversation_is_closed_the_assistant_answers_again(
    database, account, channel, assistant, returns, agent
):
    await hear(database, channel)
    async with database.tx(account) as tx:
        await replies.reply(tx, await conversation(database, account), "I am here.", user_id=agent)
    await hear(database, channel)
    async with database.tx(account) as tx:
        await changes.close(tx, await conversation(database, account))
    await world.react(database)

    await hear(database, channel)

    assert len(await written(database, account)) == 3
    assert await outcomes(database, account) == [("answered", None, 1), ("answered", None, 1)]


async def test_who_takes_over_while_the_model_thinks_goes_first(
    modelled, database, account, channel, assistant, returns, standin, agent
):
    await world.grant(database, account, 10)

    async def slow(request: web.Request) -> web.Response:
        async with database.tx(account) as tx:
            await replies.reply(tx, await conversation(database, account), "I am here.", user_id=agent)
        return web.json_response({"choices": [{"message": {"content": answer()}}]})

    standin.say(slow)
    await hear(database, channel)

    assert await written(database, account) == ["I am here."]
    assert await outcomes(database, account) == [("left", None, 1)]
    assert await balance(database, account) == (9, 1)  # the colleague's message has its price, the turn none


# Handing over


@pytest.mark.parametrize("text", ["I want to talk to a human", "Vreau să vorbesc cu cineva", "operator"])
async def test_who_asks_for_a_person_gets_one(modelled, database, account, channel, assistant, standin, text):
    await hear(database, channel, text)
    await hear(database, channel, QUESTION)

    assert standin.seen == []
    assert await outcomes(database, account) == [("handed_over", "asked_for_human", 1)]
    assert await notes(database, account) == ["Robo handed this conversation over: the customer asks for a person."]
    assert await written(database, account) == []


async def test_handing_over_alerts_people_and_tells_the_customer(database, account, channel):
    async with database.tx(account) as tx:
        await assistants.create(
            tx, "Robo", Changes(is_default=True, wait_seconds=0, handover_text="A colleague will answer soon.")
        )

    received = await world.say(database, channel, ANA, "agent")
    await world.react(database)

    assert await written(database, account) == ["A colleague will answer soon."]
    [(title, body)] = await rows(database, "select title, body from notices where account_id = $1", account)
    assert (title, body) == ("A customer needs a person", "The customer wrote: agent")
    query = "select status, is_read from conversations where account_id = $1"
    assert await rows(database, query, account) == [("open", False)]
    assert received.contact_id


async def test_without_model_and_knowledge_people_answer(database, account, channel, assistant):
    await world.grant(database, account, 10)

    await hear(database, channel)

    assert await outcomes(database, account) == [("handed_over", "no_relevant_source", 1)]
    assert await balance(database, account) == (10, 0)


async def test_a_model_may_hand_over(modelled, database, account, channel, assistant, returns, standin):
    await world.grant(database, account, 10)
    standin.say(answer("", "hand_over", "Wants money back."))

    await hear(database, channel)

    assert await outcomes(database, account) == [("handed_over", "model", 1)]
    [note] = await notes(database, account)
    assert note.endswith("a person had better answer. Wants money back.")
    assert await balance(database, account) == (10, 0)


async def test_a_conversation_can_be_given_back(database, account, channel, assistant, returns):
    await hear(database, channel, "agent")
    async with database.tx(account) as tx:
        await talks.resume(tx, [await conversation(database, account)])

    await hear(database, channel)

    assert len(await written(database, account)) == 1


async def test_an_empty_message_is_for_people(database, account, channel, assistant):
    await hear(database, channel, "")

    assert await outcomes(database, account) == [("handed_over", "unreadable", 1)]


async def test_two_machines_that_answer_each_other_come_to_an_end(
    modelled, database, account, channel, assistant, standin, monkeypatch
):
    monkeypatch.setattr(thinking, "MOST_TURNS", 2)
    standin.say(answer("Hello!"))

    for _ in range(4):
        await hear(database, channel, "Hello!")

    assert await written(database, account) == ["Hello!", "Hello!"]
    assert (await outcomes(database, account))[2:] == [("handed_over", "too_many", 1)]


async def test_our_own_address_is_not_answered(database, account, channel, assistant, returns):
    await world.say(database, channel, channel.address, QUESTION)
    await world.react(database)

    assert await outcomes(database, account) == []


async def test_an_open_ticket_is_peoples(database, account, channel, assistant, returns):
    await hear(database, channel)
    async with database.tx(account) as tx:
        [(contact,)] = await rows(database, "select contact_id from conversations where account_id = $1", account)
        await tickets.open_many(tx, [tickets.NewTicket(uuid=new_uuid(), contact_id=contact)])

    await hear(database, channel)

    assert len(await written(database, account)) == 1


# Models that misbehave


async def test_what_no_source_bears_out_is_not_sent(modelled, database, account, channel, assistant, returns, standin):
    standin.say(answer("Go to https://evil.example/refund and get 500 lei back."))

    await hear(database, channel)
    [said] = await written(database, account)

    assert "evil.example" not in said
    assert "Goods may be returned within 30 days of delivery." in said


async def test_what_no_source_bears_out_is_handed_over_without_knowledge(
    modelled, database, account, channel, assistant, standin
):
    standin.say(answer("You get 500 lei back."))

    await hear(database, channel)

    assert await outcomes(database, account) == [("handed_over", "unsupported", 1)]


@pytest.mark.parametrize(
    "said", ["You have 30 days.", '```json\n{"action": "answer", "text": "You have 30 days."}\n```']
)
async def test_an_answer_may_be_plain_or_fenced(
    modelled, database, account, channel, assistant, returns, standin, said
):
    standin.say(said)

    await hear(database, channel)

    assert await written(database, account) == ["You have 30 days."]


async def test_a_model_that_fails_is_asked_again_later(
    modelled, database, account, channel, assistant, returns, standin, rests
):
    await world.grant(database, account, 10)
    standin.say(web.Response(status=500), web.Response(status=500), web.Response(status=500), answer("30 days."))

    await hear(database, channel)
    before = await written(database, account), await balance(database, account)
    await wait_over(database, account)

    assert before == ([], (10, 0))
    assert await written(database, account) == ["30 days."]
    assert await balance(database, account) == (8, 1)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_model_that_keeps_failing_gives_way_to_quotes(
    modelled, database, account, channel, assistant, returns, standin, rests, status
):
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status)

    standin.say(refuse)

    await hear(database, channel)
    for _ in range(3):
        await wait_over(database, account)

    [said] = await written(database, account)
    assert "within 30 days of delivery" in said
    assert await outcomes(database, account) == [("answered", None, 1)]


@pytest.mark.parametrize("broken", ['{"action": "answer"', '{"action": "dance", "text": "x"}', '{"text": ""}'])
async def test_a_model_that_keeps_babbling_gives_way_to_people(
    modelled, database, account, channel, assistant, standin, broken
):
    standin.say(broken)

    await hear(database, channel)
    for _ in range(3):
        await wait_over(database, account)

    assert await written(database, account) == []
    assert await outcomes(database, account) == [("handed_over", "failed", 1)]


async def test_a_model_that_does_not_answer_in_time_is_asked_again(
    modelled, database, account, channel, assistant, returns, standin, monkeypatch
):
    hasty = msgspec.structs.replace(database.tools.settings, ai_timeout=0.2)
    monkeypatch.setattr(database.tools, "settings", hasty)
    standin.say(standin.stall, answer("30 days."))

    await hear(database, channel)
    before = await written(database, account)
    await wait_over(database, account)

    assert (before, await written(database, account)) == ([], ["30 days."])


async def test_at_the_months_limit_knowledge_is_quoted(
    modelled, database, account, channel, assistant, returns, standin
):
    async with database.tx(account) as tx:
        await settings.put(tx, {"ai_monthly_tokens": 10}, operator=True)

    await hear(database, channel)

    assert standin.seen == []
    assert "within 30 days" in (await written(database, account))[0]


async def test_a_workspace_may_keep_its_talks_from_models(
    modelled, database, account, channel, assistant, returns, standin
):
    async with database.tx(account) as tx:
        await settings.put(tx, {"ai_use_model": "no"})

    await hear(database, channel)

    assert standin.seen == []
    assert "within 30 days" in (await written(database, account))[0]


# Credits


async def test_a_turn_costs_a_metered_workspace_one_credit(database, account, assistant, returns):
    channel = await world.custom(database, account, "http://127.0.0.1:9/")
    await world.grant(database, account, 3)

    await world.say(database, channel, "ana-1", QUESTION)
    await world.react(database)

    assert await balance(database, account) == (2, 0)


async def test_without_credits_nobody_answers_and_the_account_is_told_once(
    database, account, channel, assistant, returns
):
    await world.grant(database, account, 1)  # a turn and the message it sends cost two here

    for _ in range(3):
        await hear(database, channel)

    assert await written(database, account) == []
    assert await outcomes(database, account) == [("no_credits", None, 1)] * 3
    assert await balance(database, account) == (1, 0)
    query = "select title from notices where account_id = $1"
    assert await rows(database, query, account) == [("Assistants have stopped",)]
    query = "select status, is_read from conversations where account_id = $1"
    assert await rows(database, query, account) == [("open", False)]


async def test_with_new_credits_the_assistant_goes_on_and_the_next_end_is_told_again(
    database, account, channel, assistant, returns
):
    await world.grant(database, account, 1)
    await hear(database, channel)
    await world.grant(database, account, 1)
    await hear(database, channel)
    await hear(database, channel)

    assert [outcome for outcome, *_ in await outcomes(database, account)] == ["no_credits", "answered", "no_credits"]
    assert len(await rows(database, "select 1 from notices where account_id = $1", account)) == 2


# Whatever crashes


async def test_a_crash_between_answer_and_commit_makes_no_second_reply(
    modelled, database, account, channel, assistant, returns, standin, monkeypatch
):
    await world.grant(database, account, 10)
    standin.say(answer("30 days."))
    async with database.tx(account) as tx:
        await assistants.update(tx, assistant.id, Changes(wait_seconds=60, most_seconds=60))
    await hear(database, channel)
    await world.execute(database.dsn, "update assistant_talks set due_at = now() where account_id = $1", account)
    [call] = await jobs(database, account)

    async def die(*args: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(turns, "_end", die)
        with pytest.raises(RuntimeError):
            await turns.take.run(Desk(database, call, database.tools), *call.args)
    held = await balance(database, account)
    [again] = await jobs(database, account)
    await turns.take.run(Desk(database, again, database.tools), *again.args)

    assert held == (9, 1)
    assert await written(database, account) == ["30 days."]
    assert await outcomes(database, account) == [("answered", None, 1)]
    assert await balance(database, account) == (8, 1)  # the turn's credit is spent, the message's waits for its end


async def test_two_workers_with_the_same_turn_make_one_reply(database, account, channel, returns):
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=60, most_seconds=60))
    await hear(database, channel)
    await world.execute(database.dsn, "update assistant_talks set due_at = now() where account_id = $1", account)
    [lost] = await jobs(database, account)
    [held] = await jobs(database, account)

    with pytest.raises(Unavailable):
        await turns.take.run(Desk(database, lost, database.tools), *lost.args)
    await turns.take.run(Desk(database, held, database.tools), *held.args)
    with pytest.raises(Unavailable):
        await turns.take.run(Desk(database, held, database.tools), *held.args)

    assert len(await written(database, account)) == 1


async def test_turns_of_one_person_are_taken_one_by_one(database, account, channel, assistant, returns):
    await world.say(database, channel, ANA, QUESTION)
    other = await world.simulator(database, account)
    await world.say(database, other, ANA, QUESTION)
    async with database.tx(account) as tx:
        await assistants.update(tx, assistant.id, Changes(wait_seconds=60, most_seconds=60))
    await world.react(database)
    await world.execute(database.dsn, "update inbound set run_at = now() where account_id = $1", account)

    first = await Claims(database, "inbound").take(10)

    assert [call.name for call in first] == ["assistant.turn"]
    await wait_over(database, account)
    assert len(await written(database, account)) == 2


async def test_a_turn_that_kills_its_workers_is_given_to_people(database, account, channel, returns):
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=60, most_seconds=60))
    await hear(database, channel)
    await world.execute(database.dsn, "update assistant_talks set due_at = now() where account_id = $1", account)
    call = [(await jobs(database, account))[0] for _ in range(6)][-1]

    await turns.take.run(Desk(database, call, database.tools), *call.args)

    assert await outcomes(database, account) == [("handed_over", "failed", 1)]


def test_the_turn_is_a_job_that_survives():
    assert JOBS["assistant.turn"].apart


@pytest.fixture
async def agent(database, account) -> int:
    from trunkline.accounts import users

    async with database.system(account) as tx:
        made = await users.create(tx, f"agent{account}@example.com", "agent")
        return made.member.id


async def test_closed_meanwhile_nothing_is_said(database, account, channel, returns):
    async with database.tx(account) as tx:
        await assistants.create(tx, "Robo", Changes(is_default=True, wait_seconds=60, most_seconds=60))
    await hear(database, channel)
    async with database.tx(account) as tx:
        await changes.update(tx, await conversation(database, account), ConversationChanges(status="closed"))

    await wait_over(database, account)

    assert await written(database, account) == []


async def test_flows_come_first(database, account, channel, assistant, returns):
    flow = await stories.save(database, account, stories.drinks())
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", flow_id=flow.id, keywords=["thirsty"]))

    await hear(database, channel, "thirsty")
    await hear(database, channel, "tea")
    await hear(database, channel)

    said = await written(database, account)
    assert said[:2] == ["Tea or coffee?", "Enjoy your tea"]
    assert await outcomes(database, account) == [("answered", None, 1)]


async def test_a_mail_is_answered_in_its_thread(database, account, assistant, returns):
    channel = await world.simulator(database, account, **{"as": "email"})

    await world.say(database, channel, "ana@example.com", QUESTION, id="<1@example.com>", subject="My lamp")
    await world.react(database)

    [row] = await rows(
        database,
        """select address, subject, headers ->> 'in_reply_to' from messages
        where account_id = $1 and direction = 'out'""",
        account,
    )
    assert row == ("ana@example.com", "Re: My lamp", "<1@example.com>")


async def test_what_is_written_while_the_model_thinks_is_the_next_turn(
    modelled, database, account, channel, assistant, standin
):
    async def slow(request: web.Request) -> web.Response:
        await world.say(database, channel, ANA, "And two?")
        standin.say(answer("Two."))
        return web.json_response({"choices": [{"message": {"content": answer("One.")}}]})

    standin.say(slow)
    await hear(database, channel, "One?")

    assert await written(database, account) == ["One.", "Two."]
    said = [turn["text"] for turn in standin.given["conversation"]]
    assert said == ["One?", "One.", "And two?"]
    assert [count for *_, count in await outcomes(database, account)] == [1, 1]

"""Credits and caps: put aside before a call, settled after it, given back when nothing came of it."""

import asyncio

import pytest
from aiohttp import web

from tests import world
from trunkline.accounts import settings
from trunkline.ai import asking, replies, spend
from trunkline.ai.grounds import Ask
from trunkline.ai.spend import Work
from trunkline.ai.usage import Outcome
from trunkline.ai.wire import ModelFailed
from trunkline.billing import credits
from trunkline.core.errors import Conflict, Invalid, OutOfCredits
from trunkline.core.jobs import Call, Desk

pytestmark = pytest.mark.anyio

QUESTION = Ask(message="How long may I return goods?")


@pytest.fixture
async def pays(database, account):
    """The account pays for what it does and has three credits."""
    await world.grant(database, account, 3)


async def put(database, account, **values) -> None:
    async with database.tx(account) as tx:
        await settings.put(tx, values, operator=True)


async def look(database, account):
    """Credits available and reserved, tokens and cost of this month, and the counters of today."""
    async with database.tx(account) as tx:
        balance, month = await credits.balance(tx), await spend.this_month(tx)
        assert await credits.check(tx) is None
    rows = await world.execute(
        database.dsn, "select name, sum(value)::int as n from daily where account_id = $1 group by name", account
    )
    counted = {row["name"].removeprefix("ai."): row["n"] for row in rows if row["name"].startswith("ai.")}
    return (balance.available, balance.reserved), (month.tokens, month.cost), counted


async def test_a_draft_costs_a_credit(modelled, standin, database, account, pays):
    standin.say("Hello.")

    await replies.draft(modelled, QUESTION)

    balance, month, counted = await look(database, account)
    assert balance == (2, 0)
    assert month == (245, 760)
    assert counted.pop("milliseconds", 0) >= 0
    assert counted == {
        "requests": 1, "replies": 1, "tokens_in": 200, "tokens_out": 45, "cost": 760, "confidence": 200, "judged": 1,
    }  # fmt: skip


async def test_a_quoted_draft_costs_a_credit_too(place, know, database, account, pays):
    await know("Returns", "Goods may be returned within 30 days.")

    await replies.draft(place, QUESTION)

    balance, month, counted = await look(database, account)
    assert (balance, month, counted["replies"]) == ((2, 0), (0, 0), 1)


async def test_who_is_not_metered_pays_nothing(modelled, standin, database, account):
    standin.say("Hello.")

    await replies.draft(modelled, QUESTION)

    assert (await look(database, account))[0] == (0, 0)


async def test_a_failed_draft_costs_nothing(modelled, standin, database, account, pays):
    standin.say(web.Response(status=401))

    with pytest.raises(ModelFailed):
        await replies.draft(modelled, QUESTION)

    balance, month, counted = await look(database, account)
    assert (balance, month) == ((3, 0), (0, 0))
    assert (counted["requests"], counted["failures"], counted.get("replies")) == (1, 1, None)


async def test_a_refused_draft_costs_nothing(place, database, account, pays):
    with pytest.raises(Invalid):
        await replies.draft(place, QUESTION)

    assert (await look(database, account))[0] == (3, 0)


async def test_without_credits_nothing_is_asked(modelled, standin, database, account, pays):
    standin.say("Hello.")
    async with database.tx(account) as tx:
        await credits.charge(tx, 3, "test")

    with pytest.raises(OutOfCredits):
        await replies.draft(modelled, QUESTION)

    assert standin.seen == []
    assert (await look(database, account))[1] == (0, 0)


async def test_a_cancelled_draft_costs_nothing(modelled, standin, database, account, pays):
    standin.say(standin.stall)
    drafting = asyncio.create_task(replies.draft(modelled, QUESTION))
    await standin.stalled.wait()
    drafting.cancel()
    await asyncio.wait([drafting])

    balance, month, _ = await look(database, account)
    assert (balance, month) == ((3, 0), (0, 0))


@pytest.mark.parametrize(("cap", "most"), [("ai_monthly_tokens", 800), ("ai_monthly_cost", 0)])
async def test_a_reached_cap_is_told(modelled, standin, database, account, pays, cap, most):
    standin.say("Hello.")
    await put(database, account, **{cap: most})

    with pytest.raises(Conflict) as caught:
        await replies.draft(modelled, QUESTION)

    assert caught.value.code == "ai_cap_reached"
    assert standin.seen == []
    assert (await look(database, account))[:2] == ((3, 0), (0, 0))


async def test_calls_at_once_do_not_pass_a_cap_together(database, account, place):
    await put(database, account, ai_monthly_tokens=1000)

    async def begin():
        async with place.tx() as tx:
            return await spend.begin(tx, Work(kind="flow", tokens=300))

    begun = await asyncio.gather(*(begin() for _ in range(8)), return_exceptions=True)

    assert sum(isinstance(one, int) for one in begun) == 3
    assert sum(isinstance(one, Conflict) for one in begun) == 5


async def test_what_was_put_aside_and_not_used_is_free_again(database, account, place):
    await put(database, account, ai_monthly_tokens=1000)

    for _ in range(5):
        async with spend.counted(place, Work(kind="flow", tokens=800)) as outcome:
            outcome.ok, outcome.tokens_in = True, 20

    assert (await look(database, account))[1] == (100, 0)


async def test_quoting_goes_on_when_the_cap_is_reached(place, know, database, account):
    await put(database, account, ai_monthly_tokens=0, ai_monthly_cost=0)
    await know("Returns", "Goods may be returned within 30 days.")

    assert (await replies.draft(place, QUESTION)).model == "extractive"


async def test_the_cap_is_the_operators(tx):
    with pytest.raises(Invalid) as caught:
        await settings.put(tx, {"ai_monthly_tokens": 5, "ai_monthly_cost": 5})

    assert set(caught.value.fields) == {"ai_monthly_tokens", "ai_monthly_cost"}


async def test_a_call_that_a_crash_cut_off_gives_back_what_it_held(database, account, place, pays):
    work = Work(kind="reply", tokens=500, cost=70, is_charged=True)
    async with place.tx() as tx:
        lost, running = await spend.begin(tx, work), await spend.begin(tx, work)
    old = "update ai_calls set started_at = now() - interval '1 hour' where account_id = $1 and id = $2"
    await world.execute(database.dsn, old, account, lost)

    call = Call(0, 0, None, "ai.sweep", [], "system", "", 0, 1)
    await spend.sweep(Desk(database, call, database.tools))
    async with place.tx() as tx:
        await spend.finish(tx, lost, Outcome(ok=True))

    assert (await look(database, account))[:2] == ((2, 1), (500, 70))
    async with place.tx() as tx:
        await spend.finish(tx, running, Outcome(ok=True))
    assert (await look(database, account))[:2] == ((2, 0), (0, 0))


async def test_many_drafts_spend_exactly_what_is_there(modelled, standin, database, account, pays):
    standin.say("Hello.")

    made = await asyncio.gather(*(replies.draft(modelled, QUESTION) for _ in range(6)), return_exceptions=True)

    assert sum(isinstance(one, OutOfCredits) for one in made) == 3
    assert (await look(database, account))[0] == (0, 0)


async def test_sub_accounts_are_metered_alone(modelled, standin, database, account, other_account, pays):
    standin.say("Hello.")

    await replies.draft(type(modelled)(database, other_account), QUESTION)

    assert (await look(database, account))[:2] == ((3, 0), (0, 0))
    assert (await look(database, other_account))[1] == (245, 760)


async def test_an_automation_asks_within_the_same_limits(modelled, standin, database, account, pays):
    standin.say("Sofa")

    made = await asking.ask(modelled, "Name the thing.", "I want a sofa", 20)

    assert (made.text, standin.seen[0]["max_tokens"]) == ("Sofa", 20)
    balance, month, counted = await look(database, account)
    assert (balance, month) == ((3, 0), (245, 760))
    assert (counted["requests"], counted.get("replies")) == (1, None)


async def test_an_automation_without_a_model_hears_so(place):
    with pytest.raises(ModelFailed) as caught:
        await asking.ask(place, "Name the thing.", "I want a sofa", 20)

    assert caught.value.reason == "No model is connected."


async def test_prices_are_for_a_million_tokens(configured):
    assert spend.cost(configured, 1_000_000, 0) == 2_000_000
    assert spend.cost(configured, 0, 1_000_000) == 8_000_000

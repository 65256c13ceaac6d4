"""A part of the audience is asked first; the rest gets what did better."""

from datetime import timedelta

import pytest

from tests import world
from trunkline.campaigns import broadcasts, expanding, reports, trials
from trunkline.campaigns.records import Broadcast, NewBroadcast, Progress
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Invalid
from trunkline.messaging.channels import Channel

pytestmark = pytest.mark.anyio

ADDRESSES = [f"p{n}@example.com" for n in range(60)]
TERMS = {"percent": 30, "hours": 4, "by": "opened"}


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    return await world.simulator(database, account, **{"as": "email"})


async def complete(database: Database, account: int) -> None:
    await world.react(database)
    await world.deliver(database, account)
    await expanding.finish(database)
    await world.react(database)


async def tried(database: Database, account: int, **terms: object) -> Broadcast:
    """A trial that is over, as far as sending goes."""
    await world.contacts(database, account, ADDRESSES, "mailto")
    async with database.tx(account) as tx:
        made = await broadcasts.create(
            tx,
            NewBroadcast(
                name="Spring",
                channel="email",
                body="Hello",
                type="ab_test",
                variants=[{"subject": "Buds", "percent": 50}, {"subject": "Bees", "percent": 50}],
                trial=trials.check({**TERMS, **terms}),
            ),
        )
        await broadcasts.send(tx, made.id)
    await complete(database, account)
    return await kept(database, account, made.id)


async def kept(database: Database, account: int, id: int) -> Broadcast:
    async with database.tx(account) as tx:
        return await broadcasts.get(tx, id)


async def written_to(database: Database, account: int, id: int) -> set[str]:
    async with database.tx(account) as tx:
        one = await broadcasts.get(tx, id)
        return {row.address for row in await reports.recipients(tx, one, limit=100)}


async def like(database: Database, account: int, one: Broadcast, variant: int, number: int) -> None:
    """So many open the mails with this subject."""
    name = f"broadcast:{one.id}.{variant}:opened"
    await world.execute(
        database.dsn, "insert into tallies (account_id, name, value) values ($1, $2, $3) returning name",
        account, name, number,
    )  # fmt: skip


async def let_time_pass(database: Database) -> None:
    await world.execute(database.dsn, "update jobs set run_at = now() where name = 'broadcast.decide' returning id")


async def test_only_a_part_is_asked_first(database: Database, account: int, channel: Channel) -> None:
    one = await tried(database, account)

    assert one.status == "sent"
    assert 6 <= len(await written_to(database, account, one.id)) <= 32
    assert trials.is_open(one)


async def test_when_the_time_is_over_the_rest_gets_the_better_one(
    database: Database, account: int, channel: Channel
) -> None:
    one = await tried(database, account)
    await like(database, account, one, 2, 3)

    await let_time_pass(database)
    await complete(database, account)

    decided = (await kept(database, account, one.id)).trial or {}
    rest = await kept(database, account, decided["rest"])
    first, second = [await written_to(database, account, id) for id in (one.id, rest.id)]
    assert (decided["winner"], rest.subject, rest.status) == (2, "Bees", "sent")
    assert first | second == set(ADDRESSES)
    assert not first & second


async def test_nothing_is_decided_before(database: Database, account: int, channel: Channel) -> None:
    one = await tried(database, account)

    await complete(database, account)

    assert trials.is_open(await kept(database, account, one.id))
    assert trials.moment(one) is not None


async def test_somebody_decides_by_hand_once(database: Database, account: int, channel: Channel) -> None:
    one = await tried(database, account, by="hand")
    async with database.tx(account) as tx:
        await trials.choose(tx, one.id, 2)

    async with database.tx(account) as tx:
        with pytest.raises(Conflict):
            await trials.choose(tx, one.id, 1)
    await let_time_pass(database)
    await complete(database, account)

    assert (await kept(database, account, one.id)).trial == {
        "percent": 30, "hours": 4, "by": "hand", "winner": 2, "rest": one.id + 1, "why": "",
    }  # fmt: skip


async def test_a_subject_that_is_none_is_refused(database: Database, account: int, channel: Channel) -> None:
    one = await tried(database, account, by="hand")

    async with database.tx(account) as tx:
        with pytest.raises(Invalid):
            await trials.choose(tx, one.id, 3)


async def test_when_nobody_is_left_the_decision_says_so(database: Database, account: int, channel: Channel) -> None:
    one = await tried(database, account, by="hand")
    asked = await written_to(database, account, one.id)
    left = sorted(set(ADDRESSES) - asked)
    await world.execute(
        database.dsn, "delete from urns where account_id = $1 and path = any($2) returning id", account, left
    )

    async with database.tx(account) as tx:
        decided = (await trials.choose(tx, one.id, 1)).trial or {}

    assert (decided["winner"], decided["rest"]) == (1, None)
    assert decided["why"]


async def test_a_canceled_trial_sends_nothing_more(database: Database, account: int, channel: Channel) -> None:
    one = await tried(database, account)
    await world.execute(database.dsn, "update broadcasts set status = 'canceled' where id = $1 returning id", one.id)

    await let_time_pass(database)
    await complete(database, account)

    async with database.tx(account) as tx:
        assert (await broadcasts.page(tx))[1] == 1


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [((10, 5), (10, 6), 2), ((10, 5), (10, 5), 1), ((20, 6), (10, 5), 2), ((0, 0), (0, 0), 1)],
)
def test_the_share_decides_not_the_number(first: tuple, second: tuple, winner: int) -> None:
    sides = [
        trials.figures.Split("", 50, Progress(total=sent, sent=sent, opened=opened)) for sent, opened in (first, second)
    ]

    assert trials.best(sides, {"by": "opened"}) == winner


@pytest.mark.parametrize("wrong", [{"percent": 0}, {"percent": 91}, {"hours": 0}, {"hours": None}, {"by": "luck"}])
def test_terms_that_make_no_sense_are_refused(wrong: dict) -> None:
    with pytest.raises(Invalid):
        trials.check({**TERMS, **wrong})


async def test_the_moment_counts_from_the_start(database: Database, account: int, channel: Channel) -> None:
    one = await tried(database, account)

    left = (trials.moment(one) or clock.now()) - clock.now()

    assert timedelta(hours=3) < left <= timedelta(hours=4)

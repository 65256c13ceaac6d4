"""What becomes of messages: better evidence wins, whatever order it comes in, and credits follow."""

import asyncio
import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import world
from trunkline.billing import credits
from trunkline.channels.base import Status
from trunkline.core.db import Database, Statement
from trunkline.messaging import statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.statuses import Change

pytestmark = pytest.mark.anyio

OPENING = 5_000
HANDED_OVER = ("unknown", "sent", "delivered", "read")


@pytest.fixture
async def channel(database: Database, account: int) -> Channel:
    """A channel of an account that pays."""
    await world.grant(database, account, OPENING)
    return await world.simulator(database, account)


_numbers = itertools.count(1)


async def queued(database: Database, channel: Channel, number: int = 1) -> list[int]:
    addresses = [f"+4074{next(_numbers):07d}" for _ in range(number)]
    return await world.queue(database, channel.account_id, channel, addresses)


async def apply(database: Database, channel: Channel, *changes: Change) -> list[statuses.Move]:
    async with database.tx(channel.account_id) as tx:
        return await statuses.apply_many(tx, changes)


async def status_of(database: Database, id: int) -> str:
    return (await world.message(database, id))["status"]


EVIDENCE = ("errored", "unknown", "sent", "delivered", "read", "failed", "canceled")
HISTORIES = st.lists(st.sampled_from(EVIDENCE), min_size=1, max_size=9)


@given(history=HISTORIES, together=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_obeys_the_rules(
    database: Database, channel: Channel, history: list[str], together: bool
) -> None:
    [id] = await queued(database, channel)
    async with database.tx(channel.account_id) as tx:
        before = await credits.balance(tx)
    rows = [await world.message(database, id)]

    for portion in [history] if together else [[one] for one in history]:
        await apply(database, channel, *(Change(id, status) for status in portion))
        rows.append(await world.message(database, id))

    final = rows[-1]
    assert final["status"] == expected(history)
    assert_credits_follow(final)
    async with database.tx(channel.account_id) as tx:
        after, difference = await credits.balance(tx), await credits.check(tx)
    back, held = {"refunded": (1, -1), "captured": (0, -1), "reserved": (0, 0)}[final["credit_state"]]
    assert (after.available, after.reserved) == (before.available + back, before.reserved + held)
    assert difference is None
    assert len({row["sent_at"] for row in rows if row["sent_at"]}) <= 1


def expected(history: list[str]) -> str:
    """The rules in words: what is canceled stays so; being read beats all, arriving beats failing; being sent beats
    failing only as long as nobody knew that it was sent."""
    status, was_sent = "queued", False
    for one in history:
        waiting = status in ("queued", "errored")
        if status == "canceled" or status == "read":
            break
        if (
            one == "read"
            or (one == "delivered" and status != "delivered")
            or (one in ("errored", "unknown", "canceled") and waiting)
            or (one == "sent" and (waiting or status == "unknown" or (status == "failed" and not was_sent)))
            or (one == "failed" and (waiting or status in ("unknown", "sent")))
        ):
            status = one
        was_sent = was_sent or status in ("sent", "delivered", "read")
    return status


def assert_credits_follow(row) -> None:
    if row["status"] in HANDED_OVER:
        assert row["credit_state"] == "captured"
    elif row["status"] in ("failed", "canceled"):
        assert row["credit_state"] == "refunded"
    else:
        assert row["credit_state"] == "reserved"


@pytest.mark.parametrize(
    ("evidence", "final"),
    [
        (("sent", "delivered", "read", "failed", "failed", "sent"), "read"),
        (("sent", "delivered", "failed", "failed", "delivered"), "delivered"),
    ],
)
async def test_every_order_of_reports_ends_alike(
    database: Database, channel: Channel, evidence: tuple[str, ...], final: str
) -> None:
    orders = sorted(set(itertools.permutations(evidence)))
    ids = await queued(database, channel, len(orders))

    for step in range(len(evidence)):
        await apply(database, channel, *(Change(id, order[step]) for id, order in zip(ids, orders, strict=True)))

    rows = await world.execute(database.dsn, "select status, credit_state from messages where id = any($1)", ids)
    assert {tuple(row) for row in rows} == {(final, "captured")}
    async with database.tx(channel.account_id) as tx:
        assert (await credits.balance(tx)).available == OPENING - len(orders)
        assert await credits.check(tx) is None


async def test_a_late_sent_undoes_a_failure_and_its_refund_once(database: Database, channel: Channel) -> None:
    [id] = await queued(database, channel)

    for status in ("failed", "sent", "failed", "sent", "failed"):
        await apply(database, channel, Change(id, status, reason="expired"))

    async with database.tx(channel.account_id) as tx:
        balance = await credits.balance(tx)
    assert (await status_of(database, id), balance.available, balance.reserved) == ("failed", OPENING, 0)


async def test_thirty_two_writers_at_once_agree(database: Database, channel: Channel) -> None:
    [id] = await queued(database, channel)
    reports = ["sent", "delivered", "failed", "read", "failed", "unknown", "errored", "sent"] * 4
    random.shuffle(reports)

    await asyncio.gather(*(apply(database, channel, Change(id, one)) for one in reports))

    row = await world.message(database, id)
    async with database.tx(channel.account_id) as tx:
        balance, difference = await credits.balance(tx), await credits.check(tx)
    assert (row["status"], row["credit_state"]) == ("read", "captured")
    assert (balance.available, balance.reserved, difference) == (OPENING - 1, 0, None)


async def test_writers_of_overlapping_batches_lose_nothing(database: Database, channel: Channel) -> None:
    ids = await queued(database, channel, 20)

    async def report(status: str, some: list[int]) -> None:
        for id in some:
            await apply(database, channel, Change(id, status))

    portions = [(status, random.sample(ids, len(ids))) for status in ("sent", "failed", "delivered", "delivered")]
    await asyncio.gather(*(report(status, some) for status, some in portions))

    assert {await status_of(database, id) for id in ids} == {"delivered"}
    async with database.tx(channel.account_id) as tx:
        assert (await credits.balance(tx), await credits.check(tx)) == (credits.Balance(OPENING - 20, 0), None)


async def test_a_repeat_moves_nothing_and_is_no_event(database: Database, channel: Channel) -> None:
    [id] = await queued(database, channel)
    await apply(database, channel, Change(id, "delivered"))
    await world.execute(database.dsn, "truncate events")

    moves = await apply(database, channel, Change(id, "delivered"), Change(id, "sent"))

    assert moves == []
    assert await world.execute(database.dsn, "select id from events") == []


async def test_each_move_is_told_with_its_reason(database: Database, channel: Channel) -> None:
    [id] = await queued(database, channel)
    await world.execute(database.dsn, "truncate events")

    await apply(database, channel, Change(id, "sent"), Change(id, "failed", reason="undelivered"))

    [event] = await world.execute(database.dsn, "select data->'changes' as changes from events")
    assert '"undelivered"' in event["changes"]
    assert event["changes"].count(str(id)) == 2


async def test_a_better_outcome_forgets_the_reason_of_the_failure(database: Database, channel: Channel) -> None:
    [id] = await queued(database, channel)
    await apply(database, channel, Change(id, "failed", reason="undelivered", error="Absent subscriber"))

    await apply(database, channel, Change(id, "delivered"))

    row = await world.message(database, id)
    assert (row["reason"], row["error"]) == (None, None)


async def test_an_unmetered_account_has_no_credits_to_follow(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    [id] = await queued(database, channel)

    await apply(database, channel, Change(id, "sent"), Change(id, "failed"), Change(id, "delivered"))

    row = await world.message(database, id)
    assert (row["status"], row["credit_state"]) == ("delivered", "none")


async def test_an_inbound_message_has_no_delivery(database: Database, channel: Channel) -> None:
    received = await world.say(database, channel, "+40740999999", "Hello")

    moves = await apply(database, channel, Change(received.message_id, "delivered"))

    assert (moves, await status_of(database, received.message_id)) == ([], "received")


async def report(database: Database, account: int, channel_id: int, *reports: Status) -> list[statuses.Move]:
    async with database.tx(account) as tx:
        return (await statuses.report(tx, channel_id, reports)).moves


async def test_a_report_finds_its_message_by_the_providers_id(database: Database, channel: Channel) -> None:
    [id] = await queued(database, channel)
    await apply(database, channel, Change(id, "sent", external_id="ext-1"))

    await report(database, channel.account_id, channel.id, Status(status="delivered", external_id="ext-1"))

    assert await status_of(database, id) == "delivered"


async def test_a_report_on_an_unknown_message_is_ignored(database: Database, channel: Channel) -> None:
    [id] = await queued(database, channel)

    moves = await report(
        database,
        channel.account_id,
        channel.id,
        Status(status="failed", external_id="nobody's"),
        Status(status="failed"),
        Status(status="failed", message_id=2**62),
        Status(status="delivered", message_id=id),
    )

    assert [(move.ids, move.status) for move in moves] == [([id], "delivered")]


async def test_a_report_touches_messages_of_its_own_channel_only(database: Database, channel: Channel) -> None:
    other = await world.simulator(database, channel.account_id)
    [id] = await queued(database, channel)
    await apply(database, channel, Change(id, "sent", external_id="ext-2"))

    moves = await report(
        database,
        channel.account_id,
        other.id,
        Status(status="failed", external_id="ext-2"),
        Status(status="failed", message_id=id),
    )

    assert (moves, await status_of(database, id)) == ([], "sent")


async def test_a_report_touches_messages_of_its_own_account_only(
    database: Database, channel: Channel, other_account: int
) -> None:
    [id] = await queued(database, channel)

    moves = await report(database, other_account, channel.id, Status(status="failed", message_id=id))

    assert (moves, await status_of(database, id)) == ([], "queued")


async def test_every_state_is_counted(database: Database, channel: Channel) -> None:
    ids = await queued(database, channel, 3)
    await apply(database, channel, Change(ids[0], "sent"), Change(ids[1], "failed"))

    async with database.tx(channel.account_id) as tx:
        counted = await statuses.stats(tx)

    assert {state: n for state, n in counted.items() if n} == {"queued": 1, "sent": 1, "failed": 1}
    assert set(statuses.STATES) == set(counted)


async def test_the_cost_does_not_hang_on_statistics(database: Database, account: int) -> None:
    """A table that was filled a moment ago has none."""
    fill = """
        insert into messages (account_id, direction, status, contact_id, channel_id, scheme, address)
        select $1, 'out', 'sending', n, 1, 'tel', 'x' from generate_series(1, 3000) n returning id
    """
    ids = [row["id"] for row in await world.execute(database.dsn, fill, account)][:100]
    explain = Statement(f"explain {statuses.APPLY.text}", "tests", system=False)

    async with database.tx(account) as tx:
        nothing = [None] * len(ids)
        plan = "\n".join(await tx.column(str, explain, account, ids, ["sent"] * len(ids), *[nothing] * 4))

    assert "Index Scan using messages_pkey" in plan
    assert "Tid Scan on messages" in plan
    assert "Seq Scan" not in plan

"""The whole way of a message: queued, claimed, handed over, written down; whatever the provider does."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests import world
from trunkline.channels.custom_http import RETRY_SECONDS
from trunkline.contacts import people
from trunkline.core.db import Database
from trunkline.core.http import Http
from trunkline.messaging import carrier, channels, lines, preparing, sending, statuses
from trunkline.messaging.channels import Channel
from trunkline.messaging.delivery import attempt

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"
NUMBERS = [f"+4074000{n:04d}" for n in range(60)]


class Provider:
    """An owner's URL that does to each call what it was told; `calls` is what it has really seen."""

    def __init__(self) -> None:
        self.calls: list[dict] = []
        self.tricks: list[str] = []
        self.url = ""
        self.released = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.calls.append({"id": request.headers["webhook-id"], "headers": dict(request.headers), "body": body})
        trick = self.tricks.pop(0) if self.tricks else "ok"
        if trick.isdigit():
            return web.Response(status=int(trick))
        return await getattr(self, trick)(request)

    async def ok(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({})

    async def named(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"messageSid": "their-own-id"})

    async def throttled(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "120"})

    async def garbage(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b'\xff\x00{"messageSid":', content_type="application/json")

    async def hostile_id(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"messageSid":"a\\u0000b' + b"c" * 5000 + b'"}')

    async def nul(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=410, body=b"no\0 way")

    async def reset(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def cut_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.close()
        return response

    async def silent(self, request: web.Request) -> web.StreamResponse:
        await self.released.wait()
        return web.Response()

    @property
    def ids(self) -> list[str]:
        return [call["id"] for call in self.calls]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    app = web.Application()
    app.router.add_post("/hook", provider.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield provider
    provider.released.set()
    await runner.cleanup()


@pytest.fixture
async def http(database: Database) -> AsyncIterator[Http]:
    """A client that does not wait long."""
    async with Http(database.tools.egress, timeout=0.4) as http:
        yield http


async def custom(database: Database, account: int, provider: Provider, semantics: str = "at_least_once") -> Channel:
    return await world.custom(database, account, provider.url, semantics=semantics, **{"as": "sms"})


async def state(database: Database, id: int) -> tuple[str, str | None]:
    row = await world.message(database, id)
    return row["status"], row["reason"]


async def in_line(database: Database, account: int) -> int:
    return len(await world.execute(database.dsn, "select from outbound where account_id = $1", account))


async def test_a_queued_message_reaches_the_carrier(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    ids = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    async with database.tx(account) as tx:
        delivered = await carrier.outbox(tx, channel.id)
        stats = await statuses.stats(tx)
    assert [(one.seq, one.to, one.text) for one in delivered] == [(1, PHONE, "Hello")]
    assert (len(ids), stats["sent"], stats["queued"]) == (1, 1, 0)


async def test_five_hundred_messages_go_out_once_each(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    numbers = [f"+4074{n:07d}" for n in range(500)]
    await world.queue(database, account, channel, numbers)

    await world.deliver(database, account)

    async with database.tx(account) as tx:
        delivered = await carrier.outbox(tx, channel.id)
    assert sorted(one.to for one in delivered) == sorted(numbers)


async def test_three_senders_at_once_double_nothing(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    await world.queue(database, account, channel, [f"+4074{n:07d}" for n in range(300)])

    await asyncio.gather(*(world.deliver(database, account) for _ in range(3)))

    assert (len(provider.ids), len(set(provider.ids))) == (300, 300)
    assert await in_line(database, account) == 0


async def test_the_call_is_signed_for_whoever_checks(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    [id] = await world.queue(database, account, channel, [PHONE], "Grüße ✓")

    await world.deliver(database, account)

    [call] = provider.calls
    uuid = str((await world.message(database, id))["uuid"])
    stamp = call["headers"]["webhook-timestamp"]
    signed = hmac.new(b"s3cret-of-the-channel", f"{uuid}.{stamp}.".encode() + call["body"], hashlib.sha256).digest()
    said = json.loads(call["body"])
    assert call["headers"]["webhook-id"] == uuid
    assert call["headers"]["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
    assert said["customData"]["messageSid"] == uuid
    assert (said["customData"]["toId"], said["customData"]["body"], said["messageType"]) == (PHONE, "Grüße ✓", "text")


async def test_a_provider_that_fails_three_times_gets_it_once_it_works(
    database: Database, account: int, provider: Provider
) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["500", "503", "500"]
    [id] = await world.queue(database, account, channel, [PHONE])

    seen = []
    for _ in range(5):
        await world.deliver(database, account)
        seen.append((await state(database, id))[0])
        await world.pass_time(database, account)

    assert seen == ["errored", "errored", "errored", "sent", "sent"]
    assert (len(provider.ids), len(set(provider.ids))) == (4, 1)


async def test_a_provider_that_never_works_is_given_up(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["500"] * 50
    [id] = await world.queue(database, account, channel, [PHONE])

    for _ in range(len(RETRY_SECONDS) + 3):
        await world.deliver(database, account)
        await world.pass_time(database, account)

    assert await state(database, id) == ("failed", "unreachable")
    assert len(provider.calls) == len(RETRY_SECONDS) + 1
    assert await in_line(database, account) == 0


async def test_an_errored_message_waits(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["500"]
    await world.queue(database, account, channel, [PHONE])

    for _ in range(3):
        await world.deliver(database, account)

    assert len(provider.calls) == 1


async def test_a_refusal_is_final_and_names_its_code(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["410"]
    [id] = await world.queue(database, account, channel, [PHONE])

    for _ in range(2):
        await world.deliver(database, account)
        await world.pass_time(database, account)

    row = await world.message(database, id)
    assert (row["status"], row["reason"], row["provider_code"]) == ("failed", "rejected", "410")
    assert len(provider.calls) == 1


async def test_throttling_rests_the_channel_for_as_long_as_it_asks(
    database: Database, account: int, provider: Provider
) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["throttled"]
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.deliver(database, account)
    [other] = await world.queue(database, account, channel, NUMBERS[:1])
    await world.deliver(database, account)
    resting = len(provider.calls), await state(database, id), await state(database, other)
    [pause] = await world.execute(
        database.dsn,
        "select extract(epoch from paused_until - now())::float8 from paces where channel_id = $1",
        channel.id,
    )

    await world.pass_time(database, account)
    await world.deliver(database, account)

    assert resting == (1, ("errored", "throttled"), ("queued", None))
    assert 60 < pause[0] <= 120
    assert [await state(database, one) for one in (id, other)] == [("sent", None)] * 2


async def test_a_refused_channel_is_in_trouble_until_it_works_again(
    database: Database, account: int, provider: Provider
) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["401"]
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.deliver(database, account)
    async with database.tx(account) as tx:
        trouble = (await channels.get(tx, channel.id)).trouble

    await world.pass_time(database, account)
    await world.deliver(database, account)

    async with database.tx(account) as tx:
        assert (trouble, (await channels.get(tx, channel.id)).trouble) == ("HTTP 401", None)
    assert await state(database, id) == ("sent", None)


LOST = ["reset", "cut_off", "silent"]


@pytest.mark.parametrize("trick", LOST)
async def test_a_lost_answer_is_asked_for_again_under_the_same_id(
    database: Database, account: int, provider: Provider, http: Http, trick: str
) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = [trick]
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account, http)
    between = await state(database, id)
    await world.pass_time(database, account)
    await world.deliver(database, account, http)

    assert (between, await state(database, id)) == (("errored", "ambiguous"), ("sent", None))
    assert (len(provider.ids), len(set(provider.ids))) == (2, 1)


@pytest.mark.parametrize("trick", LOST)
async def test_a_lost_answer_stays_unknown_where_nothing_may_be_repeated(
    database: Database, account: int, provider: Provider, http: Http, trick: str
) -> None:
    channel = await custom(database, account, provider, "at_most_once")
    provider.tricks = [trick]
    [id] = await world.queue(database, account, channel, [PHONE])

    for _ in range(3):
        await world.deliver(database, account, http)
        await world.pass_time(database, account)

    assert await state(database, id) == ("unknown", "ambiguous")
    assert (len(provider.calls), await in_line(database, account)) == (1, 0)


@pytest.mark.parametrize("semantics", ["at_least_once", "at_most_once"])
async def test_what_never_left_us_is_tried_again(
    database: Database, account: int, provider: Provider, semantics: str
) -> None:
    channel = await world.custom(database, account, "http://127.0.0.1:1/hook", semantics=semantics, **{"as": "sms"})
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    assert await state(database, id) == ("errored", "unreachable")


async def test_only_those_that_failed_are_tried_again(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["ok", "500"] * 5
    await world.queue(database, account, channel, NUMBERS[:10])

    for _ in range(2):
        await world.deliver(database, account)
        await world.pass_time(database, account)

    assert sorted(Counter(provider.ids).values()) == [1] * 5 + [2] * 5


@pytest.mark.parametrize(
    ("trick", "external"), [("named", "their-own-id"), ("garbage", None), ("hostile_id", "abccc"), ("ok", None)]
)
async def test_any_body_of_a_yes_is_a_yes(
    database: Database, account: int, provider: Provider, trick: str, external: str | None
) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = [trick]
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    row = await world.message(database, id)
    assert row["status"] == "sent"
    assert row["external_id"].startswith(external or str(row["uuid"]))


async def test_any_body_of_a_no_can_be_logged(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["nul"]
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    [entry] = await world.execute(database.dsn, "select * from channel_log where message_id = $1", id)
    assert (await state(database, id), entry["code"], "no way" in entry["response"]) == (
        ("failed", "rejected"),
        410,
        True,
    )


async def test_the_log_never_holds_the_secret(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    await world.queue(database, account, channel, [PHONE], "s3cret-of-the-channel")

    await world.deliver(database, account)

    [entry] = await world.execute(database.dsn, "select * from channel_log where account_id = $1", account)
    assert "s3cret" not in entry["request"] + entry["response"]


async def test_a_report_names_the_message_by_our_id(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.deliver(database, account)
    adapter = channels.adapter(database.tools, channel)

    report = adapter.status({"messageSid": provider.ids[0], "status": "delivered"})  # pyright: ignore
    async with database.tx(account) as tx:
        await statuses.report(tx, channel.id, [report])

    assert await state(database, id) == ("delivered", None)


async def hand_over_and_die(database: Database, account: int, http: Http) -> None:
    """A worker that claims, sends, and is killed before it writes down what happened."""
    sender = world.sender(database, http)
    for line in await lines.due(database):
        if line.account_id != account:
            continue
        async with database.tx(account) as tx:
            channel = await channels.with_deleted(tx, line.channel_id)
            claimed = await lines.claim(tx, line, 100, channel.sends_as)
            ready = await preparing.prepare(tx, line, channel, claimed)
        adapter = channels.adapter(database.tools, channel)
        for _, outbound in ready:
            await attempt(adapter, sender.wire, [outbound])


async def test_after_a_crash_repeatable_messages_go_out_again_under_the_same_id(
    database: Database, account: int, provider: Provider, http: Http
) -> None:
    channel = await custom(database, account, provider)
    ids = await world.queue(database, account, channel, NUMBERS[:5])
    await hand_over_and_die(database, account, http)
    await world.deliver(database, account)
    while_leased = len(provider.calls)

    await world.pass_time(database, account)
    await world.deliver(database, account)

    assert while_leased == 5
    assert sorted(Counter(provider.ids).values()) == [2] * 5
    assert {await state(database, id) for id in ids} == {("sent", None)}


async def test_after_a_crash_nothing_goes_out_twice_where_that_is_forbidden(
    database: Database, account: int, provider: Provider, http: Http
) -> None:
    channel = await custom(database, account, provider, "at_most_once")
    ids = await world.queue(database, account, channel, NUMBERS[:5])
    await hand_over_and_die(database, account, http)

    await world.pass_time(database, account)
    await world.deliver(database, account)

    assert len(provider.calls) == 5
    assert {await state(database, id) for id in ids} == {("unknown", "ambiguous")}
    assert await in_line(database, account) == 0


async def test_a_crash_before_the_commit_changed_nothing(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider, "at_most_once")
    [id] = await world.queue(database, account, channel, [PHONE])
    [line] = [line for line in await lines.due(database) if line.account_id == account]

    async def die() -> None:
        async with database.tx(account) as tx:
            claimed = await lines.claim(tx, line, 100, "sms")
            await preparing.prepare(tx, line, channel, claimed)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await die()
    await world.deliver(database, account)

    assert (len(provider.calls), await state(database, id)) == (1, ("sent", None))


async def test_an_outcome_that_comes_too_late_is_still_evidence(
    database: Database, account: int, provider: Provider, http: Http
) -> None:
    """The lease was lost and the message judged unknown; the provider's report tells that it was sent."""
    channel = await custom(database, account, provider, "at_most_once")
    [id] = await world.queue(database, account, channel, [PHONE])
    await hand_over_and_die(database, account, http)
    await world.pass_time(database, account)
    await world.deliver(database, account)

    async with database.tx(account) as tx:
        await statuses.apply_many(tx, [statuses.Change(id, "sent")])

    assert await state(database, id) == ("sent", None)


async def test_what_waits_on_a_disconnected_channel_fails(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    [id] = await world.queue(database, account, channel, [PHONE])
    async with database.tx(account) as tx:
        await channels.delete(tx, channel.uuid)

    await world.deliver(database, account)

    assert await state(database, id) == ("failed", "channel")
    assert await in_line(database, account) == 0


async def test_a_channel_that_cannot_be_opened_stops_no_other(
    database: Database, account: int, other_account: int
) -> None:
    broken = await world.simulator(database, other_account)
    await world.queue(database, other_account, broken, [PHONE])
    await world.execute(database.dsn, "update channels set config = '\\x00' where id = $1", broken.id)
    channel = await world.simulator(database, account)
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    assert await state(database, id) == ("sent", None)
    await world.execute(database.dsn, "delete from outbound where account_id = $1", other_account)


async def test_an_adapter_that_breaks_is_a_lost_answer(
    database: Database, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await world.simulator(database, account)
    [id] = await world.queue(database, account, channel, [PHONE])

    async def broken(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("trunkline.channels.simulator.Simulator.send", broken)
    await world.deliver(database, account)

    assert await state(database, id) == ("unknown", "ambiguous")


async def test_a_message_that_is_too_old_is_not_sent(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    [id] = await world.queue(database, account, channel, [PHONE])
    await world.execute(database.dsn, "update messages set expires_at = now() where id = $1", id)

    await world.deliver(database, account)

    assert await state(database, id) == ("failed", "expired")
    async with database.tx(account) as tx:
        assert await carrier.outbox(tx, channel.id) == []


@pytest.mark.parametrize("lane", [sending.REPLY, sending.API])
async def test_nothing_goes_to_a_contact_that_is_gone_or_blocked(database: Database, account: int, lane: int) -> None:
    channel = await world.simulator(database, account)
    ids = await world.queue(database, account, channel, NUMBERS[:2], lane=lane)
    gone, blocked = await world.contacts(database, account, NUMBERS[:2])
    async with database.tx(account) as tx:
        await people.delete(tx, [gone])
        await people.change_status(tx, [blocked], "blocked")

    await world.deliver(database, account)

    assert [await state(database, id) for id in ids] == [("failed", "contact_deleted"), ("failed", "contact_blocked")]


async def test_a_paced_channel_sends_everything_in_the_end(database: Database, account: int) -> None:
    channel = await world.simulator(database, account, rate=500)
    await world.queue(database, account, channel, NUMBERS)

    await world.deliver(database, account)

    async with database.tx(account) as tx:
        assert len(await carrier.outbox(tx, channel.id)) == len(NUMBERS)


async def test_a_sender_that_is_stopped_finishes_what_it_has_in_hand(
    database: Database, account: int, provider: Provider
) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["silent"] * 5
    ids = await world.queue(database, account, channel, NUMBERS[:5])
    sender = world.sender(database, await database.tools.http())
    running = asyncio.create_task(sender.run())
    async with asyncio.timeout(10):
        while len(provider.calls) < 5:
            await asyncio.sleep(0.005)

    sender.stop()
    provider.released.set()
    async with asyncio.timeout(10):
        await running

    assert {await state(database, id) for id in ids} == {("sent", None)}
    assert await in_line(database, account) == 0


async def test_a_custom_channel_is_tried_again_whatever_it_refuses(
    database: Database, account: int, provider: Provider
) -> None:
    channel = await custom(database, account, provider)
    provider.tricks = ["400", "302"]
    [id] = await world.queue(database, account, channel, [PHONE])

    for _ in range(3):
        await world.deliver(database, account)
        await world.pass_time(database, account)

    assert await state(database, id) == ("sent", None)


async def test_who_was_written_to_is_noted(database: Database, account: int, provider: Provider) -> None:
    channel = await custom(database, account, provider)
    [id] = await world.queue(database, account, channel, [PHONE])

    await world.deliver(database, account)

    row = await world.message(database, id)
    [contact] = await world.execute(
        database.dsn, "select last_contacted_at from contacts where id = $1", row["contact_id"]
    )
    assert contact["last_contacted_at"] is not None

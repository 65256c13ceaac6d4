"""Deliveries to receivers that behave, hang, fail, redirect, ask for patience or are gone."""

import asyncio
import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tests import world
from trunkline.core import clock
from trunkline.core.errors import Conflict, NotFound
from trunkline.webhooks import deliveries, delivering, endpoints, queue
from trunkline.webhooks.delivering import Deliverer
from trunkline.webhooks.endpoints import Changes
from trunkline.webhooks.hands import HANDS
from trunkline.webhooks.queue import BREAK_AFTER
from trunkline.webhooks.verdicts import RETRY_SECONDS
from trunkline.worker import Worker

pytestmark = pytest.mark.anyio


async def test_a_delivery_is_verified_by_the_reference_library(post, receiver):
    there = await receiver()
    endpoint, secret = await post.endpoint(there.url)
    [id] = await post.put(endpoint)

    await post.run()

    [(headers, body)] = there.heard
    assert Webhook(secret).verify(body, headers)["type"] == "message.sent"
    assert body.decode() == (await post.row(id))["body"]
    assert (await post.row(id))["status"] == "delivered"
    assert await world.execute(post.database.dsn, "select from webhooks") == []


async def test_the_signature_is_what_the_standard_says(post, receiver):
    there = await receiver()
    endpoint, secret = await post.endpoint(there.url)
    await post.put(endpoint)

    await post.run()

    [(headers, body)] = there.heard
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mark = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mark).decode()


async def test_both_secrets_sign_for_a_day(post, receiver):
    there = await receiver()
    endpoint, old = await post.endpoint(there.url)
    async with post.database.tx(post.account) as tx:
        _, new = await endpoints.update(tx, endpoint.id, Changes(rotate=True))
    await post.put(endpoint)
    await post.run()
    await world.execute(post.database.dsn, "update webhook_endpoints set old_until = now()")
    await post.put(endpoint)

    await post.run()

    (first, body), (second, later) = there.heard
    assert old != new
    assert Webhook(old).verify(body, first) == Webhook(new).verify(body, first)
    assert len(first["webhook-signature"].split()) == 2
    assert Webhook(new).verify(later, second)
    assert len(second["webhook-signature"].split()) == 1


async def test_tries_keep_id_and_body(post, receiver):
    there = await receiver()
    there.answers = [500, web.Response(status=429), 204]
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)

    for _ in range(3):
        await post.run()
        await post.pass_time()

    assert len(there.heard) == 3
    assert len({(headers["webhook-id"], body) for headers, body in there.heard}) == 1
    assert [code for code, _, _ in await post.log(id)] == [500, 429, 204]
    assert (await post.row(id))["status"] == "delivered"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_a_success(post, receiver, status):
    there = await receiver()
    there.answers = [status]
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)

    await post.run()

    assert (await post.row(id))["status"] == "delivered"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(post, receiver, status):
    there, elsewhere = await receiver(), await receiver()
    there.answers = [web.Response(status=status, headers={"Location": elsewhere.url})]
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)

    await post.run()

    assert elsewhere.heard == []
    assert ((await post.row(id))["status"], (await post.row(id))["error"]) == ("pending", f"HTTP {status}")


async def test_who_hangs_has_failed(post, receiver, monkeypatch):
    monkeypatch.setattr(delivering, "TIMEOUT_SECONDS", 0.2)
    there = await receiver()
    there.hangs = True
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)

    await post.run()

    assert await post.log(id) == [(None, "", "No answer in time.")]
    assert (await post.row(id))["status"] == "pending"


async def test_who_answers_late_but_in_time_has_succeeded(post, receiver):
    there = await receiver()
    there.hangs = True
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)

    async with asyncio.TaskGroup() as group:
        group.create_task(post.run())
        while not there.heard:
            await asyncio.sleep(0.01)
        there.hanging.set()

    assert (await post.row(id))["status"] == "delivered"
    assert len(there.heard) == 1


async def test_nobody_at_home_is_told_in_the_log(post, receiver):
    endpoint, _ = await post.endpoint("http://127.0.0.1:9/")
    [id] = await post.put(endpoint)

    await post.run()

    [(code, _, error)] = await post.log(id)
    assert code is None
    assert error


async def test_an_address_that_turned_private_is_refused_when_it_is_called(post, receiver):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)
    moved = there.url.replace("127.0.0.1", "127.0.0.2")
    await world.execute(post.database.dsn, "update webhook_endpoints set url = $2 where id = $1", endpoint.id, moved)

    await post.run()

    [(_, _, error)] = await post.log(id)
    assert "not a public address" in error
    assert there.heard == []


async def test_gone_switches_the_endpoint_off(post, receiver):
    there = await receiver()
    there.answers = [410]
    endpoint, _ = await post.endpoint(there.url)
    await post.put(endpoint, 10)

    await post.run()

    standing = await post.standing(endpoint)
    rows = await world.execute(
        post.database.dsn,
        "select details ->> 'reason' from audit_log where account_id = $1 and action = 'webhook.disabled'",
        post.account,
    )
    told = await world.execute(post.database.dsn, "select data::text from events where type = 'webhook.disabled'")
    assert (standing["active"], standing["reason"], len(there.heard)) == (False, "gone", 1)
    assert [row[0] for row in rows] == ["gone"]
    assert [row[0] for row in told] == [f'{{"id": {endpoint.id}, "reason": "gone"}}']


async def test_what_waited_while_it_was_off_goes_out_when_it_is_on_again(post, receiver):
    there = await receiver()
    there.answers = [410, 200]
    endpoint, _ = await post.endpoint(there.url)
    found = await post.put(endpoint, 8)
    await post.run()
    async with post.database.tx(post.account) as tx:
        changed, _ = await endpoints.update(tx, endpoint.id, Changes(active=True))

    await post.pass_time()
    await post.run()

    assert (changed.active, changed.reason) == (True, None)
    assert {(await post.row(id))["status"] for id in found} == {"delivered"}


@pytest.mark.parametrize("asked", ["3600", "date"])
async def test_retry_after_is_honoured(post, receiver, asked):
    there = await receiver()
    at = clock.now() + timedelta(hours=1)
    value = at.strftime("%a, %d %b %Y %H:%M:%S GMT") if asked == "date" else asked
    there.answers = [web.Response(status=503, headers={"Retry-After": value})]
    endpoint, _ = await post.endpoint(there.url)
    first, second = await post.put(endpoint, 2)

    await post.run()

    assert at - timedelta(minutes=1) < (await post.row(first))["next_at"] < at + timedelta(minutes=1)
    assert await post.log(second) == []
    assert (await post.standing(endpoint))["paused_until"] > at - timedelta(minutes=1)


async def test_waits_grow_to_a_dead_letter(post, receiver):
    there = await receiver()
    there.answers = [500]
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)
    waits = []

    for _ in RETRY_SECONDS:
        await post.run()
        waits.append(((await post.row(id))["next_at"] - clock.now()).total_seconds())
        await post.pass_time()
    await post.run()

    row = await post.row(id)
    assert all(0.75 * s - 2 < wait < 1.2 * s + 1 for wait, s in zip(waits, RETRY_SECONDS, strict=True))
    assert (row["status"], row["attempts"], row["next_at"], len(there.heard)) == ("failed", 10, None, 10)
    assert await world.execute(post.database.dsn, "select from webhooks") == []


async def test_five_days_of_failures_alone_switch_it_off(post, receiver):
    there = await receiver()
    there.answers = [500]
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)
    await post.run()
    young = await post.standing(endpoint)
    await post.pass_time()
    past = "update webhook_endpoints set failing_since = now() - interval '5 days 1 minute' where id = $1"
    await world.execute(post.database.dsn, past, endpoint.id)

    await post.run()

    standing = await post.standing(endpoint)
    assert (young["active"], standing["active"], standing["reason"]) == (True, False, "failing")
    assert (await post.row(id))["status"] == "pending"


async def test_one_success_wipes_the_slate(post, receiver):
    there = await receiver()
    there.answers = [500, 200]
    endpoint, _ = await post.endpoint(there.url)
    await post.put(endpoint)
    await post.run()
    failing = await post.standing(endpoint)
    await post.pass_time()

    await post.run()

    standing = await post.standing(endpoint)
    assert (failing["failures"], standing["failures"], standing["failing_since"]) == (1, 0, None)


async def test_after_failures_in_a_row_it_rests_and_what_waits_is_not_tried(post, receiver):
    there = await receiver()
    there.answers = [500]
    endpoint, _ = await post.endpoint(there.url)
    found = await post.put(endpoint, 40)

    await post.run()

    standing = await post.standing(endpoint)
    tried = [id for id in found if await post.log(id)]
    assert len(tried) == len(there.heard) == BREAK_AFTER
    assert standing["paused_until"] > clock.now()


async def test_a_rest_ends_with_a_single_try_that_opens_the_rest(post, receiver):
    there = await receiver()
    there.answers = [500] * BREAK_AFTER + [200]
    endpoint, _ = await post.endpoint(there.url)
    found = await post.put(endpoint, 40)
    await post.run()

    await post.pass_time()
    await post.run()

    assert {(await post.row(id))["status"] for id in found} == {"delivered"}
    assert (await post.standing(endpoint))["failures"] == 0


async def test_an_endpoint_has_five_calls_at_a_time(post, receiver):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    await post.put(endpoint, 200)

    await post.run()

    assert len(set(there.ids)) == 200
    assert 1 < there.most_open <= HANDS


async def test_fifty_that_hang_do_not_hold_up_a_good_one(post, receiver, account):
    bad, good = await receiver(), await receiver()
    bad.hangs = True
    for number in range(3):
        owner = account if number == 0 else await world.workspace(post.database)
        mine = type(post)(post.database, owner)
        for n in range(17):
            await mine.put((await mine.endpoint(f"{bad.url}/{n}"))[0], 20)
    endpoint, _ = await post.endpoint(good.url)
    found = await post.put(endpoint, 100)
    deliverer = Deliverer(post.database)

    task = asyncio.create_task(deliverer.run())
    async with asyncio.timeout(10):  # less than the others need to time out
        while len(set(good.ids)) < len(found):
            await asyncio.sleep(0.01)

    assert bad.open == 51
    bad.hanging.set()
    bad.hangs = False
    deliverer.stop()
    await task


async def test_a_crash_before_the_note_repeats_with_the_same_id(post, receiver, monkeypatch):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)
    never = asyncio.Event()

    async def lost(*_):
        await never.wait()

    with monkeypatch.context() as patched:
        patched.setattr(queue, "settle", lost)
        task = asyncio.create_task(Deliverer(post.database).run())
        while not there.heard:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    await post.pass_time()
    await post.run()

    assert len(there.heard) == 2
    assert len(set(there.ids)) == 1
    assert (await post.row(id))["status"] == "delivered"


async def test_what_somebody_else_holds_is_not_claimed(post, receiver):
    endpoint, _ = await post.endpoint((await receiver()).url)
    await post.put(endpoint, 3)

    first = await queue.claim(post.database, 100, 5, {})
    second = await queue.claim(post.database, 100, 5, {})

    assert (len(first), second) == (3, [])


async def test_our_secret_is_not_kept_when_somebody_sends_it_back(post, receiver):
    there = await receiver()
    endpoint, secret = await post.endpoint(there.url)
    there.answers = [web.Response(status=400, text=f"your secret is {secret}" + "x" * 5000)]
    [id] = await post.put(endpoint)

    await post.run()

    [(_, answer, _)] = await post.log(id)
    assert answer.startswith("your secret is ***x")
    assert len(answer) <= 1000


async def test_secrets_lie_sealed(post, receiver):
    endpoint, secret = await post.endpoint((await receiver()).url)

    standing = await post.standing(endpoint)

    assert secret.removeprefix("whsec_").encode() not in standing["secret"]


async def test_one_delivery_is_replayed_with_its_id(post, receiver):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)
    await post.run()

    async with post.database.tx(post.account) as tx:
        waiting = await deliveries.replay(tx, endpoint.id, id)
    await post.run()

    assert (waiting.status, waiting.attempts) == ("pending", 0)
    assert len(there.heard) == 2
    assert len(set(there.ids)) == 1
    assert (await post.row(id))["status"] == "delivered"


@pytest.mark.parametrize(("delivered", "again"), [(False, 1), (True, 2)])
async def test_a_range_is_replayed(post, receiver, delivered, again):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    dead, fine, early = await post.put(endpoint, 3)
    await post.run()
    await world.execute(post.database.dsn, "update webhook_deliveries set status = 'failed' where id = $1", dead)
    past = "update webhook_deliveries set created_at = now() - interval '1 day', status = 'failed' where id = $1"
    await world.execute(post.database.dsn, past, early)
    there.heard.clear()

    since = clock.now() - timedelta(hours=1)
    async with post.database.tx(post.account) as tx:
        told = await deliveries.replay_range(
            tx, endpoint.id, since, clock.now() + timedelta(minutes=1), delivered=delivered
        )
    await post.run()

    assert (told, len(there.heard)) == ((again, None), again)
    assert (await post.row(dead))["status"] == (await post.row(fine))["status"] == "delivered"


async def test_a_range_too_large_says_where_to_go_on(post, receiver, monkeypatch):
    monkeypatch.setattr(deliveries, "MOST_REPLAYED", 2)
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    found = await post.put(endpoint, 3)
    await post.run()

    async with post.database.tx(post.account) as tx:
        since, until = clock.now() - timedelta(hours=1), clock.now() + timedelta(minutes=1)
        number, following = await deliveries.replay_range(tx, endpoint.id, since, until, delivered=True)

    assert (number, following) == (2, (await post.row(found[2]))["created_at"])


async def test_nothing_is_replayed_to_what_is_off(post, receiver):
    endpoint, _ = await post.endpoint((await receiver()).url)
    [id] = await post.put(endpoint)

    async with post.database.tx(post.account) as tx:
        await endpoints.update(tx, endpoint.id, Changes(active=False))
        with pytest.raises(Conflict):
            await deliveries.replay(tx, endpoint.id, id)


async def test_what_waits_for_a_deleted_endpoint_is_not_sent(post, receiver):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    await post.put(endpoint)

    async with post.database.tx(post.account) as tx:
        await endpoints.delete(tx, endpoint.id)
    await post.run()

    assert there.heard == []
    assert await world.execute(post.database.dsn, "select from webhooks") == []


async def test_foreign_endpoints_and_deliveries_are_unknown(post, receiver, other_account):
    endpoint, _ = await post.endpoint((await receiver()).url)
    [id] = await post.put(endpoint)

    async with post.database.tx(other_account) as tx:
        for asked in (
            endpoints.get(tx, endpoint.id),
            endpoints.update(tx, endpoint.id, Changes(active=False)),
            endpoints.delete(tx, endpoint.id),
            deliveries.get(tx, endpoint.id, id),
            deliveries.replay(tx, endpoint.id, id),
            deliveries.test(tx, endpoint.id),
        ):
            with pytest.raises(NotFound):
                await asked


async def test_old_deliveries_are_forgotten(post, receiver):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    old, young = await post.put(endpoint, 2)
    past = "update webhook_deliveries set created_at = now() - interval '15 days' where id = $1"
    await world.execute(post.database.dsn, past, old)

    async with post.database.tx(0) as tx:
        deliveries.prune.later(tx)
    await world.react(post.database)
    await post.run()

    rows = await world.execute(post.database.dsn, "select id from webhook_deliveries")
    assert [row[0] for row in rows] == [young]
    assert len(there.heard) == 1


async def test_a_worker_with_this_queue_alone_delivers(post, receiver):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)
    worker = Worker(post.database, ["webhooks"])

    task = asyncio.create_task(worker.run())
    async with asyncio.timeout(20):
        while (await post.row(id))["status"] != "delivered":
            await asyncio.sleep(0.01)
    worker.stop()
    await task

    assert len(there.heard) == 1


async def test_a_database_that_is_away_only_delays_the_note(post, receiver, monkeypatch):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    [id] = await post.put(endpoint)
    settle, tries = queue.settle, []

    async def flaky(*args):
        tries.append(1)
        if len(tries) == 1:
            raise delivering.Unavailable("The database")
        await settle(*args)

    monkeypatch.setattr(queue, "settle", flaky)
    await post.run()

    assert (len(there.heard), len(tries)) == (1, 2)
    assert (await post.row(id))["status"] == "delivered"

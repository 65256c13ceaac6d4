"""URLs that nobody registered: told by the same queue, signed by the account, apart from what was registered."""

import hashlib
import hmac
import json

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tests import world
from trunkline.accounts import settings
from trunkline.core import ids
from trunkline.core.errors import NotFound
from trunkline.webhooks import callbacks, deliveries, endpoints
from trunkline.webhooks.callbacks import Call

pytestmark = pytest.mark.anyio


async def tell(post, url: str, payload: object = None, number: int = 1, **more: object) -> None:
    async with post.database.tx(post.account) as tx:
        call = Call(url, "call.answered", payload or {"type": "call.answered", "data": {}}, **more)
        await callbacks.tell_many(tx, [call] * number)


async def rows(post, table: str) -> list[dict[str, object]]:
    found = await world.execute(
        post.database.dsn, f"select * from {table} where account_id = $1 order by id", post.account
    )
    return [dict(row) for row in found]


async def secret_of(post) -> str:
    async with post.database.tx(post.account) as tx:
        return await settings.webhook_secret(tx, post.database.tools.vault)


async def test_a_url_is_told_under_the_accounts_secret(post, receiver):
    there = await receiver()
    await tell(post, there.url, {"type": "call.answered", "data": {"id": 501}})

    await post.run()

    [(headers, body)] = there.heard
    assert Webhook(await secret_of(post)).verify(body, headers) == {"type": "call.answered", "data": {"id": 501}}


async def test_a_simple_mark_of_the_body_goes_along(post, receiver):
    there = await receiver()
    await tell(post, there.url)

    await post.run()

    [(headers, body)] = there.heard
    mark = hmac.new((await secret_of(post)).encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={mark}"


async def test_a_registered_endpoint_gets_no_simple_mark(post, receiver):
    there = await receiver()
    endpoint, _ = await post.endpoint(there.url)
    await post.put(endpoint)

    await post.run()

    assert "x-hub-signature-256" not in there.heard[0][0]


async def test_nothing_is_told_of_what_was_rolled_back(post, receiver):
    there = await receiver()
    with pytest.raises(ZeroDivisionError):
        async with post.database.tx(post.account) as tx:
            await callbacks.tell(tx, url=there.url, event="call.answered", payload={})
            raise ZeroDivisionError

    await post.run()

    assert there.heard == []


async def test_the_callers_id_is_the_one_that_is_sent(post, receiver, webhook_id):
    there, uuid = await receiver(), ids.new_uuid()
    there.answers = [500, 200]
    await tell(post, there.url, uuid=uuid)
    await post.run()
    await post.pass_time()

    await post.run()

    assert there.ids == [webhook_id(uuid)] * 2


async def test_it_is_no_webhook_of_the_list(post, receiver):
    there = await receiver()
    await tell(post, there.url)
    [hidden] = await rows(post, "webhook_endpoints")

    async with post.database.tx(post.account) as tx:
        listed = await endpoints.all_of(tx)
        with pytest.raises(NotFound):
            await endpoints.get(tx, hidden["id"])
        with pytest.raises(NotFound):
            await deliveries.page(tx, hidden["id"], limit=10, offset=0)
        with pytest.raises(NotFound):
            await endpoints.delete(tx, hidden["id"])

    assert listed == []


async def test_it_does_not_count_as_a_webhook(post, monkeypatch):
    monkeypatch.setattr(endpoints, "MOST", 1)
    await tell(post, "https://example.com/status")

    made, _ = await post.endpoint("https://example.com/hook")

    assert made.active


async def test_urls_of_one_origin_share_a_line(post):
    for n in range(3):
        await tell(post, f"https://example.com/status/{n}?message={n}")
    await tell(post, "https://example.org/status")

    origins = [row["origin"] for row in await rows(post, "webhook_endpoints")]

    assert origins == ["https://example.com:", "https://example.org:"]


async def test_each_url_is_its_own_address(post, receiver):
    there = await receiver()
    await tell(post, f"{there.url}/1", {"n": 1})
    await tell(post, f"{there.url}/2?a=b", {"n": 2})

    await post.run()

    urls = [row["url"] for row in await rows(post, "webhook_deliveries")]
    assert urls == [f"{there.url}/1", f"{there.url}/2?a=b"]
    assert sorted(json.loads(body)["n"] for _, body in there.heard) == [1, 2]


async def test_beyond_a_number_of_origins_all_others_share_one_line(post, monkeypatch):
    monkeypatch.setattr(callbacks, "MOST_ORIGINS", 2)
    for n in range(5):
        await tell(post, f"https://n{n}.example.com/")

    origins = [row["origin"] for row in await rows(post, "webhook_endpoints")]

    assert origins == ["https://n0.example.com:", "https://n1.example.com:", callbacks.SHARED]
    assert len(await rows(post, "webhook_deliveries")) == 5


async def test_gone_ends_one_delivery_and_nothing_else(post, receiver):
    there = await receiver()
    there.answers = [410, 410, 410, 410, 410, 410, 200]
    await tell(post, there.url, number=7)

    await post.run()

    statuses = sorted(str(row["status"]) for row in await rows(post, "webhook_deliveries"))
    [line] = await rows(post, "webhook_endpoints")
    assert statuses == ["delivered", *["failed"] * 6]
    assert (line["active"], line["reason"], line["failures"]) == (True, None, 0)


async def test_a_line_that_failed_for_days_rests_for_a_day_but_stays(post, receiver):
    there = await receiver()
    there.answers = [500]
    await tell(post, there.url)
    await post.run()
    await post.pass_time()
    await world.execute(post.database.dsn, "update webhook_endpoints set failing_since = now() - interval '6 days'")

    await post.run()

    [row] = await world.execute(
        post.database.dsn,
        "select active, reason, paused_until > now() + interval '23 hours' from webhook_endpoints "
        "where account_id = $1",
        post.account,
    )
    assert tuple(row) == (True, None, True)


async def test_patience_that_is_asked_for_is_given(post, receiver):
    there = await receiver()
    there.answers = [web.Response(status=429, headers={"Retry-After": "60"}), 200]
    await tell(post, there.url, number=2)

    await post.run()

    assert len(there.heard) == 1


async def test_a_private_target_is_refused_when_it_is_told(post):
    await tell(post, "http://10.0.0.1/status")

    await post.run()

    [row] = await rows(post, "webhook_deliveries")
    [(code, _, error)] = await post.log(int(str(row["id"])))
    assert (row["status"], code) == ("pending", None)
    assert error


async def test_a_url_that_is_none_is_refused_when_it_is_told(post):
    await tell(post, "http://[half")

    await post.run()

    assert [row["status"] for row in await rows(post, "webhook_deliveries")] == ["pending"]


async def test_lines_that_nobody_uses_are_forgotten(post):
    await tell(post, "https://example.com/old")
    await tell(post, "https://example.org/new")
    await world.execute(
        post.database.dsn,
        "update webhook_endpoints set used_at = now() - interval '16 days' where origin = 'https://example.com:'",
    )
    await world.execute(
        post.database.dsn,
        "update webhook_deliveries set created_at = now() - interval '15 days' where url like '%old'",
    )

    async with post.database.tx(post.account) as tx:
        deliveries.prune.later(tx)
    await world.react(post.database)

    assert [row["origin"] for row in await rows(post, "webhook_endpoints")] == ["https://example.org:"]
    assert [row["url"] for row in await rows(post, "webhook_deliveries")] == ["https://example.org/new"]


async def test_a_line_that_is_used_again_is_kept(post):
    await tell(post, "https://example.com/a")
    await world.execute(post.database.dsn, "update webhook_endpoints set used_at = now() - interval '16 days'")
    await tell(post, "https://example.com/b")

    async with post.database.tx(post.account) as tx:
        deliveries.prune.later(tx)
    await world.react(post.database)

    assert len(await rows(post, "webhook_endpoints")) == 1


async def test_accounts_do_not_share_lines(post, other_account):
    await tell(post, "https://example.com/a")
    async with post.database.tx(other_account) as tx:
        await callbacks.tell(tx, url="https://example.com/a", event="call.answered", payload={})

    lines = await world.execute(
        post.database.dsn,
        "select account_id from webhook_endpoints where account_id = any($1)",
        [post.account, other_account],
    )

    assert {row[0] for row in lines} == {post.account, other_account}

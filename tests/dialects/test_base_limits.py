"""Rate limits and idempotency: what is counted, what is said, and what happens once."""

import asyncio
import time

import httpx2
import pytest

from tests.dialects import toy
from trunkline.core import exact_limits
from trunkline.core.limits import Bucket
from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio

PLATFORM = "http://testserver/api/inbox/v1"
JANE = {"first_name": "Jane", "email": "jane@example.com"}


@pytest.fixture
async def limited(anybody, new_key):
    """The owner at the platform dialect, with the dialect's own limits."""
    anybody.headers["authorization"] = f"Bearer {await new_key()}"
    anybody.base_url = httpx2.URL(PLATFORM)
    return anybody


@pytest.fixture
def made(connection, account):
    async def count() -> int:
        return await connection.fetchval(
            "select count(*) from audit_log where account_id = $1 and action = 'toy.created'", account
        )

    return count


async def test_every_answer_tells_what_is_left(limited):
    first = await limited.get("/contacts")
    second = await limited.get("/nope")

    told = [(a.headers["x-ratelimit-limit"], a.headers["x-ratelimit-remaining"]) for a in (first, second)]
    assert told == [("60", "59"), ("60", "58")]
    assert "retry-after" not in first.headers


async def test_the_61st_request_is_refused(limited):
    answers = await asyncio.gather(*(limited.get("/contacts") for _ in range(100)))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (60, 40)


async def test_a_refusal_says_when_to_come_back(limited):
    for _ in range(60):
        await limited.get("/contacts")

    answer = await limited.get("/contacts")

    assert answer.json()["message"] == "Too Many Attempts."
    assert answer.headers["x-ratelimit-remaining"] == "0"
    wait = int(answer.headers["retry-after"])
    assert 0 < wait <= 62
    assert abs(int(answer.headers["x-ratelimit-reset"]) - time.time() - wait) < 3


async def test_a_strict_bucket_counts_beside_the_general_one(limited):
    answers = [await limited.post("/campaigns/1/send") for _ in range(6)]
    other = await limited.get("/contacts")

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert other.status_code == 200
    assert other.headers["x-ratelimit-remaining"] == "53"


async def test_a_strict_bucket_is_exact_over_processes(database, vault, new_key):
    key = await new_key()
    processes = [Dialects(database, vault=vault, served=[toy.platform]) for _ in range(4)]
    clients = [
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(process), base_url=PLATFORM, headers={"authorization": f"Bearer {key}"}
        )
        for process in processes
    ]

    answers = await asyncio.gather(*(client.post("/campaigns/1/send") for client in clients for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 35


async def test_a_strict_window_slides(database, account, connection):
    bucket = Bucket("send", 2, 60)
    for _ in range(2):
        await exact_limits.hit(database, account, "k", bucket)
    full = await exact_limits.hit(database, account, "k", bucket)
    await connection.execute(
        "update rate_windows set hits[1] = now() - interval '61 seconds' where account_id = $1", account
    )

    again = await exact_limits.hit(database, account, "k", bucket)

    assert (full.allowed, 55 <= full.retry_after <= 60) == (False, True)
    assert (again.allowed, again.remaining) == (True, 0)


async def test_a_bucket_of_one_process_counts_beside_the_general_one(limited):
    answers = [await limited.get("/contacts/export") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_the_missing_scope_costs_no_strict_hit(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key(scopes=['contacts'])}"}

    answers = [await anybody.post(f"{PLATFORM}/campaigns/1/send", headers=headers) for _ in range(7)]

    assert {answer.status_code for answer in answers} == {403}


async def test_a_key_may_bring_its_own_limit(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key(rate='2/minute')}"}

    answers = [await anybody.get(f"{PLATFORM}/contacts", headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_a_key_without_limits_has_no_buckets_at_all(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key(rate='off')}"}

    answers = [await anybody.post(f"{PLATFORM}/campaigns/1/send", headers=headers) for _ in range(8)]

    assert {answer.status_code for answer in answers} == {200}
    assert "x-ratelimit-limit" not in answers[0].headers


async def test_strangers_count_by_address(anybody):
    answers = [await anybody.get(f"{PLATFORM}/contacts") for _ in range(21)]

    assert [answer.status_code for answer in answers] == [401] * 20 + [429]
    assert answers[0].headers["x-ratelimit-remaining"] == "19"
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_storm_of_strangers_does_not_stop_a_known_caller(anybody, new_key):
    for _ in range(30):
        await anybody.get(f"{PLATFORM}/contacts")

    answer = await anybody.get(f"{PLATFORM}/contacts", headers={"authorization": f"Bearer {await new_key()}"})

    assert answer.status_code == 200


async def test_a_repeat_gets_the_first_answer(client, made):
    headers = {"idempotency-key": "order-1"}

    first = await client.post("/contacts", json=JANE, headers=headers)
    again = await client.post(
        "/contacts",
        content=b'{ "email":"jane@example.com", "first_name":"Jane" }',
        headers={**headers, "content-type": "application/json"},
    )

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await made() == 1


async def test_64_twins_have_one_effect(client, made):
    body = {**JANE, "extra": {"seconds": 0.05}}

    answers = await asyncio.gather(
        *(client.post("/contacts", json=body, headers={"idempotency-key": "twin"}) for _ in range(64))
    )

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await made() == 1


async def test_without_a_key_each_request_counts(client, made):
    await client.post("/contacts", json=JANE)
    await client.post("/contacts", json=JANE)

    assert await made() == 2


async def test_the_same_key_with_another_body_is_refused(client, made):
    headers = {"idempotency-key": "order-1"}
    await client.post("/contacts", json=JANE, headers=headers)

    answer = await client.post("/contacts", json={**JANE, "first_name": "Joe"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await made() == 1


async def test_the_same_key_on_another_route_is_another_request(client):
    headers = {"idempotency-key": "order-1"}
    await client.post("/campaigns/1/send", headers=headers)

    answer = await client.post("/campaigns/2/send", headers=headers)

    assert answer.json() == {"data": {"id": 2}}


async def test_the_same_key_of_another_account_is_another_request(client, new_key, other_account):
    headers = {"idempotency-key": "order-1"}
    await client.post("/contacts", json=JANE, headers=headers)
    other = await new_key(account=other_account)

    answer = await client.post("/contacts", json=JANE, headers={**headers, "authorization": f"Bearer {other}"})

    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers


async def test_nothing_is_kept_of_a_request_that_failed(client, made):
    headers = {"idempotency-key": "order-1"}
    wrong = await client.post("/contacts", json={**JANE, "email": "taken@example.com"}, headers=headers)
    wronger = await client.post("/contacts", json={}, headers=headers)

    right = await client.post("/contacts", json=JANE, headers=headers)

    assert [wrong.status_code, wronger.status_code, right.status_code] == [422, 422, 201]
    assert await made() == 1


async def test_an_answer_is_kept_for_a_day(client, connection, account, made):
    headers = {"idempotency-key": "order-1"}
    await client.post("/contacts", json=JANE, headers=headers)
    await connection.execute(
        "update idempotency set created_at = now() - interval '25 hours' where account_id = $1", account
    )

    answer = await client.post("/contacts", json={**JANE, "first_name": "Joe"}, headers=headers)

    assert answer.status_code == 201
    assert await made() == 2


async def test_old_answers_are_forgotten(client, database, connection, account):
    from trunkline.core import idempotency

    await client.post("/contacts", json=JANE, headers={"idempotency-key": "order-1"})
    await client.post("/contacts", json=JANE, headers={"idempotency-key": "order-2"})
    await connection.execute(
        "update idempotency set created_at = now() - interval '25 hours' where account_id = $1 and key = 'order-1'",
        account,
    )

    async with database.system() as tx:
        await idempotency.forget_old(tx)

    left = await connection.fetch("select key from idempotency where account_id = $1", account)
    assert [row["key"] for row in left] == ["order-2"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é"])
async def test_a_wrong_key_is_malformed(client, key):
    answer = await client.post("/contacts", json=JANE, headers=[("idempotency-key", key.encode())])

    assert answer.status_code == 400


async def test_a_repeated_upload_may_draw_its_boundary_anew(client):
    headers = {"idempotency-key": "file-1"}
    first = await client.post("/imports", files={"file": ("b.csv", b"x")}, headers=headers)

    again = await client.post("/imports", files={"file": ("b.csv", b"x")}, headers=headers)
    other = await client.post("/imports", files={"file": ("b.csv", b"y")}, headers=headers)

    assert (first.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert other.status_code == 422


async def test_reads_by_post_keep_nothing(client, new_key):
    headers = {"x-api-key": await new_key("portal"), "idempotency-key": "a"}
    url = "http://testserver/api/portal/v1/messages/batch-status"
    await client.post(url, json={"recipients": [{"to": "a"}]}, headers=headers)

    answer = await client.post(url, json={"recipients": [{"to": "a"}, {"to": "b"}]}, headers=headers)

    assert answer.json() == {"data": 2}


async def test_twins_of_work_outside_a_transaction_have_one_effect(client, made):
    body = {"title": "Hello", "priority": 50}

    answers = await asyncio.gather(
        *(client.post("/replies", json=body, headers={"idempotency-key": "twin"}) for _ in range(16))
    )
    again = await client.post("/replies", json=body, headers={"idempotency-key": "twin"})

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert (again.json(), again.headers["idempotent-replayed"]) == ({"data": "Hello"}, "true")
    assert await made() == 1


async def test_failed_work_outside_a_transaction_may_be_tried_again(client):
    headers = {"idempotency-key": "order-1"}
    wrong = await client.post("/replies", json={"title": "wrong"}, headers=headers)

    right = await client.post("/replies", json={"title": "right"}, headers=headers)

    assert (wrong.json()["code"], right.json()) == ("no_answer", {"data": "right"})

"""The doors of workflows: what programs, forms and readers of mail may do without a key."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from tests import canvases, world
from tests.canvases import canvas, step, trigger
from trunkline import callbacks
from trunkline.contacts import people, tags
from trunkline.contacts.records import Changes
from trunkline.core.db import Database
from trunkline.messaging import tracking
from trunkline.messaging.channels import Channel
from trunkline.workflows import workflows
from trunkline.workflows.workflows import Workflow

pytestmark = pytest.mark.anyio

PERSON = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=callbacks.routes(database))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=PERSON) as client:
        yield client


@pytest.fixture
async def hook(database: Database, account: int) -> Workflow:
    """A workflow that tags whom a call names with what it says."""
    drawn = canvas(trigger("webhook_received"), step("add_tag", tag_name="{{payload.plan|none}}"))
    return await canvases.active(database, account, drawn)


async def test_json_and_forms_are_taken(database: Database, account: int, jane: int, hook: Workflow, client) -> None:
    path = f"/hooks/workflows/{hook.hook}"

    first = await client.post(path, json={"contact": {"email": "JANE@example.com"}, "plan": "gold"})
    second = await client.post(path, data={"phone": "+40 740 111 222", "plan": "silver"})
    await world.react(database)

    assert [answer.status_code for answer in (first, second)] == [202, 202]
    assert first.json() == {"message": "Accepted."}
    assert await canvases.worn(database, account, jane) == {"gold", "silver"}


@pytest.mark.parametrize("header", ["Idempotency-Key", "webhook-id"])
async def test_a_repeat_does_nothing_again(
    database: Database, account: int, jane: int, hook: Workflow, client, header: str
) -> None:
    path, call = f"/hooks/workflows/{hook.hook}", {"email": "jane@example.com"}

    answers = [await client.post(path, json=call, headers={header: "once"}) for _ in range(2)]
    other = await client.post(path, json={"email": "else@example.com"}, headers={header: "once"})
    await world.react(database)

    assert [answer.status_code for answer in (*answers, other)] == [202, 202, 422]
    assert len(await canvases.executions(database, account)) == 1


async def test_somebody_new_becomes_a_contact_with_both_addresses(
    database: Database, account: int, hook: Workflow, client
) -> None:
    call = {"email": "new@example.com", "phone": "+40740999888", "first_name": "Ann", "last_name": "Pop"}

    for _ in range(2):
        await client.post(f"/hooks/workflows/{hook.hook}", json=call)
    await world.react(database)

    rows = await world.execute(database.dsn, "select name, email, phone from contacts where account_id = $1", account)
    assert [tuple(row) for row in rows] == [("Ann Pop", "new@example.com", "+40740999888")]


async def test_a_caller_cannot_rename_a_contact(
    database: Database, account: int, jane: int, hook: Workflow, client
) -> None:
    await client.post(f"/hooks/workflows/{hook.hook}", json={"email": "jane@example.com", "name": "Mallory"})
    await world.react(database)

    async with database.tx(account) as tx:
        assert (await people.get(tx, jane)).name == "Jane Doe"


@pytest.mark.parametrize("call", [{}, {"email": "nobody at all"}, {"email": 5, "phone": "x"}, [1], "x", None])
async def test_a_call_that_names_nobody_is_about_nobody(
    database: Database, account: int, hook: Workflow, client, call: object
) -> None:
    answer = await client.post(f"/hooks/workflows/{hook.hook}", json=call)
    await world.react(database)

    assert answer.status_code == 202
    assert await canvases.executions(database, account) == [("failed", None)]


@pytest.mark.parametrize("token", ["x", "0" * 40, "0" * 41, "%00", "ä" * 40])
async def test_an_unknown_address_is_not_there(client, token: str) -> None:
    assert (await client.post(f"/hooks/workflows/{token}", json={})).status_code == 404


async def test_whoever_guesses_is_slowed_down(client) -> None:
    answers = [await client.post("/hooks/workflows/x", json={}) for _ in range(31)]

    assert (answers[0].status_code, answers[-1].status_code) == (404, 429)
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_paused_workflow_says_so(database: Database, account: int, hook: Workflow, client) -> None:
    async with database.tx(account) as tx:
        await workflows.pause(tx, hook.id)

    answer = await client.post(f"/hooks/workflows/{hook.hook}", json={})

    assert (answer.status_code, answer.json()["code"]) == (409, "workflow_not_active")


@pytest.mark.parametrize(
    ("content", "type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"a": "\\u0000"}', "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", 400),
        (b'"' + b"x" * 70_000 + b'"', "application/json", 413),
        (b" " * 300_000, "application/json", 413),
        (b"a=%00", "application/x-www-form-urlencoded", 400),
        (b"hello", "text/plain", 415),
        (b"", "application/json", 202),
    ],
    ids=range(10),
)
async def test_what_cannot_be_read_is_refused(hook: Workflow, client, content: bytes, type: str, status: int) -> None:
    answer = await client.post(f"/hooks/workflows/{hook.hook}", content=content, headers={"content-type": type})

    assert answer.status_code == status, answer.text


async def test_a_workflow_has_its_rate(hook: Workflow, client) -> None:
    answers = [await client.post(f"/hooks/workflows/{hook.hook}", content=b"{") for _ in range(121)]

    assert (answers[0].status_code, answers[-1].status_code) == (400, 429)


async def test_the_mail_of_a_workflow_tells_of_opening_and_links(
    database: Database, account: int, jane: int, email: Channel, client
) -> None:
    async with database.tx(account) as tx:
        await people.update(tx, jane, Changes(city="Cluj & Turda"))
    html = '<p>Hi <a href="https://shop.test/sale?city={{city}}">see</a></p>'
    await canvases.active(
        database,
        account,
        canvas(trigger("tag_added", tag_name="go"), step("send_email", subject="Hi", body_html=html)),
    )
    await go(database, account, jane)
    [(shown, id)] = await world.execute(database.dsn, "select html, id from messages where account_id = $1", account)
    await world.execute(
        database.dsn, "update messages set status = 'sent', sent_at = now() - interval '1 minute' where id = $1", id
    )

    [link] = re.findall(r'href="[^"]+(/hooks/mail/[^"]+)"', shown)
    [pixel] = re.findall(r'src="[^"]+(/hooks/mail/[^"]+)"', shown)
    followed, seen = await client.get(link), await client.get(pixel)
    await world.execute(database.dsn, "update mail_hits set at = at - interval '10 seconds'")
    await tracking.judge(database)

    assert (followed.status_code, followed.headers["location"]) == (
        302,
        "https://shop.test/sale?city=Cluj%20%26%20Turda",
    )
    assert seen.headers["content-type"] == "image/gif"
    [seen_by] = await world.execute(
        database.dsn,
        "select contact_id, opened_at is not null, clicked_at is not null from engagements where account_id = $1",
        account,
    )
    assert tuple(seen_by) == (jane, True, True)
    opened = step("email_opened", within_hours=1)
    await canvases.active(database, account, canvases.fork(trigger("tag_added", tag_name="go"), opened), "Asks")
    await go(database, account, jane)
    assert "yes" in await canvases.worn(database, account, jane)


async def test_the_way_out_of_a_workflows_mail_works(
    database: Database, account: int, jane: int, email: Channel, client
) -> None:
    letter = step("send_email", subject="Hi", body="Bye: {{unsubscribe_url}}")
    await canvases.active(database, account, canvas(trigger("tag_added", tag_name="go"), letter))
    await go(database, account, jane)
    [(body,)] = await world.execute(database.dsn, "select body from messages where account_id = $1", account)

    await client.post(re.findall(r"(/u/\S+)", body)[0])
    await go(database, account, jane)

    assert [status for _, status in await canvases.log(database, account)] == ["completed", "skipped"]


@pytest.mark.parametrize("token", ["x", "1-1-1", "%00"])
async def test_a_mark_that_is_not_ours_leads_nowhere(client, token: str) -> None:
    assert (await client.get(f"/hooks/mail/{token}")).status_code == 404


async def go(database: Database, account: int, jane: int) -> None:
    async with database.tx(account) as tx:
        [tag] = await tags.get_or_create(tx, ["go"])
        await tags.remove(tx, [jane], [tag.id])
        await tags.add(tx, [jane], [tag.id])
    await world.react(database)

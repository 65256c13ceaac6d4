"""Campaigns in the dashboard: the wizard, the numbers before the start, the report afterwards."""

import re
from collections.abc import Awaitable, Callable

import httpx2
import pytest

from tests import world
from trunkline.campaigns import broadcasts
from trunkline.campaigns.records import Broadcast, Changes, NewBroadcast
from trunkline.contacts import consents, groups, people, tags
from trunkline.contacts.people import NewContact
from trunkline.core import clock
from trunkline.core.db import Database

pytestmark = pytest.mark.anyio

Post = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
async def post(ana: httpx2.AsyncClient) -> Post:
    page = await ana.get("/me")
    [token] = set(re.findall(r'name="csrf" value="(\w+)"', page.text))

    async def send(path: str, /, **fields: object) -> httpx2.Response:
        return await ana.post(path, data={"csrf": token, **fields})

    return send


@pytest.fixture
async def draft(database: Database, account: int) -> Broadcast:
    """A text for everybody, on a simulated channel."""
    await world.simulator(database, account)
    async with database.tx(account) as tx:
        return await broadcasts.create(tx, NewBroadcast(name="Spring <sale>", channel="sms", body="Hello {{name}}"))


async def kept(database: Database, account: int, id: int) -> Broadcast:
    async with database.tx(account) as tx:
        return await broadcasts.get(tx, id)


async def test_a_campaign_begins_as_a_draft_and_is_gone_on_with(
    ana: httpx2.AsyncClient, post: Post, database: Database, account: int
) -> None:
    channel = await world.simulator(database, account)

    begun = await post("/campaigns/new", name="Spring", channel=str(channel.id))
    listed = await ana.get("/campaigns")
    again = await ana.get(re.findall(r'href="(/campaigns/\d+/next)"', listed.text)[0])

    assert begun.headers["location"].endswith("/audience")
    assert again.headers["location"] == begun.headers["location"]


async def test_only_mail_has_subjects_to_compare(post: Post, database: Database, account: int) -> None:
    channel = await world.simulator(database, account)

    refused = await post("/campaigns/new", name="Spring", channel=str(channel.id), variants="1")

    assert refused.status_code == 422
    assert "Only mail has subjects to compare." in refused.text


async def test_the_audience_says_who_is_dropped_and_why(
    ana: httpx2.AsyncClient, database: Database, account: int, draft: Broadcast
) -> None:
    found = await world.contacts(database, account, [f"+4074000{n:04}" for n in range(5)])
    async with database.tx(account) as tx:
        await people.change_status(tx, [found[0]], "blocked")
        await people.update(tx, found[1], people.Changes(do_not_disturb=True))
        await consents.opt_out(tx, "sms", "+40740000002", "api")
        await people.create(tx, NewContact(name="No <b>phone</b>", email="x@example.com"))

    page = await ana.get(f"/campaigns/{draft.id}/audience/size?audience=all", headers={"HX-Request": "true"})

    rows = dict(re.findall(r"<dt>(?:<strong>)?(.*?)(?:</strong>)?</dt><dd>(?:<strong>)?(\d+)", page.text))
    assert {name.removeprefix("− "): int(number) for name, number in rows.items() if int(number)} == {
        "In the audience": 6,
        "Blocked": 1,
        "Do not disturb": 1,
        "No address for this channel": 1,
        "Opted out of everything": 1,
        "Will be reached": 2,
    }


async def test_an_audience_of_several_groups_is_kept(
    post: Post, database: Database, account: int, draft: Broadcast
) -> None:
    async with database.tx(account) as tx:
        made = [(await groups.create(tx, name)).id for name in ("North", "South")]

    answer = await post(f"/campaigns/{draft.id}/audience", audience="groups", groups=[str(id) for id in made])

    assert answer.headers["location"] == f"/campaigns/{draft.id}/content"
    assert (await kept(database, account, draft.id)).audience == {"type": "groups", "ids": made}


async def test_a_query_that_cannot_be_read_is_refused_and_stays_typed(post: Post, draft: Broadcast) -> None:
    page = await post(f"/campaigns/{draft.id}/audience", audience="query", query="age >")

    assert page.status_code == 422
    assert 'value="age &gt;"' in page.text


async def test_no_tag_chosen_is_refused_at_its_place(
    post: Post, database: Database, account: int, draft: Broadcast
) -> None:
    async with database.tx(account) as tx:
        await tags.get_or_create(tx, ["vip"])

    page = await post(f"/campaigns/{draft.id}/audience", audience="tags")

    assert page.status_code == 422
    assert 'id="audience-problem"' in page.text


async def test_a_slot_that_nobody_can_fill_is_named(post: Post, draft: Broadcast) -> None:
    page = await post(f"/campaigns/{draft.id}/content", body="Hello {{frist_name}} {{city|there}}")

    assert page.status_code == 422
    assert "No contact has {{frist_name}}." in page.text


async def test_what_is_typed_is_shown_as_somebody_would_read_it(
    post: Post, database: Database, account: int, draft: Broadcast
) -> None:
    async with database.tx(account) as tx:
        zoe = await people.create(tx, NewContact(name="Zoë <b>", phone="+40740000001"))

    page = await post(f"/campaigns/{draft.id}/check", body="Hi {{name}} 😀", contact=str(zoe.id))

    assert "Hi Zoë &lt;b&gt; 😀" in page.text
    assert "UCS-2" in page.text
    assert "1 segment" in page.text


async def test_a_mail_in_mjml_is_shown_in_a_page_that_can_run_nothing(
    ana: httpx2.AsyncClient, post: Post, database: Database, account: int
) -> None:
    channel = await world.simulator(database, account, **{"as": "email"})
    begun = await post("/campaigns/new", name="Mail", channel=str(channel.id))
    place = begun.headers["location"].removesuffix("/audience")
    text = "<mj-section><mj-column><mj-text>Hi {{name|you}}</mj-text></mj-column></mj-section>"
    source = f"<mjml><mj-body>{text}</mj-body></mjml>"

    saved = await post(f"{place}/content", subject="Hi", format="mjml", mjml=source)
    frame = await ana.get(f"{place}/letter")

    assert saved.headers["location"] == f"{place}/schedule"
    assert "Hi you" in frame.text
    assert "sandbox" in frame.headers["content-security-policy"]
    assert "<script" not in frame.text


async def test_mjml_that_cannot_be_read_says_so(post: Post, database: Database, account: int) -> None:
    channel = await world.simulator(database, account, **{"as": "email"})
    begun = await post("/campaigns/new", name="Mail", channel=str(channel.id))

    page = await post(
        begun.headers["location"].replace("audience", "content"), subject="Hi", format="mjml", mjml="<mjml>"
    )

    assert page.status_code == 422
    assert 'id="mjml-problem"' in page.text


async def test_a_moment_in_the_past_is_refused(post: Post, draft: Broadcast) -> None:
    page = await post(f"/campaigns/{draft.id}/schedule", when="later", at="2020-01-01T10:00")

    assert page.status_code == 422
    assert 'value="2020-01-01T10:00"' in page.text


async def test_a_moment_is_meant_on_the_clock_of_the_workspace(
    post: Post, database: Database, account: int, draft: Broadcast
) -> None:
    await world.execute(
        database.dsn, "update accounts set timezone = 'Europe/Bucharest' where id = $1 returning id", account
    )
    now = clock.now()
    year = now.year + (now.month >= 7)

    await post(f"/campaigns/{draft.id}/schedule", when="later", at=f"{year}-07-01T10:00")

    moment = (await kept(database, account, draft.id)).scheduled_at
    assert moment is not None
    assert moment.isoformat() == f"{year}-07-01T07:00:00+00:00"


async def test_the_review_tells_cost_and_credits_afterwards(
    ana: httpx2.AsyncClient, database: Database, account: int, draft: Broadcast
) -> None:
    await world.contacts(database, account, ["+40740000001", "+40740000002"])
    await world.grant(database, account, 50)
    async with database.tx(account) as tx:
        await broadcasts.update(tx, draft.id, Changes(body="x" * 200))

    page = await ana.get(f"/campaigns/{draft.id}/review?counted=1")

    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page.text))
    assert facts["Cost"] == "4 credits"
    assert facts["Credits afterwards"] == "46"
    assert facts["Segments in all"] == "4"


async def test_a_crowd_is_written_to_only_when_the_name_was_typed(
    post: Post, database: Database, account: int, draft: Broadcast
) -> None:
    await world.contacts(database, account, [f"+40740{n:06}" for n in range(1001)])

    page = await post(f"/campaigns/{draft.id}/review")
    asked = await kept(database, account, draft.id)
    await post(f"/campaigns/{draft.id}/review", typed_name="Spring <sale>")

    assert page.status_code == 422
    assert "Type Spring &lt;sale&gt; to confirm" in page.text
    assert asked.status == "draft"
    assert (await kept(database, account, draft.id)).status == "sending"


async def test_what_is_sending_is_paused_resumed_and_canceled(
    post: Post, database: Database, account: int, draft: Broadcast
) -> None:
    await world.contacts(database, account, ["+40740000001"])
    states = []

    for step in ("review", "pause", "continuation", "cancellation"):
        await post(f"/campaigns/{draft.id}/{step}")
        states.append((await kept(database, account, draft.id)).status)

    assert states == ["sending", "paused", "sending", "canceled"]


async def test_what_is_on_its_way_cannot_be_rewritten(post: Post, ana: httpx2.AsyncClient, draft: Broadcast) -> None:
    await post(f"/campaigns/{draft.id}/cancellation")

    page = await ana.get(f"/campaigns/{draft.id}/content")

    assert page.status_code == 409


async def test_a_report_that_is_nobodys_is_not_found(ana: httpx2.AsyncClient, draft: Broadcast) -> None:
    assert (await ana.get(f"/campaigns/{draft.id + 1000}")).status_code == 404


async def test_somebody_who_only_looks_starts_nothing(
    ana: httpx2.AsyncClient, post: Post, database: Database, account: int, draft: Broadcast
) -> None:
    await world.execute(database.dsn, "update memberships set role = 'agent' where account_id = $1", account)

    answer = await post(f"/campaigns/{draft.id}/review")

    assert answer.status_code == 403


async def test_the_course_of_a_campaign_is_told_as_numbers(ana: httpx2.AsyncClient, draft: Broadcast) -> None:
    answer = await ana.get(f"/campaigns/{draft.id}/course")

    assert answer.json()["times"] == []
    assert set(answer.json()["counts"]) >= {"delivered", "opened", "machine_opened", "clicked", "unsubscribed"}

"""Resthooks, who listens to them, and what they told."""

import pytest

from trunkline.webhooks import resthooks

pytestmark = pytest.mark.anyio

TARGET = "https://hooks.example.com/1"


@pytest.fixture
async def hooks(database, account) -> None:
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])
    async with database.tx(account) as tx:
        await resthooks.get_or_create(tx, ["old-report"])


async def test_resthooks_are_listed_by_their_change(api, hooks):
    newest = (await api.get("/resthooks.json")).json()["results"]
    oldest = (await api.get("/resthooks.json?reverse=1")).json()["results"]

    assert [list(each) for each in newest] == [["resthook", "modified_on", "created_on"]] * 2
    assert [each["resthook"] for each in newest] == ["old-report", "new-report"]
    assert [each["resthook"] for each in oldest] == ["new-report", "old-report"]


async def test_an_address_subscribes(api, hooks):
    answer = await api.post("/resthook_subscribers.json", json={"resthook": "new-report", "target_url": TARGET})

    assert answer.status_code == 201
    assert list(answer.json()) == ["id", "resthook", "target_url", "created_on"]
    assert isinstance(answer.json()["id"], int)
    assert (answer.json()["resthook"], answer.json()["target_url"]) == ("new-report", TARGET)
    assert (await api.get("/resthook_subscribers.json")).json()["results"] == [answer.json()]


async def test_subscribers_are_found_by_id_and_resthook(api, hooks):
    for slug in ("new-report", "old-report"):
        made = await api.post("/resthook_subscribers.json", json={"resthook": slug, "target_url": TARGET})

    async def slugs(query: str) -> list[str]:
        found = (await api.get(f"/resthook_subscribers.json?{query}")).json()["results"]
        return [each["resthook"] for each in found]

    assert await slugs("") == ["old-report", "new-report"]
    assert await slugs(f"id={made.json()['id']}") == ["old-report"]
    assert await slugs("resthook=new-report") == ["new-report"]
    assert await slugs("resthook=nope") == []
    assert await slugs("id=99999999999999999999") == []


async def test_a_subscriber_is_deleted_once(api, hooks):
    made = (await api.post("/resthook_subscribers.json", json={"resthook": "new-report", "target_url": TARGET})).json()

    answers = [await api.delete(f"/resthook_subscribers.json?id={made['id']}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 404]
    assert answers[0].content == b""


async def test_subscribers_of_others_are_unknown(api, database, other_account):
    async with database.tx(other_account) as tx:
        await resthooks.get_or_create(tx, ["new-report"])
        theirs = await resthooks.subscribe(tx, "new-report", TARGET)

    made = await api.post("/resthook_subscribers.json", json={"resthook": "new-report", "target_url": TARGET})

    assert made.json() == {"resthook": ["No resthook with slug: new-report"]}
    assert (await api.get(f"/resthook_subscribers.json?id={theirs.id}")).json()["results"] == []
    assert (await api.delete(f"/resthook_subscribers.json?id={theirs.id}")).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://user:pw@hooks.example.com/",
        "https://hooks.example.com:25/",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "javascript:alert(1)",
        "hooks.example.com",
        "https://",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/" + "x" * 5000,
        "",
        5,
        ["https://hooks.example.com/"],
    ],
    ids=lambda url: repr(url)[:40],
)
async def test_a_target_that_cannot_be(api, hooks, url):
    """Line 53 of the list of bad inputs."""
    answer = await api.post("/resthook_subscribers.json", json={"resthook": "new-report", "target_url": url})

    assert answer.status_code == 400
    assert list(answer.json()) == ["target_url"]


async def test_what_was_told_is_listed_by_resthook(api, database, account, hooks):
    async with database.tx(account) as tx:
        await resthooks.note(tx, [("new-report", {"n": 1}), ("old-report", {"n": 2}), ("new-report", {"n": 3})])

    everything = (await api.get("/resthook_events.json")).json()["results"]
    some = (await api.get("/resthook_events.json?resthook=new-report")).json()["results"]
    none = (await api.get("/resthook_events.json?resthook=nope")).json()["results"]

    assert [list(each) for each in everything] == [["resthook", "data", "created_on"]] * 3
    assert [each["data"]["n"] for each in everything] == [3, 2, 1]
    assert [each["data"]["n"] for each in some] == [3, 1]
    assert none == []


async def test_events_are_walked_there_and_back(api, database, account, hooks):
    async with database.tx(account) as tx:
        await resthooks.note(tx, [("new-report", {"n": number}) for number in range(505)])

    first = (await api.get("/resthook_events.json?resthook=new-report")).json()
    second = (await api.get(first["next"])).json()
    third = (await api.get(second["next"])).json()
    back = (await api.get(third["previous"])).json()

    assert [each["data"]["n"] for page in (first, second, third) for each in page["results"]] == [*range(504, -1, -1)]
    assert back["results"] == second["results"]

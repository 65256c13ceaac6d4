"""The knowledge base over HTTP: forms, limits, and what no honest program sends."""

import pytest

from tests import world

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.7 ..."


def upload(name: str, file: bytes, **fields: str) -> dict:
    return {"files": {"file": (name, file)}, "data": {"title": "Returns", **fields}}


@pytest.fixture
async def document(api) -> dict:
    """A document as the API tells it."""
    answer = await api.post("/knowledge-base", json={"title": "Returns", "content": "Within 30 days."})
    return answer.json()["data"]


async def test_a_document_becomes_ready(api, database, document):
    await world.react(database)

    told = (await api.get(f"/knowledge-base/{document['id']}")).json()["data"]

    assert (told["status"], told["stage"], told["chunks_count"]) == ("ready", "ready", 1)


async def test_a_file_that_cannot_be_read_says_so_later(api, database):
    brought = await api.post("/knowledge-base", **upload("a.pdf", PDF))
    await world.react(database)

    told = (await api.get(f"/knowledge-base/{brought.json()['data']['id']}")).json()["data"]

    assert (brought.status_code, told["status"]) == (201, "failed")
    assert "damaged" in told["error_message"]


async def test_a_paused_document_is_told_as_such(api, database, document):
    await world.react(database)

    told = (await api.put(f"/knowledge-base/{document['id']}", json={"status": "paused"})).json()["data"]

    assert (told["status"], told["stage"]) == ("paused", "paused")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("a.pdf", b"plain"),
        ("a.txt", b""),
        ("a.exe", b"MZ"),
        ("a.svg", b"<svg onload='x()'>"),
        ("../../etc/passwd", b"text"),
        ("a.txt\r\nX: y", b"text"),
        ("a.pdf", b"%PDF-" + b"x" * 10 * 2**20),
    ],
    ids=range(8),
)
async def test_a_file_that_nobody_can_read_is_refused_at_its_field(api, name, content):
    answer = await api.post("/knowledge-base", **upload(name, content))

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["file"])


async def test_a_refused_document_leaves_no_file_behind(api, database, account):
    await api.post("/knowledge-base", **upload("a.pdf", PDF, content="text too"))

    folder = database.tools.media.root / str(account)
    assert not [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": " ", "content": "x"}, "title"),
        ({"title": "x" * 501, "content": "x"}, "title"),
        ({"title": ["x"], "content": "x"}, "title"),
        ({"title": "x"}, "file"),
        ({"title": "x", "type": "file"}, "file"),
        ({"title": "x", "type": "spell"}, "type"),
        ({"title": "x", "type": "document"}, "content"),
        ({"title": "x", "content": 5}, "content"),
        ({"title": "x", "content": "x" * 1_000_001}, "content"),
        ({"title": "x", "type": "qa", "question": "x"}, "answer"),
        ({"title": "x", "question": "x" * 1001, "answer": "x"}, "question"),
        ({"title": "x", "content": "x", "answer": "x"}, "answer"),
        ({"title": "x", "type": "url"}, "source_url"),
        ({"title": "x", "type": "url", "source_url": "ftp://x.test/"}, "source_url"),
        ({"title": "x", "type": "url", "source_url": "http://10.0.0.1/"}, "source_url"),
        ({"title": "x", "content": "x", "category": "x" * 256}, "category"),
        ({"title": "x", "content": "x", "is_priority": "perhaps"}, "is_priority"),
    ],
    ids=range(19),
)
async def test_what_is_wrong_is_named(api, body, field):
    answer = await api.post("/knowledge-base", json=body)

    assert answer.status_code == 422
    assert field in answer.json()["errors"]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/", "http://10.0.0.1:5432", "file:///etc/passwd", "ftp://x.test", "javascript:alert(1)",
        "", None, 5, ["https://x.test"], "x.test", "https://u:p@x.test/", "https://x.test:22/", "http://[::1]/",
        "https://x.test/" + "x" * 2048, "https://x.test/\r\nHost: y",
    ],
    ids=range(15),
)  # fmt: skip
async def test_a_url_that_leads_to_no_page_is_refused_without_a_call(api, url):
    answer = await api.post("/knowledge-base/scrape", json={"url": url})

    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["url"])


@pytest.mark.parametrize("path", ["/knowledge-base/scrape", "/knowledge-base"])
async def test_the_fourth_page_of_a_minute_waits(anybody, new_key, path):
    anybody.headers["authorization"] = f"Bearer {await new_key()}"
    body = {"title": "x", "type": "url", "url": "https://x.test/", "source_url": "https://x.test/"}

    statuses = [(await anybody.post("/knowledge-base/scrape", json=body)).status_code for _ in range(3)]
    refused = await anybody.post(path, json=body)

    assert (statuses, refused.status_code) == ([201] * 3, 429)
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(refused.headers["retry-after"]) <= 60


@pytest.mark.parametrize("id", ["0", "999999999", "x", "1e3", "-1", str(2**70), "%00"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_unknown_document_is_told_as_such(api, method, id):
    answer = await api.request(method, f"/knowledge-base/{id}", json={} if method == "PUT" else None)

    assert answer.status_code in (404, 400)
    assert "message" in answer.json()


async def test_a_document_of_another_workspace_is_unknown(anybody, api, document, new_key, other_account):
    anybody.headers["authorization"] = f"Bearer {await new_key(rate='off', account=other_account)}"
    path = f"/knowledge-base/{document['id']}"

    answers = [await anybody.get(path), await anybody.put(path, json={"title": "x"}), await anybody.delete(path)]

    assert {(one.status_code, one.json()["message"]) for one in answers} == {
        (404, "Knowledge base document not found.")
    }


@pytest.mark.parametrize(
    "query",
    [
        "search=%25", "search=%5C", "search='%20or%201=1--", "sort_by=secret", "sort_dir=up", "type=x", "status=x",
        "page=0", "per_page=1000", "search=" + "x" * 10_000,
    ],
)  # fmt: skip
async def test_strange_queries_are_taken_as_plain_data(api, document, query):
    answer = await api.get(f"/knowledge-base?{query}")

    assert answer.status_code == 200


async def test_the_same_upload_twice_is_one_document(api):
    headers = {"idempotency-key": "k1"}
    one, other = [
        await api.post("/knowledge-base", json={"title": "x", "content": "y"}, headers=headers) for _ in range(2)
    ]

    assert one.json() == other.json()
    assert (await api.get("/knowledge-base")).json()["meta"]["total"] == 1

"""Requests are counted by dialect, route and class of answer."""

import pytest

from trunkline.dialects import measures

pytestmark = pytest.mark.anyio


def counted(dialect: str, method: str, route: str, status: str) -> int:
    return sum(measures.REQUESTS.of(dialect, method, route, status).counts)


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/contacts", ("GET", "/contacts"), "2xx"),
        ("HEAD", "/contacts", ("GET", "/contacts"), "2xx"),
        ("GET", "/contacts/nine", ("GET", "/contacts/{id}"), "4xx"),
        ("GET", "/nowhere", ("none", "none"), "4xx"),
        ("DELETE", "/nowhere/%2f", ("none", "none"), "4xx"),
    ],
)
async def test_a_request_counts_for_its_route(client, method, path, route, status):
    before = counted("platform", *route, status)

    await client.request(method, path)

    assert counted("platform", *route, status) == before + 1


async def test_a_stranger_counts_for_the_route_that_they_tried(anybody):
    before = counted("platform", "GET", "/contacts", "4xx")

    await anybody.get("/api/inbox/v1/contacts")

    assert counted("platform", "GET", "/contacts", "4xx") == before + 1


async def test_a_bug_counts_as_ours(client):
    before = counted("platform", "GET", "/bug", "5xx")

    await client.get("/bug")

    assert counted("platform", "GET", "/bug", "5xx") == before + 1


async def test_nobody_left_to_answer_is_told_apart(dialects, client):
    before = counted("platform", "GET", "/contacts", "gone")
    headers = [(b"authorization", client.headers["authorization"].encode())]
    scope = {"type": "http", "method": "GET", "path": "/api/inbox/v1/contacts", "query_string": b"", "headers": headers}

    async def send(message):
        raise OSError("the client is gone")

    with pytest.raises(OSError):
        await dialects({**scope, "scheme": "http"}, None, send)

    assert counted("platform", "GET", "/contacts", "gone") == before + 1

"""The six limits that the documentation promises: how many a minute, for which requests, told in which headers."""

import time

import pytest

from trunkline.dialects import openapi
from trunkline.dialects.platform import platform

pytestmark = pytest.mark.anyio

CSV = {"file": ("people.csv", b"email\nann@example.com")}

# What is asked, and how often a minute it may be. What is refused for other reasons is counted as well.
BUCKETS = {
    "import": ("POST", "/contacts/import", 5),
    "export": ("GET", "/contacts/export", 5),
    "campaign send": ("POST", "/campaigns/999999999/send", 5),
    "campaign test": ("POST", "/campaigns/999999999/test", 5),
    "reply": ("POST", "/ai/generate-reply", 10),
    "sentiment": ("POST", "/ai/analyze-sentiment", 20),
    "scrape": ("POST", "/knowledge-base/scrape", 3),
    "everything else": ("GET", "/tags", 60),
}


@pytest.mark.parametrize(("method", "path", "most"), BUCKETS.values(), ids=BUCKETS)
async def test_a_limit_is_reached_at_its_number(anybody, new_key, method, path, most):
    headers = {"authorization": f"Bearer {await new_key()}"}
    files = CSV if path.endswith("import") else None

    answers = [await anybody.request(method, path, headers=headers, files=files) for _ in range(most + 1)]

    *counted, refused = answers
    assert 429 not in {answer.status_code for answer in counted}
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {str(most)}
    assert [int(answer.headers["x-ratelimit-remaining"]) for answer in counted] == list(range(most))[::-1]
    assert not any("retry-after" in answer.headers for answer in counted)
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 1 <= int(refused.headers["retry-after"]) <= 61  # a 64th of the minute is not told apart
    assert 0 <= int(refused.headers["x-ratelimit-reset"]) - time.time() <= 62


@pytest.mark.parametrize(
    ("method", "path", "most"), [each for name, each in BUCKETS.items() if name != "everything else"]
)
async def test_who_reached_one_limit_may_do_everything_else(anybody, new_key, method, path, most):
    headers = {"authorization": f"Bearer {await new_key()}"}
    for _ in range(most + 1):
        await anybody.request(method, path, headers=headers)

    answer = await anybody.get("/contacts", headers=headers)

    assert (answer.status_code, answer.headers["x-ratelimit-limit"]) == (200, "60")
    assert int(answer.headers["x-ratelimit-remaining"]) == 60 - most - 2


async def test_a_strict_limit_counts_beside_the_general_one(anybody, new_key):
    headers = {"authorization": f"Bearer {await new_key()}"}
    for _ in range(58):
        await anybody.get("/tags", headers=headers)

    answers = [await anybody.get("/contacts/export", headers=headers) for _ in range(3)]

    # The one of which less is left is told.
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-limit"] for answer in answers] == ["60", "60", "60"]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]


def test_no_request_has_a_strict_limit_that_is_not_promised():
    strict = {(each.method, each.path) for each in openapi.routes_of(platform) if each.bucket}

    promised = {(method, path.replace("999999999", "{id}")) for method, path, _ in BUCKETS.values()}
    assert strict == {(method, platform.address + path) for method, path in promised - {("GET", "/tags")}}


def test_strict_limits_hold_over_all_processes():
    used = {each.bucket for each in openapi.routes_of(platform) if each.bucket}

    assert used == set(platform.limits.strict)
    assert not platform.limits.named

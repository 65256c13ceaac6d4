"""What every page tells browsers to refuse, and the files that pages are made of."""

import hashlib
import re
import tomllib

import httpx2
import pytest

from trunkline.web import assets, rendering

pytestmark = pytest.mark.anyio

VENDORED = [place for place in (assets.STATIC / "vendor").iterdir() if place.suffix in (".js", ".css")]


@pytest.mark.parametrize("path", ["/status", "/login", "/nowhere"])
async def test_nothing_foreign_runs_in_a_page(ana: httpx2.AsyncClient, path: str) -> None:
    if path == "/login":
        ana.cookies.clear()

    page = await ana.get(path)

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", page.text)


async def test_a_page_is_kept_from_other_sites_and_from_caches(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/login")

    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert page.headers["cross-origin-resource-policy"] == "same-origin"
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"


async def test_the_files_of_a_page_are_kept_for_good(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/login")
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)

    answers = [await browser.get(path) for path in paths]

    assert {path.rpartition("/")[2] for path in paths} == {"trunkline.css", "trunkline.js", "favicon.svg"}
    for answer in answers:
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_files_are_packed_for_those_who_can_unpack(browser: httpx2.AsyncClient) -> None:
    path = assets.path("trunkline.css")

    packed = await browser.get(path, headers={"Accept-Encoding": "gzip"})
    plain = await browser.get(path, headers={"Accept-Encoding": "identity"})

    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content


@pytest.mark.parametrize("path", ["/static/0123456789abcdef/trunkline.css", "/static/x/..%2f..%2fpages.py", "/static/"])
async def test_other_files_are_not_served(browser: httpx2.AsyncClient, path: str) -> None:
    answer = await browser.get(path)

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/favicon.svg", "/favicon.ico"])
async def test_the_icon_is_where_browsers_look(browser: httpx2.AsyncClient, path: str) -> None:
    answer = await browser.get(path)

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d")],
)
def test_spans_have_one_unit(seconds: float, text: str) -> None:
    assert rendering._span(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (12_345, "12,345"), (100_000, "100,000+")])
def test_counts_say_where_they_stop(value: int, text: str) -> None:
    assert rendering._number(value) == text


def test_files_of_other_projects_are_the_ones_that_are_named() -> None:
    named = tomllib.loads((assets.STATIC / "vendor/versions.toml").read_text())
    kept = {place.name: hashlib.sha256(place.read_bytes()).hexdigest() for place in VENDORED}

    assert {name: row["sha256"] for name, row in named.items()} == kept

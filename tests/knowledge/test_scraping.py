"""Pages, from servers that behave, lie, stall and point elsewhere."""

import asyncio
import gzip

import pytest
from aiohttp import web

from tests import world
from trunkline.core.egress import Egress
from trunkline.core.errors import Invalid
from trunkline.knowledge import listing, scraping
from trunkline.knowledge.scraping import PRIVATE

pytestmark = pytest.mark.anyio

PAGE = "<html><head><title>Help Center</title></head><body><h1>Returns</h1><p>Within 30 days.</p></body></html>"


@pytest.fixture
def scrape(database, add, look):
    async def through(url: str, **given):
        """The document of a page, settled."""
        document = await add(given.pop("title", scraping.host(url)), kind="url", source_url=url, **given)
        await world.react(database)
        return await look(document)

    return through


def html(text: str = PAGE, **options):
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html", **options)

    return answer


async def test_a_page_becomes_a_document_with_its_title(serve, scrape) -> None:
    document = await scrape(await serve(html()), is_titled=False)

    assert (listing.status(document), document.title, document.error_message) == ("ready", "Help Center", None)
    assert document.content == "# Returns\n\nWithin 30 days."


async def test_a_given_title_stays(serve, scrape) -> None:
    document = await scrape(await serve(html()), title="Ours")

    assert document.title == "Ours"


async def test_a_page_without_a_title_is_called_like_its_host(serve, scrape) -> None:
    document = await scrape(await serve(html("<p>Some text.</p>")), is_titled=False)

    assert document.title == "127.0.0.1"


async def test_a_pdf_and_a_plain_text_are_pages_too(serve, scrape, pdf) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/a.pdf":
            return web.Response(body=pdf("Paper text"), content_type="application/pdf")
        return web.Response(text="Plain text", content_type="text/plain")

    base = await serve(answer)

    assert (await scrape(f"{base}/a.pdf")).content == "Paper text"
    assert (await scrape(f"{base}/a.txt")).content == "Plain text"


async def test_the_text_of_a_page_is_cut(serve, scrape) -> None:
    document = await scrape(await serve(html("<p>" + "word " * 30_000)))

    assert (listing.status(document), len(document.content)) == ("ready", 50_000)


@pytest.mark.parametrize(("hops", "status"), [(3, "ready"), (4, "failed"), (50, "failed")])
async def test_three_redirects_are_followed(serve, scrape, hops, status) -> None:
    async def answer(request: web.Request) -> web.Response:
        left = int(request.path[1:])
        if left:
            raise web.HTTPFound(f"/{left - 1}")
        return web.Response(text=PAGE, content_type="text/html")

    document = await scrape(f"{await serve(answer)}/{hops}")

    assert listing.status(document) == status
    assert status == "ready" or document.error_message == "The page redirects more than 3 times."


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/", "http://127.0.0.2/", "http://0.0.0.0/"],
)
async def test_a_redirect_to_a_private_address_is_not_followed(serve, scrape, target) -> None:
    async def answer(request: web.Request) -> web.Response:
        raise web.HTTPFound(target)

    document = await scrape(await serve(answer))

    assert (listing.status(document), document.error_message) == ("failed", PRIVATE)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/"])
async def test_a_redirect_out_of_the_web_is_not_followed(serve, scrape, target) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    document = await scrape(await serve(answer))

    assert listing.status(document) == "failed"


async def test_a_name_of_a_private_address_is_told_as_such(scrape, monkeypatch, database) -> None:
    monkeypatch.setattr(database.tools.egress, "_entries", [])

    document = await scrape("http://localhost:8080/")

    assert (listing.status(document), document.error_message) == ("failed", PRIVATE)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"status": 404}, "The page answers with the status 404."),
        ({"status": 500}, "The page answers with the status 500."),
        ({"status": 204}, "The page is empty."),
        ({"text": ""}, "The page is empty."),
        ({"text": "<html><body><script>x()</script></body></html>"}, "No text was found in it."),
        ({"text": "x" * (5 * 2**20 + 1)}, "The page is larger than 5 MB."),
        ({"text": "", "body": b"\x89PNG", "content_type": "image/png"}, "neither HTML"),
        ({"text": "", "body": b"{}", "content_type": "application/json"}, "neither HTML"),
        ({"text": "", "body": b"a\0b", "content_type": "text/plain"}, "neither HTML"),
        ({"text": "", "body": b"%PDF-", "content_type": "application/pdf"}, "damaged"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_no_page_says_why(serve, scrape, options, problem) -> None:
    async def answer(request: web.Request) -> web.Response:
        given = {"text": PAGE, "content_type": "text/html"} | options
        if "body" in given:
            del given["text"]
        return web.Response(**given)

    document = await scrape(await serve(answer))

    assert listing.status(document) == "failed"
    assert problem in document.error_message


async def test_a_bomb_is_not_unpacked(serve, scrape) -> None:
    async def answer(request: web.Request) -> web.Response:
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
        return web.Response(body=gzip.compress(b"0" * 50_000_000), headers=headers)

    document = await scrape(await serve(answer))

    assert document.error_message == "The page is larger than 5 MB."


async def test_a_page_that_drips_is_given_up(serve, scrape, monkeypatch) -> None:
    monkeypatch.setattr(scraping, "SECONDS", 0.3)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while request.transport and not request.transport.is_closing():
            await response.write(b"<p>drip")
            await asyncio.sleep(0.05)
        return response

    document = await scrape(await serve(answer))

    assert listing.status(document) == "failed"
    assert "seconds" in document.error_message


async def test_a_server_that_is_not_there_is_told_as_such(scrape) -> None:
    document = await scrape("http://127.0.0.1:1/")

    assert (listing.status(document), document.error_message) == ("failed", "The page's server cannot be reached.")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:5432", "http://169.254.169.254/", "http://10.1.2.3/x", "http://[::1]/",
        "http://[fd00::1]/", "http://[::ffff:127.0.0.1]/", "http://printer.local/", "http://db.internal:8080/",
        "http://0.0.0.0/", "http://100.64.0.1/",
    ],
)  # fmt: skip
def test_a_private_form_is_refused_with_one_sentence(url) -> None:
    with pytest.raises(Invalid) as refused:
        scraping.check(Egress(), url)

    assert refused.value.fields == {"url": [PRIVATE]}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "example.com", "//example.com", "http://",
        "https://user:pass@example.com/", "https://example.com:22/", "https://exa mple.com/",
        "https://example.com/\n x",
        "http://2130706433/", "http://0x7f.1/", "https://example.com/" + "x" * 2048, "https://[::1", "http://example.com:99999/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_page_is_refused(url) -> None:
    with pytest.raises(Invalid) as refused:
        scraping.check(Egress(), url)

    assert list(refused.value.fields) == ["url"]


@pytest.mark.parametrize("url", ["https://example.com/help", "http://example.com", " https://example.com/ă?q=1#x "])
def test_a_public_form_is_taken_without_asking_anybody(url) -> None:
    assert scraping.check(Egress(), url) == url.strip()

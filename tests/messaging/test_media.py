"""Files that came with messages: kept, and given out by signed links that show nothing dangerous."""

from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from tests import shops, world
from tests.peers import office as post_office
from tests.peers.office import Office, letter
from tests.shops import Shop
from trunkline import callbacks
from trunkline.channels.base import Attachment
from trunkline.core.db import Database
from trunkline.core.errors import NotFound, Unavailable
from trunkline.messaging import media
from trunkline.server import Edge

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with post_office.running() as office:
        yield office


@pytest.fixture
async def shop(database: Database, account: int, office: Office) -> AsyncIterator[Shop]:
    async with shops.opened(database, account, office) as shop:
        yield shop


@pytest.fixture
async def browser(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    app = Edge(Starlette(routes=callbacks.routes(database)), access_log=False)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="https://t.test") as client:
        yield client


async def test_a_picture_in_a_mail_is_shown_by_its_link(
    shop: Shop, office: Office, browser: httpx2.AsyncClient
) -> None:
    await office.post(with_file(shop, PNG, "image/png", "Poză.png"), "ana@x.test", shop.address)
    [heard] = await shop.heard(1)

    [file] = heard.attachments
    answer = await browser.get(urlsplit(file["url"]).path)

    assert (file["name"], file["content_type"], heard.text) == ("Poză.png", "image/png", "See the file")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PNG, "image/png")
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''Poz%C4%83.png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    ("content", "content_type", "name"),
    [(SVG, "image/svg+xml", "a.svg"), (HTML, "text/html", "a.html"), (SVG, "image/png", "b.svg")],
)
async def test_what_may_hold_a_script_is_downloaded_and_never_shown(
    shop: Shop, office: Office, browser: httpx2.AsyncClient, content: bytes, content_type: str, name: str
) -> None:
    await office.post(with_file(shop, content, content_type, name), "ana@x.test", shop.address)
    [heard] = await shop.heard(1)

    [file] = heard.attachments
    answer = await browser.get(urlsplit(file["url"]).path)

    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")


@pytest.mark.parametrize(
    ("content", "content_type", "name"),
    [
        (HTML, "image/png", "page.png"),
        (b"MZ\x90\x00 a program", "application/octet-stream", "a.exe"),
        (b"", "image/png", "nothing.png"),
    ],
    ids=["a page called picture", "a program", "nothing"],
)
async def test_what_is_not_kept_is_named(
    shop: Shop, office: Office, content: bytes, content_type: str, name: str
) -> None:
    await office.post(with_file(shop, content, content_type, name), "ana@x.test", shop.address)

    [heard] = await shop.heard(1)

    [file] = heard.attachments
    assert (file["name"], file.get("url", "")) == (name, "")
    assert heard.text == "See the file"


async def test_a_mail_that_comes_twice_keeps_its_files_once(shop: Shop, office: Office) -> None:
    mail = with_file(shop, PNG, "image/png", "a.png")
    mail["Message-ID"] = "<with-a-file@x.test>"

    for _ in range(2):
        await office.hand_over(mail, "ana@x.test", shop.address)

    kept = await world.execute(shop.database.dsn, "select from media where account_id = $1", shop.account)
    assert len(kept) == 1


@pytest.mark.parametrize("change", ["other end", "cut", "nothing", "other purpose"])
async def test_a_link_that_we_did_not_make_is_not_found(
    database: Database, account: int, browser: httpx2.AsyncClient, change: str
) -> None:
    [kept] = await media.keep(database, account, [Attachment(content_type="image/png", name="a.png", content=PNG)])
    token = kept.url.rpartition("/")[2]
    forged = {
        "other end": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "cut": token[:-4],
        "nothing": "x",
        "other purpose": database.tools.vault.sign("unsubscribe", f"{account}-1"),
    }

    answer = await browser.get(f"/m/{forged[change]}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


async def test_a_link_opens_a_file_of_its_account_only(database: Database, account: int, other_account: int) -> None:
    [kept] = await media.keep(database, account, [Attachment(content_type="image/png", name="a.png", content=PNG)])
    async with database.tx(account) as tx:
        payload = database.tools.vault.verify(media.LINK, kept.url.rpartition("/")[2]) or b""
        id = int(payload.decode().partition("-")[2])
        assert (await media.get(tx, id)).size == len(PNG)

    with pytest.raises(NotFound):
        await media.opened(database, media.link(database.tools, other_account, id).rpartition("/")[2])


async def test_a_file_that_left_the_disk_is_not_found(
    database: Database, account: int, browser: httpx2.AsyncClient
) -> None:
    [kept] = await media.keep(database, account, [Attachment(content_type="image/png", name="a.png", content=PNG)])
    for path in stored(database, account):
        path.unlink()

    answer = await browser.get(urlsplit(kept.url).path)

    assert answer.status_code == 404


async def test_a_file_without_its_row_is_taken_back(
    database: Database, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(account: int):
        raise Unavailable("The database")

    monkeypatch.setattr(database, "tx", away)
    with pytest.raises(Unavailable):
        await media.keep(database, account, [Attachment(content_type="image/png", name="a.png", content=PNG)])

    assert stored(database, account) == []


async def test_what_is_at_another_address_stays_there(database: Database, account: int) -> None:
    there = Attachment(content_type="image/png", name="a.png", url="https://x.test/a.png")

    [kept] = await media.keep(database, account, [there])

    assert kept == there


def with_file(shop: Shop, content: bytes, content_type: str, name: str) -> EmailMessage:
    mail = letter("ana@x.test", shop.address, "A file", "See the file")
    maintype, _, subtype = content_type.partition("/")
    mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return mail


def stored(database: Database, account: int):
    folder = database.tools.settings.data / "media" / str(account)
    return [path for path in folder.rglob("*") if path.is_file()]

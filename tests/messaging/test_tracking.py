"""Mail through a real relay into a real mailbox, opened and followed by HTTP: people count once, machines apart."""

import re
from collections.abc import AsyncIterator, Iterator

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from tests import shops, world
from tests.peers import office as post_office
from tests.peers.office import Office
from tests.shops import Shop
from trunkline import callbacks
from trunkline.accounts import settings
from trunkline.contacts import people
from trunkline.core.db import Database
from trunkline.core.ids import token
from trunkline.messaging import tracking
from trunkline.server import Edge

pytestmark = pytest.mark.anyio

PUBLIC = "https://mail.example.com"
PERSON = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
GMAIL = {"user-agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"}
HTML = (
    '<p>Hi {{first_name}}, <a href="https://shop.test/sale?a=1&amp;b=2">see</a> '
    '<a href="https://shop.test/for/{{first_name}}?city={{city}}">yours</a> <a href="https://blog.test">read</a> '
    '<a href="mailto:us@shop.test">write</a></p>'
)
SALE = "https://shop.test/sale?a=1&b=2"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with post_office.running() as office:
        yield office


@pytest.fixture
async def shop(database: Database, account: int, office: Office) -> AsyncIterator[Shop]:
    known = database.tools.settings
    database.tools.settings = msgspec.structs.replace(known, public_url=PUBLIC)
    async with shops.opened(database, account, office) as shop:
        yield shop
    database.tools.settings = known


@pytest.fixture
async def browser(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    app = Edge(Starlette(routes=callbacks.routes(database)), access_log=False)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC, headers=PERSON) as client:
        yield client


@pytest.fixture
async def reader(shop: Shop, office: Office, browser: httpx2.AsyncClient) -> "Reader":
    address = f"ana-{token(8).lower()}@x.test"
    contact = await shop.meet(address, "Ana Pop")
    async with shop.database.tx(shop.account) as tx:
        await people.update(tx, contact, people.Changes(city="Cluj & Turda"))
    broadcast = await shop.broadcast("Sale", html=HTML)
    [mail] = await office.read(address)
    return Reader(shop, browser, broadcast, mail.html, mail.headers["list-unsubscribe"][0])


class Reader:
    """Somebody with a mail of ours, and what can be done with it."""

    def __init__(self, shop: Shop, browser: httpx2.AsyncClient, broadcast: int, html: str, ways_out: str):
        self.shop, self.browser, self.broadcast, self.html = shop, browser, broadcast, html
        self.links = re.findall(rf'href="{PUBLIC}(/l/[^"]+)"', html)
        [self.picture] = re.findall(rf'src="{PUBLIC}(/o/[^"]+)"', html)
        self.way_out = ways_out.partition(f"<{PUBLIC}")[2].partition(">")[0]

    async def wait(self) -> None:
        """Nobody reads within seconds."""
        await world.execute(self.shop.database.dsn, "update messages set sent_at = sent_at - interval '1 minute'")

    async def pass_time(self) -> None:
        """What was asked for until now is long ago."""
        await world.execute(self.shop.database.dsn, "update mail_hits set at = at - interval '1 minute'")

    async def judged(self) -> dict[str, int]:
        """What the campaign tells of it, as soon as it is judged."""
        await world.execute(
            self.shop.database.dsn, "update mail_hits set at = at - interval '10 seconds' where not judged"
        )
        await tracking.judge(self.shop.database)
        _, progress = await self.shop.progress(self.broadcast)
        return {name: value for name in NAMES if (value := getattr(progress, name))}

    async def events(self, kind: str) -> list[dict]:
        rows = await world.execute(
            self.shop.database.dsn,
            "select data from events where account_id = $1 and type = $2 order by id",
            self.shop.account,
            kind,
        )
        return [msgspec.json.decode(row[0]) for row in rows]


NAMES = ("opened", "clicked", "machine_opened", "machine_clicked", "unsubscribed")


async def test_opening_counts_once(reader: Reader) -> None:
    await reader.wait()

    shown = [await reader.browser.get(reader.picture, headers=agent) for agent in (GMAIL, PERSON, PERSON)]
    first = await reader.judged()
    await reader.browser.get(reader.picture)

    assert [(answer.status_code, answer.headers["content-type"]) for answer in shown] == [(200, "image/gif")] * 3
    assert shown[0].headers["cache-control"] == "no-store"
    assert (first, await reader.judged()) == ({"opened": 1}, {"opened": 1})


async def test_following_a_link_leads_there_and_counts_as_opening_too(reader: Reader) -> None:
    await reader.wait()

    answer = await reader.browser.get(reader.links[0])

    assert (answer.status_code, answer.headers["location"]) == (302, SALE)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert await reader.judged() == {"opened": 1, "clicked": 1}


async def test_an_address_with_slots_is_filled_for_its_reader(reader: Reader) -> None:
    answer = await reader.browser.get(reader.links[1])

    assert answer.headers["location"] == "https://shop.test/for/Ana?city=Cluj%20%26%20Turda"


async def test_it_is_told_once_what_was_opened_and_clicked(reader: Reader) -> None:
    [message] = await reader.shop.sent()
    await reader.wait()
    await reader.browser.get(reader.picture)
    await reader.judged()
    for link in (reader.links[0], reader.links[2]):
        await reader.browser.get(link)
        await reader.pass_time()
    await reader.judged()

    opened, clicked = await reader.events("message.opened"), await reader.events("message.clicked")

    assert opened == [{"opened": [[message.id, reader.broadcast, message.contact_id]]}]
    assert clicked == [{"clicked": [[message.id, reader.broadcast, message.contact_id, SALE]]}]


async def test_opening_does_not_change_what_became_of_the_message(reader: Reader) -> None:
    await reader.wait()

    await reader.browser.get(reader.picture)
    await reader.judged()

    assert [message.status for message in await reader.shop.sent()] == ["sent"]


async def test_what_comes_within_seconds_is_a_machine(reader: Reader) -> None:
    await reader.browser.get(reader.picture)
    await reader.browser.get(reader.links[0])

    assert await reader.judged() == {"machine_opened": 1, "machine_clicked": 1}
    assert await reader.events("message.opened") == []


@pytest.mark.parametrize(
    "agent",
    ["", "Mozilla/5.0", "curl/8.5.0", "python-requests/2.32", "Barracuda Sentinel (EE)", "Mimecast-URL-Scanner",
     "Mozilla/5.0 (compatible; bingbot/2.0)", "HeadlessChrome/120.0"],
)  # fmt: skip
async def test_programs_that_say_what_they_are_count_apart(reader: Reader, agent: str) -> None:
    await reader.wait()

    await reader.browser.get(reader.picture, headers={"user-agent": agent})
    answer = await reader.browser.get(reader.links[0], headers={"user-agent": agent})

    assert answer.headers["location"] == SALE
    assert await reader.judged() == {"machine_opened": 1, "machine_clicked": 1}


async def test_looking_without_fetching_counts_apart(reader: Reader) -> None:
    await reader.wait()

    answer = await reader.browser.head(reader.links[0])

    assert answer.status_code == 302
    assert await reader.judged() == {"machine_clicked": 1}


async def test_whoever_follows_everything_at_once_is_a_scanner(reader: Reader) -> None:
    await reader.wait()

    for path in (reader.links[2], reader.links[0], reader.links[1], reader.picture):
        await reader.browser.get(path)

    assert await reader.judged() == {"machine_opened": 1, "machine_clicked": 1}


async def test_a_person_after_a_scanner_counts(reader: Reader) -> None:
    for path in (*reader.links, reader.picture):
        await reader.browser.get(path)
    scanned = await reader.judged()
    await reader.wait()
    await reader.pass_time()

    await reader.browser.get(reader.links[0])

    assert scanned == {"machine_opened": 1, "machine_clicked": 1}
    assert await reader.judged() == {"opened": 1, "clicked": 1, "machine_opened": 1, "machine_clicked": 1}


async def test_nothing_is_judged_before_its_time(reader: Reader) -> None:
    await reader.wait()
    await reader.browser.get(reader.links[0])

    assert await tracking.judge(reader.shop.database) == 0


async def test_a_link_leads_nowhere_else(reader: Reader) -> None:
    name, _, mac = reader.links[0].rpartition("-")
    wrong = [
        f"{name}-{mac[:-1]}{'0' if mac[-1] != '0' else '1'}",
        f"{name[:-1]}9-{mac}",
        "/l/https://evil.test",
        "/l/",
        f"{reader.links[0]}?url=https://evil.test&to=https://evil.test",
        reader.picture.replace("/o/", "/l/"),
    ]

    answers = [await reader.browser.get(path) for path in wrong]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404, 302, 404]
    assert answers[4].headers["location"] == SALE


async def test_a_token_of_another_purpose_is_none(reader: Reader) -> None:
    vault = reader.shop.database.tools.vault
    [message] = await reader.shop.sent()
    name = f"{reader.shop.account:x}-{reader.broadcast:x}-{message.id:x}-1"

    answer = await reader.browser.get(f"/l/{name}-{vault.hmac16('bounce', name)}")

    assert answer.status_code == 404


async def test_a_link_that_we_signed_but_never_sent_leads_nowhere(reader: Reader) -> None:
    vault = reader.shop.database.tools.vault
    token = tracking.token(vault, reader.shop.account, reader.broadcast, 1, 77)

    answer = await reader.browser.get(f"/l/{token}")

    assert answer.status_code == 404


async def test_a_picture_that_is_not_ours_is_shown_and_forgotten(reader: Reader) -> None:
    answer = await reader.browser.get("/o/nonsense")

    assert (answer.status_code, await reader.judged()) == (200, {})


async def test_links_of_a_suspended_account_are_dead(reader: Reader) -> None:
    await world.execute(
        reader.shop.database.dsn, "update accounts set suspended = true where id = $1", reader.shop.account
    )

    answer = await reader.browser.get(reader.links[0])

    assert answer.status_code == 404


async def test_where_tracking_is_off_mails_are_left_alone(
    shop: Shop, office: Office, browser: httpx2.AsyncClient
) -> None:
    address = f"bob-{token(8).lower()}@x.test"
    await shop.meet(address, "Bob")
    async with shop.database.tx(shop.account) as tx:
        await settings.put(tx, {"mail_tracking": "no"})

    await shop.broadcast("Sale", html=HTML)

    [mail] = await office.read(address)
    assert (f"{PUBLIC}/o/" in mail.html, f"{PUBLIC}/l/" in mail.html) == (False, False)
    assert 'href="https://shop.test/sale?a=1&amp;b=2"' in mail.html
    assert 'href="https://shop.test/for/Bob?city="' in mail.html


async def test_once_tracking_is_off_links_lead_on_but_nothing_is_noted(reader: Reader) -> None:
    async with reader.shop.database.tx(reader.shop.account) as tx:
        await settings.put(tx, {"mail_tracking": False})
    await reader.wait()

    answer = await reader.browser.get(reader.links[0])

    assert answer.headers["location"] == SALE
    assert await reader.judged() == {}


async def test_the_link_in_the_mail_unsubscribes_as_the_header_does(reader: Reader) -> None:
    [shown] = set(re.findall(rf'href="{PUBLIC}(/u/[^"]+)"', reader.html))

    page = await reader.browser.get(shown)
    done = await reader.browser.post(shown)

    assert shown == reader.way_out
    assert (page.status_code, done.status_code) == (200, 200)
    assert await reader.judged() == {"unsubscribed": 1}


async def test_a_mail_is_stored_as_it_was_written(reader: Reader) -> None:
    [message] = await reader.shop.sent()

    assert message.html == HTML.replace("{{first_name}}", "Ana").replace("{{city}}", "Cluj &amp; Turda")

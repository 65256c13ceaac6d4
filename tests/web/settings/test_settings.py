"""Settings: keys shown once, channels tried, the team, webhooks and their log, credits, audit, dead letters."""

import re
from typing import Any

import httpx2
import msgspec
import pytest

from tests import world
from trunkline.accounts import api_keys, audit, users
from trunkline.core.db import Database
from trunkline.messaging import channels
from trunkline.webhooks import endpoints, journal
from trunkline.webhooks.endpoints import NewEndpoint

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


class Form:
    """Posts forms of ours, with the token that stands in every page."""

    def __init__(self, browser: httpx2.AsyncClient, token: str):
        self.browser, self.token = browser, token

    async def __call__(self, path: str, **values: Any) -> httpx2.Response:
        return await self.browser.post(path, data={"csrf": self.token, **values})


async def form_of(browser: httpx2.AsyncClient) -> Form:
    found = re.search(r'name="csrf" value="(\w+)"', (await browser.get("/me")).text)
    assert found
    return Form(browser, found[1])


@pytest.fixture
async def post(ana: httpx2.AsyncClient) -> Form:
    return await form_of(ana)


@pytest.fixture
async def viewer(browser: httpx2.AsyncClient, database: Database, account: int) -> Form:
    """The browser with somebody signed in who may only look."""
    address = f"viewer{account}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, address, "viewer", password=PASSWORD)
    await browser.post("/login", data={"email": address, "password": PASSWORD})
    return await form_of(browser)


def shown_once(page: httpx2.Response) -> str:
    found = re.search(r'id="secret">([^<]+)<', page.text)
    assert found, page.text
    return found[1]


PAGES = [
    "/settings", "/settings/account", "/settings/developer", "/settings/api-keys", "/settings/tokens",
    "/settings/channels", "/settings/channels/new", "/settings/channels/new/smtp", "/settings/channels/new/sip",
    "/settings/channels/new/webchat", "/settings/channels/new/custom_http", "/settings/channels/new/simulator",
    "/settings/team", "/settings/webhooks", "/settings/webhooks/new", "/settings/webhooks/log", "/settings/credits",
    "/settings/audit", "/settings/health", "/me", "/me/second-factor",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_an_owner_opens_every_page(ana: httpx2.AsyncClient, path: str) -> None:
    page = await ana.get(path)

    assert page.status_code == 200, page.text


@pytest.mark.parametrize("path", [path for path in PAGES if path not in (
    "/settings", "/settings/account", "/settings/team", "/me", "/me/second-factor")])  # fmt: skip
async def test_a_viewer_is_kept_out_of_what_is_for_admins(viewer: Form, path: str) -> None:
    assert (await viewer.browser.get(path)).status_code == 403


@pytest.mark.parametrize("path", ["/settings", "/settings/account", "/settings/team", "/me"])
async def test_a_viewer_sees_what_is_for_everybody(viewer: Form, path: str) -> None:
    assert (await viewer.browser.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/settings/account", "/settings/account/key", "/settings/developer", "/settings/team", "/settings/credits",
        "/settings/webhooks/account", "/settings/webhooks/secret", "/settings/webhooks/new",
        "/settings/channels/new/simulator", "/settings/webhooks/replays", "/settings/health/1/replay",
    ],
)  # fmt: skip
async def test_a_viewer_changes_nothing(viewer: Form, path: str) -> None:
    assert (await viewer(path, name="x")).status_code == 403


@pytest.mark.parametrize(
    ("path", "dialect", "scopes"),
    [
        ("/settings/account/tokens", "platform", ["contacts", "ai"]),
        ("/settings/account/key", "connector", ["*"]),
        ("/settings/developer", "developer", ["read"]),
        ("/settings/api-keys", "portal", ["read", "send"]),
        ("/settings/tokens", "rapidpro", ["*"]),
    ],
)
async def test_a_key_is_shown_once(
    post: Form, database: Database, account: int, path: str, dialect: str, scopes: list[str]
) -> None:
    page = await post(path, label="Shop <b>", scope=scopes)
    secret = shown_once(page)
    again = await post.browser.get(path)

    async with database.tx(account) as tx:
        [key] = await api_keys.listed(tx)
    assert (key.dialect, key.scopes, key.name) == (dialect, scopes, "Shop <b>")
    assert secret.startswith(f"trk_{dialect}_")
    assert secret not in again.text
    assert f"…{secret[-4:]}" in again.text
    assert page.headers["cache-control"] == "no-store"


async def test_a_token_needs_a_scope(post: Form) -> None:
    page = await post("/settings/account/tokens", label="Mine")

    assert page.status_code == 422
    assert "Choose at least one." in page.text


async def test_a_new_connector_key_ends_the_old_one(post: Form, database: Database, account: int) -> None:
    first = shown_once(await post("/settings/account/key"))
    second = shown_once(await post("/settings/account/key"))

    async with database.tx(account) as tx:
        kept = await api_keys.listed(tx)
    assert [key.hint[-4:] for key in kept] == [second[-4:]]
    assert first != second


async def test_a_revoked_key_leaves_the_list(post: Form, database: Database, account: int) -> None:
    await post("/settings/developer", scope=["read"])
    async with database.tx(account) as tx:
        [key] = await api_keys.listed(tx)

    answer = await post(f"/settings/keys/{key.id}/revocation")

    assert answer.status_code == 303
    async with database.tx(account) as tx:
        assert await api_keys.listed(tx) == []


async def test_a_viewer_has_tokens_of_their_own_and_sees_no_others(
    viewer: Form, database: Database, account: int, email: str
) -> None:
    async with database.tx(account) as tx:
        owner = await users.by_email(tx, email)
        _, other = await api_keys.create(tx, owner.id, "platform", name="The owner's")

    await viewer("/settings/account/tokens", label="Mine", scope=["contacts"])
    page = await viewer.browser.get("/settings/account")

    assert "Mine" in page.text
    assert "The owner&#39;s" not in page.text
    assert (await viewer(f"/settings/keys/{other.id}/revocation")).status_code == 403


async def test_the_workspace_is_changed(post: Form, database: Database, account: int) -> None:
    values = {"name": "Tea & Co", "timezone": "Europe/Bucharest", "country": "ro", "languages": "ron, eng"}

    answer = await post("/settings/account", **values, date_style="year_first")
    page = await post.browser.get("/settings/account")

    assert answer.status_code == 303
    assert "Tea &amp; Co" in page.text
    assert 'value="Europe/Bucharest"' in page.text


async def test_a_wrong_time_zone_is_refused_and_kept(post: Form) -> None:
    page = await post("/settings/account", name="Tea", timezone="Mars/Base", country="", languages="eng")

    assert page.status_code == 422
    assert 'value="Mars/Base"' in page.text
    assert 'id="timezone-problem"' in page.text


async def test_a_channel_is_connected_changed_and_its_secrets_stay_hidden(
    post: Form, database: Database, account: int
) -> None:
    given = {"host": "127.0.0.1", "port": "2525", "username": "ana", "password": "hunter-two", "tls": "none"}
    page = await post("/settings/channels/new/smtp", name="Mail", address="hello@example.com", **given)
    assert page.status_code == 200, page.text
    async with database.tx(account) as tx:
        [channel] = await channels.all_of(tx)
    path = f"/settings/channels/{channel.id}"

    form = await post.browser.get(f"{path}/form")
    changed = await post(f"{path}/form", name="Post", address="hello@example.com", **{**given, "password": ""})

    assert shown_once(page)
    assert "hunter-two" not in form.text + (await post.browser.get(path)).text
    assert changed.status_code == 303
    async with database.tx(account) as tx:
        [channel] = await channels.all_of(tx)
    assert channel.name == "Post"
    assert channels.open_sealed(database.tools, channel).settings["password"] == "hunter-two"


async def test_a_wrong_setting_is_named(post: Form) -> None:
    given = {"host": "127.0.0.1", "port": "many", "tls": "none"}
    page = await post("/settings/channels/new/smtp", name="Mail", address="hello@example.com", **given)

    assert page.status_code == 422
    assert 'id="port-problem"' in page.text


async def test_a_workspace_opens_no_port_of_ours(post: Form, database: Database, account: int) -> None:
    given = {"host": "127.0.0.1", "tls": "none", "listen": "0.0.0.0:2525"}
    await post("/settings/channels/new/smtp", name="Mail", address="hello@example.com", **given)

    async with database.tx(account) as tx:
        [channel] = await channels.all_of(tx)
    assert "listen" not in channels.open_sealed(database.tools, channel).settings


async def test_a_test_message_goes_through_the_pipeline(post: Form, database: Database, account: int) -> None:
    channel = await world.simulator(database, account)

    answer = await post(f"/settings/channels/{channel.id}/test", to="+40722000111", text="Hello")
    waiting = await post.browser.get(answer.headers["location"])
    await world.deliver(database, account)
    sent = await post.browser.get(answer.headers["location"])

    assert answer.status_code == 303
    assert 'data-hx-trigger="every 1s"' in waiting.text
    assert 'data-hx-trigger="every 1s"' not in sent.text
    assert "Test to +40722000111" in sent.text


async def test_a_test_to_nowhere_is_refused(post: Form, database: Database, account: int) -> None:
    channel = await world.simulator(database, account)

    page = await post(f"/settings/channels/{channel.id}/test", to="12", text="Hello")

    assert page.status_code == 422
    assert 'id="to-problem"' in page.text


async def test_another_accounts_channel_is_unknown(post: Form, database: Database, other_account: int) -> None:
    channel = await world.simulator(database, other_account)

    assert (await post.browser.get(f"/settings/channels/{channel.id}")).status_code == 404
    assert (await post(f"/settings/channels/{channel.id}/removal")).status_code == 404


async def test_a_channel_is_switched_off_and_deleted(post: Form, database: Database, account: int) -> None:
    channel = await world.simulator(database, account)

    await post(f"/settings/channels/{channel.id}/switch", on="")
    async with database.tx(account) as tx:
        off = await channels.get(tx, channel.id)
    await post(f"/settings/channels/{channel.id}/removal")

    assert not off.active
    async with database.tx(account) as tx:
        assert await channels.all_of(tx) == []


async def test_without_mail_the_inviter_passes_the_link_on(post: Form, browser: httpx2.AsyncClient) -> None:
    page = await post("/settings/team", email="zoe@example.com", role="agent")
    link = shown_once(page)
    path = "/invitation?" + link.partition("?")[2]
    browser.cookies.clear()

    offer = await browser.get(path)
    token = link.partition("token=")[2]
    answer = await browser.post("/invitation", data={"token": token, "name": "Zoe", "password": "kites over the bay"})
    signed_in = await browser.post("/login", data={"email": "zoe@example.com", "password": "kites over the bay"})

    assert "As agent" in offer.text
    assert answer.status_code == 200
    assert signed_in.headers["location"] == "/"
    assert (await browser.get(path)).status_code == 404


async def test_an_admin_makes_no_owner(browser: httpx2.AsyncClient, database: Database, account: int) -> None:
    address = f"admin{account}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, address, "admin", password=PASSWORD)
    await browser.post("/login", data={"email": address, "password": PASSWORD})
    post = await form_of(browser)

    page = await post("/settings/team", email="zoe@example.com", role="owner")

    assert page.status_code == 422


async def test_a_role_is_changed_and_somebody_switched_off(post: Form, database: Database, account: int) -> None:
    async with database.system(account) as tx:
        made = await users.create(tx, f"ion{account}@example.com", "agent")

    await post(f"/settings/team/{made.member.id}/role", role="editor")
    await post(f"/settings/team/{made.member.id}/switch", on="")

    async with database.tx(account) as tx:
        member = await users.get(tx, made.member.id)
    assert (member.role, member.active) == ("editor", False)


async def test_a_webhook_is_made_tested_and_rotated(post: Form, database: Database, account: int) -> None:
    page = await post("/settings/webhooks/new", url="https://example.com/hook", profile="sms_only")
    secret = shown_once(page)
    async with database.tx(account) as tx:
        [endpoint] = await endpoints.all_of(tx)

    rotated = shown_once(await post(f"/settings/webhooks/{endpoint.id}/secret"))
    tested = await post(f"/settings/webhooks/{endpoint.id}/test")
    delivery = await post.browser.get(tested.headers["location"])

    assert {secret[:6], rotated[:6]} == {"whsec_"}
    assert secret != rotated
    assert endpoint.profile == "sms_only"
    assert "webhook.test" in delivery.text
    assert secret not in (await post.browser.get(f"/settings/webhooks/{endpoint.id}")).text


async def test_single_events_are_chosen(post: Form, database: Database, account: int) -> None:
    values = {"url": "https://example.com/hook", "profile": "", "event": ["message.failed", "contact.created"]}
    await post("/settings/webhooks/new", **values)

    async with database.tx(account) as tx:
        [endpoint] = await endpoints.all_of(tx)
    assert set(endpoint.events) == {"message.failed", "contact.created"}


@pytest.mark.parametrize("url", ["", "ftp://example.com", "http://10.0.0.1/x", "https://169.254.169.254/latest"])
async def test_an_address_inside_is_no_webhook(post: Form, url: str) -> None:
    page = await post("/settings/webhooks/new", url=url, profile="all")

    assert page.status_code == 422
    assert 'id="url-problem"' in page.text


async def test_the_accounts_webhook_is_set_and_its_secret_shown_on_demand(post: Form) -> None:
    url = "https://example.com/account"
    answer = await post("/settings/webhooks/account", url=url, event=["new_message"], tags="vip, new")
    page = await post.browser.get("/settings/webhooks")

    assert answer.status_code == 303
    assert url in page.text
    assert "whsec_" not in page.text
    assert shown_once(await post("/settings/webhooks/secret")).startswith("whsec_")


async def test_what_failed_is_sent_again(post: Form, database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        endpoint, _ = await endpoints.create(tx, NewEndpoint(url="https://example.com/hook"))
    await post(f"/settings/webhooks/{endpoint.id}/test")
    await world.execute(
        database.dsn, "update webhook_deliveries set status = 'failed', attempts = 3 where account_id = $1", account
    )
    async with database.tx(account) as tx:
        [failed] = await journal.page(tx)

    listed = await post.browser.get("/settings/webhooks/log?status=failed")
    values = {"since": "2020-01-01T00:00", "until": "2099-01-01T00:00"}
    answer = await post("/settings/webhooks/replays", line=endpoint.id, **values)

    async with database.tx(account) as tx:
        again, url = await journal.get(tx, failed.id)
    assert f"/settings/webhooks/deliveries/{failed.id}" in listed.text
    assert answer.status_code == 303
    assert (again.status, again.attempts, url) == ("pending", 0, "https://example.com/hook")


async def test_one_delivery_is_sent_again(post: Form, database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        endpoint, _ = await endpoints.create(tx, NewEndpoint(url="https://example.com/hook"))
    path = (await post(f"/settings/webhooks/{endpoint.id}/test")).headers["location"]
    await world.execute(
        database.dsn, "update webhook_deliveries set status = 'delivered', attempts = 1 where account_id = $1", account
    )

    answer = await post(f"{path}/replay")

    assert answer.status_code == 303
    async with database.tx(account) as tx:
        assert [one.status for one in await journal.page(tx)] == ["pending"]


async def test_anothers_deliveries_are_unknown(post: Form, database: Database, other_account: int) -> None:
    async with database.tx(other_account) as tx:
        endpoint, _ = await endpoints.create(tx, NewEndpoint(url="https://example.com/hook"))

    assert (await post.browser.get(f"/settings/webhooks/{endpoint.id}")).status_code == 404
    values = {"line": endpoint.id, "since": "2020-01-01T00:00", "until": "2099-01-01T00:00"}
    assert (await post("/settings/webhooks/replays", **values)).status_code == 404


async def test_credits_are_told_by_month_and_as_csv(post: Form, database: Database, account: int) -> None:
    await world.grant(database, account, 1234)

    page = await post.browser.get("/settings/credits")
    file = await post.browser.get("/settings/credits.csv")
    before = await post.browser.get("/settings/credits?month=2020-01")

    assert page.text.count("1,234") >= 3
    assert "attachment" in file.headers["content-disposition"]
    assert file.text.splitlines()[-1].endswith("1234,0")
    assert "Nothing came or went in this month." in before.text


async def test_the_audit_log_is_narrowed(post: Form) -> None:
    await post("/settings/developer", scope=["read"])

    everything = await post.browser.get("/settings/audit")
    keys = await post.browser.get("/settings/audit?action=key.")

    assert "<code>login</code>" in everything.text
    assert "<code>key.created</code>" in keys.text
    assert "<code>login</code>" not in keys.text


async def test_the_audit_log_goes_on_page_by_page(post: Form, database: Database, account: int) -> None:
    async with database.tx(account) as tx:
        for number in range(60):
            await audit.record(tx, "test.done", f"test:{number}")

    first = await post.browser.get("/settings/audit?action=test.")
    found = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert found
    second = await post.browser.get(found[1].replace("&amp;", "&"))

    assert first.text.count("<code>test.done</code>") == 50
    assert second.text.count("<code>test.done</code>") == 10


@pytest.fixture
async def letter(database: Database, account: int) -> int:
    """Work of the account that failed for good."""
    args = msgspec.json.encode(["secret-argument"]).decode()
    row = "insert into dead_letters (account_id, queue, name, args, actor, cause, depth, attempts, error) values"
    [made] = await world.execute(
        database.dsn, f"{row} ($1, 'jobs', 'mail.send', $2::jsonb, '', '', 0, 5, 'It <b>broke</b>') returning id",
        account, args,
    )  # fmt: skip
    return made[0]


async def test_dead_letters_are_listed_without_what_they_hold(post: Form, letter: int) -> None:
    page = await post.browser.get("/settings/health")

    assert "It &lt;b&gt;broke&lt;/b&gt;" in page.text
    assert "secret-argument" not in page.text


async def test_a_dead_letter_is_tried_again(post: Form, database: Database, account: int, letter: int) -> None:
    answer = await post(f"/settings/health/{letter}/replay")

    assert answer.status_code == 303
    waiting = await world.execute(database.dsn, "delete from jobs where account_id = $1 returning name", account)
    assert "mail.send" in [row[0] for row in waiting]


async def test_a_dead_letter_is_discarded_once(post: Form, letter: int) -> None:
    assert (await post(f"/settings/health/{letter}/removal")).status_code == 303
    assert (await post(f"/settings/health/{letter}/removal")).status_code == 404


async def test_anothers_dead_letters_are_unknown(
    post: Form, database: Database, other_account: int, letter: int
) -> None:
    await world.execute(database.dsn, "update dead_letters set account_id = $1 where id = $2", other_account, letter)

    assert (await post(f"/settings/health/{letter}/replay")).status_code == 404
    assert "&lt;b&gt;broke" not in (await post.browser.get("/settings/health")).text

"""Invitations and forgotten passwords: links by mail, and who may give which role."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from tests import world
from tests.peers import sink
from tests.peers.sink import Sink
from trunkline.accounts import invitations, resets, sessions, subaccounts, team, users
from trunkline.core import clock, config
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Forbidden, Invalid, LimitReached, NotFound, Unauthenticated
from trunkline.core.ids import token
from trunkline.core.tools import Tools

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


async def member(database: Database, account: int, role: str) -> users.Member:
    async with database.system(account) as tx:
        made = await users.create(tx, f"{token(12).lower()}@example.com", role, password=PASSWORD, name=role)
    return made.member


async def invite(database: Database, account: int, by: int, email: str, role: str = "agent") -> str:
    """The token of a fresh link."""
    async with database.system(account, f"user:{by}") as tx:
        invited = await invitations.invite(tx, by, email, role)
    return invited.link.partition("token=")[2]


def unused() -> str:
    return f"{token(12).lower()}@example.com"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    now = clock.now

    def turn(**by: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: now() + timedelta(**by))

    return turn


async def test_somebody_new_takes_an_offer(database: Database, account: int) -> None:
    owner, email = await member(database, account, "owner"), unused()
    link = await invite(database, account, owner.id, email, "editor")

    await invitations.accept(database, link, name="Zoe", password="kites over the bay")

    signed_in = await sessions.login(database, email, "kites over the bay")
    assert (signed_in.session.user.name, signed_in.session.membership(account).role) == ("Zoe", "editor")


async def test_a_link_is_good_once(database: Database, account: int) -> None:
    owner = await member(database, account, "owner")
    link = await invite(database, account, owner.id, unused())
    await invitations.accept(database, link, name="Zoe", password="kites over the bay")

    with pytest.raises(NotFound):
        await invitations.find(database, link)


async def test_a_refused_password_leaves_the_link_good(database: Database, account: int) -> None:
    owner = await member(database, account, "owner")
    link = await invite(database, account, owner.id, unused())

    with pytest.raises(Invalid):
        await invitations.accept(database, link, name="Zoe", password="short")

    assert (await invitations.find(database, link)).role == "agent"


async def test_a_link_is_over_after_a_week(database: Database, account: int, later: Any) -> None:
    owner = await member(database, account, "owner")
    link = await invite(database, account, owner.id, unused())
    later(days=7, seconds=1)

    with pytest.raises(NotFound):
        await invitations.find(database, link)


async def test_a_second_invitation_ends_the_first(database: Database, account: int) -> None:
    owner, email = await member(database, account, "owner"), unused()
    first = await invite(database, account, owner.id, email)
    second = await invite(database, account, owner.id, email, "viewer")

    with pytest.raises(NotFound):
        await invitations.find(database, first)
    assert (await invitations.find(database, second)).role == "viewer"


async def test_a_revoked_link_opens_nothing(database: Database, account: int) -> None:
    owner = await member(database, account, "owner")
    link = await invite(database, account, owner.id, unused())
    async with database.tx(account) as tx:
        [open_one] = await invitations.listed(tx)
        await invitations.revoke(tx, open_one.id)

    with pytest.raises(NotFound):
        await invitations.accept(database, link, name="Zoe", password="kites over the bay")


@pytest.mark.parametrize(("giver", "role"), [("admin", "owner"), ("editor", "admin"), ("agent", "editor")])
async def test_nobody_gives_a_role_above_their_own(database: Database, account: int, giver: str, role: str) -> None:
    by = await member(database, account, giver)

    with pytest.raises(Invalid):
        await invite(database, account, by.id, unused(), role)


async def test_an_offer_ends_with_the_rank_of_its_giver(database: Database, account: int) -> None:
    owner = await member(database, account, "owner")
    admin = await member(database, account, "admin")
    link = await invite(database, account, admin.id, unused(), "admin")

    async with database.system(account) as tx:
        await team.change(tx, owner.id, admin.id, role="agent")

    with pytest.raises(NotFound):
        await invitations.accept(database, link, name="Zoe", password="kites over the bay")


async def test_whoever_signs_in_already_joins_with_their_own_password(
    database: Database, account: int, other_account: int
) -> None:
    owner = await member(database, account, "owner")
    known = await member(database, other_account, "owner")
    link = await invite(database, account, owner.id, known.email)

    with pytest.raises(Conflict):
        await invitations.accept(database, link, name="Eve", password="kites over the bay")
    await invitations.join(database, link, known.id, known.email)

    signed_in = await sessions.login(database, known.email, PASSWORD)
    assert {one.account_id for one in signed_in.session.memberships} == {account, other_account}


async def test_somebody_else_cannot_join_with_the_link(database: Database, account: int, other_account: int) -> None:
    owner = await member(database, account, "owner")
    eve = await member(database, other_account, "owner")
    link = await invite(database, account, owner.id, unused())

    with pytest.raises(NotFound):
        await invitations.join(database, link, eve.id, eve.email)


@pytest.mark.parametrize(("changer", "whom", "role"), [("admin", "owner", "agent"), ("admin", "agent", "owner")])
async def test_nobody_touches_a_role_above_their_own(
    database: Database, account: int, changer: str, whom: str, role: str
) -> None:
    await member(database, account, "owner")
    by, other = await member(database, account, changer), await member(database, account, whom)

    with pytest.raises(Forbidden):
        async with database.system(account) as tx:
            await team.change(tx, by.id, other.id, role=role)


async def test_the_last_owner_stays_one(database: Database, account: int) -> None:
    owner = await member(database, account, "owner")

    with pytest.raises(Conflict):
        async with database.system(account) as tx:
            await team.change(tx, owner.id, owner.id, role="viewer")


@pytest.fixture
async def posting(dsn: str, anyio_backend: str, tmp_path: Any) -> Any:
    """A database of its own whose operator has a relay."""
    async with world.own_database(dsn, tmp_path) as database, sink.running(Sink()) as relay:
        url = f"smtp://127.0.0.1:{relay.port}?tls=none"
        settings = config.load({}, data=tmp_path, smtp_url=url, public_url="https://chat.example.com")
        database.tools = Tools(settings)
        yield database, relay
        await database.tools.close()


def link_in(raw: bytes) -> str:
    body = message_from_bytes(raw, policy=default).get_content()
    found = re.search(r"https://chat\.example\.com/\S+token=(\w+)", body)
    assert found, body
    return found[1]


async def test_an_invitation_goes_by_mail(posting: Any) -> None:
    database, relay = posting
    account = await world.workspace(database)
    owner = await member(database, account, "owner")

    await invite(database, account, owner.id, "zoe@example.com")
    await world.react(database)

    [taken] = relay.taken
    assert taken.recipients == ["zoe@example.com"]
    assert (await invitations.find(database, link_in(taken.raw))).email == "zoe@example.com"


async def test_a_forgotten_password_is_changed_by_a_link(posting: Any) -> None:
    database, relay = posting
    account = await world.workspace(database)
    owner = await member(database, account, "owner")
    before = await sessions.login(database, owner.email, PASSWORD)

    await resets.ask(database, owner.email.upper())
    await world.react(database)
    link = link_in(relay.taken[0].raw)
    await resets.redeem(database, link, "kites over the bay")

    assert (await sessions.login(database, owner.email, "kites over the bay")).token
    assert await sessions.find(database, before.token) is None
    with pytest.raises(Unauthenticated):
        await sessions.login(database, owner.email, PASSWORD)
    with pytest.raises(NotFound):
        await resets.redeem(database, link, "kites over the sea")


async def test_a_link_for_a_password_is_over_after_an_hour(posting: Any, later: Any) -> None:
    database, relay = posting
    account = await world.workspace(database)
    owner = await member(database, account, "owner")
    await resets.ask(database, owner.email)
    await world.react(database)
    later(hours=1, seconds=1)

    with pytest.raises(NotFound):
        await resets.redeem(database, link_in(relay.taken[0].raw), "kites over the bay")


async def test_nobody_is_written_to_at_an_unknown_address(posting: Any) -> None:
    database, relay = posting

    await resets.ask(database, "nobody@example.com")
    await world.react(database)

    assert relay.taken == []


async def test_links_are_asked_for_a_few_times_only(database: Database) -> None:
    email = unused()
    for _ in range(resets.MOST_ASKED):
        await resets.ask(database, email)

    with pytest.raises(LimitReached):
        await resets.ask(database, email)


async def test_an_agency_suspends_and_resumes_but_not_against_the_operator(database: Database) -> None:
    agency = await world.workspace(database, kind="agency")
    email = unused()
    async with database.tx(agency) as tx:
        sub = await subaccounts.create(tx, "Sub", email)
        assert (await subaccounts.suspend(tx, email, on=True)).suspended
        assert not (await subaccounts.suspend(tx, email, on=False)).suspended
    await world.execute(database.dsn, "update accounts set suspended = true where id = $1", sub.id)

    with pytest.raises(Conflict):
        async with database.tx(agency) as tx:
            await subaccounts.suspend(tx, email, on=False)

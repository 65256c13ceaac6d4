"""Signing in, staying in, and being kept out."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from trunkline.accounts import audit, sessions, throttle, users
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import LimitReached, NotFound, Unauthenticated
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


@pytest.fixture
async def email(database: Database, account: int) -> str:
    address = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, address, "owner", password=PASSWORD, name="Ana")
    return address


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Turns the clock: `later(hours=12)`."""
    now = clock.now

    def turn(**by: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: now() + timedelta(**by))

    return turn


async def test_a_session_knows_user_and_accounts(database: Database, account: int, email: str) -> None:
    signed_in = await sessions.login(database, f" {email.upper()}", PASSWORD, ip="192.0.2.1", user_agent="Browser")

    found = await sessions.find(database, signed_in.token)

    assert found is not None
    assert (found.user.email, found.user.name, found.account_id) == (email, "Ana", account)
    assert found.membership(account).role == "owner"


@pytest.mark.parametrize("password", ["a bird sang once", "", "x" * 100_000, "nul\0nul"])
async def test_a_wrong_password_and_an_unknown_user_read_the_same(
    database: Database, email: str, password: str
) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        await sessions.login(database, email, password)
    with pytest.raises(Unauthenticated) as unknown:
        await sessions.login(database, f"not-{email}", password)

    assert (str(wrong.value), wrong.value.code) == (str(unknown.value), unknown.value.code)


@pytest.mark.parametrize("typed", ["", "nobody", "\0@example.com", "\ud800@example.com"])
async def test_what_is_no_address_is_refused_like_any_other(database: Database, typed: str) -> None:
    with pytest.raises(Unauthenticated):
        await sessions.login(database, typed, PASSWORD)


async def test_only_a_digest_of_the_token_is_stored(database: Database, email: str, connection: Any) -> None:
    signed_in = await sessions.login(database, email, PASSWORD)

    row = await connection.fetchval("select s::text from sessions s where digest = $1", signed_in.session.digest)

    assert signed_in.token not in row


@pytest.mark.parametrize("wrong", ["", "trs_short", "trs_" + "0" * 43, "trk_platform_" + "0" * 38])
async def test_a_wrong_token_opens_nothing(database: Database, wrong: str) -> None:
    assert await sessions.find(database, wrong) is None


async def test_a_browser_is_forgotten_after_twelve_idle_hours(database: Database, email: str, later: Any) -> None:
    idle = await sessions.login(database, email, PASSWORD)
    busy = await sessions.login(database, email, PASSWORD)
    later(hours=11)
    await sessions.find(database, busy.token)

    later(hours=13)

    assert await sessions.find(database, idle.token) is None
    assert await sessions.find(database, busy.token) is not None


async def test_a_bearer_token_may_rest_but_not_for_thirty_days(database: Database, email: str, later: Any) -> None:
    signed_in = await sessions.login(database, email, PASSWORD, kind="bearer")

    later(days=29)
    rested = await sessions.find(database, signed_in.token)
    later(days=31)
    over = await sessions.find(database, signed_in.token)

    assert (rested is not None, over) == (True, None)


async def test_logging_in_again_takes_the_place_of_the_old_session(database: Database, email: str) -> None:
    old = await sessions.login(database, email, PASSWORD)

    new = await sessions.login(database, email, PASSWORD, previous=old.token)

    assert await sessions.find(database, old.token) is None
    assert await sessions.find(database, new.token) is not None


async def test_logging_out_ends_the_session(database: Database, email: str) -> None:
    signed_in = await sessions.login(database, email, PASSWORD)

    await sessions.logout(database, signed_in.token)

    assert await sessions.find(database, signed_in.token) is None


async def test_somebody_switched_off_cannot_log_in(database: Database, account: int, email: str) -> None:
    async with database.system(account) as tx:
        member = await users.by_email(tx, email)
        await users.create(tx, f"other-{email}", "owner", password=PASSWORD)
        await users.set(tx, member.id, active=False)

    with pytest.raises(Unauthenticated):
        await sessions.login(database, email, PASSWORD)


async def test_a_browser_enters_only_its_users_accounts(
    database: Database, account: int, other_account: int, email: str
) -> None:
    async with database.system(other_account) as tx:
        await users.create(tx, email, "viewer")
    signed_in = await sessions.login(database, email, PASSWORD)

    entered = await sessions.enter(database, signed_in.token, other_account)
    with pytest.raises(NotFound):
        await sessions.enter(database, signed_in.token, 10**15)

    assert (signed_in.session.account_id, entered.account_id) == (account, other_account)


async def test_after_ten_failures_even_the_right_password_waits(database: Database, email: str, later: Any) -> None:
    for _ in range(throttle.PER_EMAIL):
        with pytest.raises(Unauthenticated):
            await sessions.login(database, email, "wrong")

    with pytest.raises(LimitReached) as refused:
        await sessions.login(database, email.upper(), PASSWORD)
    later(minutes=15)

    assert 890 <= refused.value.retry_after <= 900
    assert await sessions.login(database, email, PASSWORD)


async def test_guesses_sent_at_once_are_counted_like_guesses_one_by_one(database: Database, email: str) -> None:
    guesses = [sessions.login(database, email, "wrong") for _ in range(30)]

    answers = await asyncio.gather(*guesses, return_exceptions=True)

    assert sum(isinstance(answer, Unauthenticated) for answer in answers) == throttle.PER_EMAIL
    assert sum(isinstance(answer, LimitReached) for answer in answers) == 30 - throttle.PER_EMAIL


async def test_many_may_log_in_at_once(database: Database, email: str) -> None:
    logins = [sessions.login(database, email, PASSWORD, ip="192.0.2.9") for _ in range(20)]

    answers = await asyncio.gather(*logins)

    assert len({answer.token for answer in answers}) == 20


async def test_the_right_password_forgives_earlier_failures(database: Database, email: str) -> None:
    for _ in range(2):
        for _ in range(throttle.PER_EMAIL - 1):
            with pytest.raises(Unauthenticated):
                await sessions.login(database, email, "wrong")

        assert await sessions.login(database, email, PASSWORD)


async def test_a_network_that_tries_many_addresses_waits(database: Database, email: str) -> None:
    subjects = throttle.subjects("x@example.com", "2001:db8:1:2::1")
    async with database.system() as tx:
        for _ in range(throttle.PER_IP):
            await throttle.count(tx, {name: most for name, most in subjects.items() if name.startswith("ip:")})

    with pytest.raises(LimitReached):
        await sessions.login(database, email, PASSWORD, ip="2001:db8:1:2:ffff::9")

    assert await sessions.login(database, email, PASSWORD, ip="2001:db8:1:3::1")


async def test_a_login_is_in_the_audit_log_of_the_account(database: Database, account: int, email: str) -> None:
    await sessions.login(database, email, PASSWORD, ip="192.0.2.1")

    async with database.tx(account) as tx:
        latest = (await audit.entries(tx))[0]

    assert (latest.action, str(latest.ip), latest.details) == ("login", "192.0.2.1", {"kind": "browser"})


async def test_what_is_over_is_removed(database: Database, email: str, later: Any, connection: Any) -> None:
    signed_in = await sessions.login(database, email, PASSWORD)
    later(hours=13)

    async with database.system() as tx:
        await sessions.prune(tx)

    left = await connection.fetchval("select count(*) from sessions where digest = $1", signed_in.session.digest)
    assert left == 0

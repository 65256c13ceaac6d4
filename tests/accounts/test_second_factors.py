"""The second factor: switched on with a code, asked for at every sign-in, each code good once."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import Struct

from trunkline.accounts import audit, logins, second_factors, sessions, users
from trunkline.accounts.sessions import CodeNeeded
from trunkline.core import clock, totp
from trunkline.core.db import Database
from trunkline.core.errors import Invalid, LimitReached, Unauthenticated
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


class Ana(Struct):
    id: int
    email: str
    secret: str
    codes: list[str]
    session: sessions.SignedIn


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    now = clock.now

    def turn(**by: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: now() + timedelta(**by))

    return turn


@pytest.fixture
async def ana(database: Database, account: int) -> Ana:
    """An owner whose second factor is on."""
    email = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        made = await users.create(tx, email, "owner", password=PASSWORD, name="Ana")
    session = await sessions.login(database, email, PASSWORD)
    async with database.system(account) as tx:
        begun = await second_factors.begin(tx, made.member.id, email)
        code = totp.code(begun.secret, clock.now() - timedelta(seconds=30))
        codes = await second_factors.confirm(tx, made.member.id, code, keep=session.session.digest)
    return Ana(made.member.id, email, begun.secret, codes, session)


async def ticket(database: Database, ana: Ana) -> str:
    with pytest.raises(CodeNeeded) as needed:
        await sessions.login(database, ana.email, PASSWORD)
    return needed.value.ticket


async def test_a_password_alone_opens_nothing(database: Database, ana: Ana) -> None:
    with pytest.raises(CodeNeeded):
        await sessions.login(database, ana.email, PASSWORD)


async def test_password_and_code_open_a_session(database: Database, ana: Ana) -> None:
    proof = await ticket(database, ana)

    signed_in = await second_factors.finish(database, proof, totp.code(ana.secret, clock.now()))

    assert signed_in.session.user.email == ana.email


async def test_a_code_is_good_once(database: Database, ana: Ana) -> None:
    code = totp.code(ana.secret, clock.now())
    await second_factors.finish(database, await ticket(database, ana), code)

    with pytest.raises(Unauthenticated):
        await second_factors.finish(database, await ticket(database, ana), code)


@pytest.mark.parametrize("spell", [str, str.upper, lambda code: code.replace("-", " ")])
async def test_a_recovery_code_is_good_once(database: Database, ana: Ana, spell: Any) -> None:
    await second_factors.finish(database, await ticket(database, ana), spell(ana.codes[0]))

    with pytest.raises(Unauthenticated):
        await second_factors.finish(database, await ticket(database, ana), ana.codes[0])


@pytest.mark.parametrize("forged", ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
async def test_the_second_step_needs_the_first(database: Database, ana: Ana, forged: str) -> None:
    with pytest.raises(Unauthenticated):
        await second_factors.finish(database, forged, totp.code(ana.secret, clock.now()))


async def test_the_first_step_is_over_after_five_minutes(database: Database, ana: Ana, later: Any) -> None:
    proof = await ticket(database, ana)
    later(minutes=6)

    with pytest.raises(Unauthenticated):
        await second_factors.finish(database, proof, totp.code(ana.secret, clock.now()))


async def test_a_new_password_ends_what_was_begun_with_the_old(database: Database, account: int, ana: Ana) -> None:
    proof = await ticket(database, ana)
    async with database.system(account) as tx:
        await users.set_password(tx, ana.id, "another bird sang")

    with pytest.raises(Unauthenticated):
        await second_factors.finish(database, proof, totp.code(ana.secret, clock.now()))


async def test_guesses_are_counted(database: Database, ana: Ana) -> None:
    proof = await ticket(database, ana)
    for _ in range(second_factors.MOST_WRONG):
        with pytest.raises(Unauthenticated):
            await second_factors.finish(database, proof, "no code")

    with pytest.raises(LimitReached):
        await second_factors.finish(database, proof, totp.code(ana.secret, clock.now()))


async def test_switching_it_on_ends_the_other_sessions(database: Database, account: int) -> None:
    email = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        made = await users.create(tx, email, "owner", password=PASSWORD)
    here, there = [await sessions.login(database, email, PASSWORD) for _ in range(2)]

    async with database.system(account) as tx:
        begun = await second_factors.begin(tx, made.member.id, email)
        await second_factors.confirm(tx, made.member.id, totp.code(begun.secret, clock.now()), keep=here.session.digest)

    assert await sessions.find(database, here.token)
    assert await sessions.find(database, there.token) is None


async def test_a_wrong_first_code_does_not_switch_it_on(database: Database, account: int) -> None:
    email = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        made = await users.create(tx, email, "owner", password=PASSWORD)
        await second_factors.begin(tx, made.member.id, email)

    with pytest.raises(Invalid):
        async with database.system(account) as tx:
            await second_factors.confirm(tx, made.member.id, "000000x")

    assert (await sessions.login(database, email, PASSWORD)).session.user.email == email


async def test_dropping_it_takes_the_password(database: Database, ana: Ana) -> None:
    with pytest.raises(Invalid):
        await logins.drop_second_factor(database, ana.session.session, "a bird sang once", ip=None)
    await logins.drop_second_factor(database, ana.session.session, PASSWORD, ip=None)

    assert (await sessions.login(database, ana.email, PASSWORD)).token


async def test_a_short_password_does_with_a_second_factor_only(database: Database, account: int, ana: Ana) -> None:
    short = "kite 77x"
    await logins.change_password(database, ana.session.session, PASSWORD, short, ip=None)

    with pytest.raises(Invalid, match="15 characters"):
        await logins.drop_second_factor(database, ana.session.session, short, ip=None)


async def test_neither_secret_nor_codes_lie_open(database: Database, connection: Any, ana: Ana) -> None:
    rows = await connection.fetch("select secret from second_factors where user_id = $1", ana.id)
    kept = await connection.fetch("select digest from recovery_codes where user_id = $1", ana.id)

    assert ana.secret.encode() not in rows[0][0]
    assert len(kept) == second_factors.RECOVERY_CODES
    assert all(code.encode() not in row[0] for code in ana.codes for row in kept)


async def test_it_is_written_down(database: Database, account: int, ana: Ana) -> None:
    async with database.tx(account) as tx:
        actions = [entry.action for entry in await audit.entries(tx)]

    assert "second_factor.enabled" in actions


async def test_new_recovery_codes_end_the_old_ones(database: Database, account: int, ana: Ana) -> None:
    async with database.system(account) as tx:
        fresh = await second_factors.renew_codes(tx, ana.id)

    with pytest.raises(Unauthenticated):
        await second_factors.finish(database, await ticket(database, ana), ana.codes[1])
    assert (await second_factors.finish(database, await ticket(database, ana), fresh[0])).token

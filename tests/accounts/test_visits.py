"""Standing in for a sub-account: who may, for how long, and what the logs say."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import Struct

from tests import world
from trunkline.accounts import api_keys, audit, sessions, subaccounts, users, visits
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, Forbidden, NotFound
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


class Boss(Struct):
    """Somebody signed in to an agency that has one sub-account."""

    token: str
    email: str
    agency: int
    sub: int


async def signed_in(database: Database, account: int, role: str = "owner", kind: Any = "browser") -> tuple[str, str]:
    email = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        await users.create(tx, email, role, password=PASSWORD, name="Bo")
    return (await sessions.login(database, email, PASSWORD, kind=kind)).token, email


async def below(database: Database, agency: int) -> int:
    async with database.tx(agency) as tx:
        return (await subaccounts.create(tx, "Tea", f"{token(12).lower()}@example.com")).id


@pytest.fixture
async def boss(database: Database) -> Boss:
    agency = await world.workspace(database, kind="agency")
    cookie, email = await signed_in(database, agency)
    return Boss(cookie, email, agency, await below(database, agency))


async def standing(database: Database, cookie: str) -> sessions.Membership:
    session = await sessions.find(database, cookie)
    assert session
    return session.membership(session.account_id)


async def test_a_visitor_has_the_rank_of_an_admin_there(database: Database, boss: Boss) -> None:
    await visits.begin(database, boss.token, boss.sub, reason="Ticket 7")

    here = await standing(database, boss.token)

    assert (here.account_id, here.role) == (boss.sub, "admin")
    assert here.visit_until is not None


async def test_both_logs_tell_who_when_and_why(database: Database, boss: Boss) -> None:
    await visits.begin(database, boss.token, boss.sub, reason="Ticket 7", ip="192.0.2.1")
    session = await sessions.find(database, boss.token)
    assert session
    await visits.end(database, session)

    async with database.tx(boss.sub) as tx:
        theirs = [entry for entry in await audit.entries(tx) if entry.action.startswith("visit.")]
        guests = await visits.guests(tx)
    async with database.tx(boss.agency) as tx:
        ours = [entry.action for entry in await audit.entries(tx, action="sub_account.visit")]

    assert [entry.action for entry in theirs] == ["visit.ended", "visit.began"]
    assert theirs[1].details == {"name": "Bo", "agency": "Acme", "reason": "Ticket 7"}
    assert guests == {f"user:{session.user.id}": "Bo"}
    assert ours == ["sub_account.visit_ended", "sub_account.visited"]


async def test_it_ends_where_it_began(database: Database, boss: Boss) -> None:
    await visits.begin(database, boss.token, boss.sub)
    session = await sessions.find(database, boss.token)
    assert session

    await visits.end(database, session)

    assert (await standing(database, boss.token)).account_id == boss.agency
    with pytest.raises(NotFound):
        await sessions.enter(database, boss.token, boss.sub)


async def test_it_is_over_by_itself_after_an_hour(
    database: Database, boss: Boss, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visits.begin(database, boss.token, boss.sub)
    now = clock.now

    monkeypatch.setattr(clock, "now", lambda: now() + visits.LONGEST + timedelta(minutes=1))

    assert (await standing(database, boss.token)).account_id == boss.agency


async def test_who_is_no_admin_of_the_agency_any_more_is_out_at_once(database: Database, boss: Boss) -> None:
    await visits.begin(database, boss.token, boss.sub)

    await world.execute(
        database.dsn, "update memberships set role = 'editor' where account_id = $1 returning role", boss.agency
    )

    assert (await standing(database, boss.token)).account_id == boss.agency


async def test_without_its_entry_in_the_log_a_session_sees_nothing(database: Database, boss: Boss) -> None:
    session = await sessions.find(database, boss.token)
    assert session

    await world.execute(
        database.dsn, "update sessions set account_id = $2 where digest = $1 returning 1", session.digest, boss.sub
    )

    assert (await standing(database, boss.token)).account_id == boss.agency


async def test_anothers_sub_account_cannot_be_visited(database: Database, boss: Boss) -> None:
    other = await world.workspace(database, kind="agency")
    theirs = await below(database, other)

    for id in (theirs, other):
        with pytest.raises(NotFound):
            await visits.begin(database, boss.token, id)


@pytest.mark.parametrize("role", ["editor", "agent", "viewer"])
async def test_who_is_no_admin_visits_nobody(database: Database, boss: Boss, role: str) -> None:
    cookie, _ = await signed_in(database, boss.agency, role)

    with pytest.raises(Forbidden):
        await visits.begin(database, cookie, boss.sub)


async def test_a_token_of_the_api_visits_nobody(database: Database, boss: Boss) -> None:
    cookie, _ = await signed_in(database, boss.agency, kind="bearer")

    with pytest.raises(Forbidden):
        await visits.begin(database, cookie, boss.sub)


async def test_a_visitor_makes_no_keys(database: Database, boss: Boss) -> None:
    session = await sessions.find(database, boss.token)
    assert session

    async with database.tx(boss.sub) as tx:
        with pytest.raises(NotFound):
            await api_keys.create(tx, session.user.id, "portal", scopes=["read"])


async def test_a_member_switches_and_does_not_visit(database: Database, boss: Boss) -> None:
    async with database.system(boss.sub) as tx:
        await users.create(tx, boss.email, "agent")

    with pytest.raises(Conflict):
        await visits.begin(database, boss.token, boss.sub)

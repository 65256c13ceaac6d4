"""Sub-accounts as their agency opens, sees and ends them."""

from typing import Any

import pytest

from tests import world
from trunkline.accounts import audit, mailing, sessions, subaccounts, users
from trunkline.accounts.profiles import Profile
from trunkline.billing import agencies
from trunkline.billing.agencies import Terms
from trunkline.core.errors import Conflict, Forbidden, Invalid, NotFound, OutOfCredits, Unauthenticated
from trunkline.core.mailrelay import parse

pytestmark = pytest.mark.anyio


async def opened(clients: Any, email: str, terms: Terms | None = None, **more: Any) -> agencies.Opened:
    async with clients.database.tx(clients.agency, "key:1") as tx:
        return await agencies.open(tx, "Second", email, terms, **more)


async def test_it_gets_what_its_terms_say(clients: Any) -> None:
    await clients.grant(clients.agency, 1000)

    made = await opened(clients, "second@example.com", Terms(monthly=100, roll_over=True, credits=25))

    async with clients.database.tx(clients.agency) as tx:
        sub = await agencies.get(tx, "Second@Example.com")
    assert (made.balance, sub.available, sub.monthly, sub.roll_over) == (125, 125, 100, True)
    assert await clients.available(clients.agency) == 875


async def test_terms_beyond_the_agencys_credits_make_nothing(clients: Any) -> None:
    await clients.grant(clients.agency, 100)

    with pytest.raises(OutOfCredits):
        await opened(clients, "second@example.com", Terms(monthly=80, credits=25))

    assert await clients.available(clients.agency) == 100
    async with clients.database.tx(clients.agency) as tx:
        assert [sub.email for sub in await agencies.listed(tx)] == [clients.email]


async def test_its_owner_signs_in_with_the_password_that_was_made(clients: Any, unique: str) -> None:
    profile = Profile("Jane", "Smith", city="Cluj")

    made = await opened(clients, f"{unique}@example.com", profile=profile, with_owner=True)

    signed_in = await sessions.login(clients.database, f"{unique}@example.com", made.password or "")
    assert [(m.account_id, m.role) for m in signed_in.session.memberships] == [(made.account.id, "owner")]
    assert signed_in.session.user.name == "Jane Smith"


async def test_its_owner_is_mailed_the_way_in(clients: Any, unique: str, monkeypatch: Any) -> None:
    relay = parse("smtp://relay.example.com", "notices@example.com")
    monkeypatch.setattr(clients.database.tools, "mail_relay", relay)
    letters: list[tuple[int, str, str, str]] = []

    async def mail(tx: Any, to: str, subject: str, text: str) -> None:
        letters.append((tx.account, to, subject, text))

    monkeypatch.setattr(mailing, "mail", mail)

    made = await opened(clients, f"{unique}@example.com", with_owner=True)
    again = await opened(clients, f"x{unique}@example.com")

    [(account, to, subject, text)] = letters
    assert (account, to, subject) == (made.account.id, f"{unique}@example.com", "Your account Second is open")
    assert (made.password or "?") in text
    assert "/login" in text
    assert again.password is None


async def test_who_can_sign_in_elsewhere_keeps_the_password(clients: Any, account: int, unique: str) -> None:
    email = f"{unique}@example.com"
    async with clients.database.system(account) as tx:
        known = await users.create(tx, email, "owner")

    made = await opened(clients, email, with_owner=True)

    signed_in = await sessions.login(clients.database, email, known.password or "")
    assert made.password is None
    assert len(signed_in.session.memberships) == 2


async def test_who_was_switched_off_elsewhere_gets_no_new_password(clients: Any, account: int, unique: str) -> None:
    email = f"{unique}@example.com"
    async with clients.database.system(account) as tx:
        member = (await users.create(tx, email, "agent")).member
        await users.set(tx, member.id, active=False)

    made = await opened(clients, email, with_owner=True)

    assert made.password is None


async def test_an_address_can_be_used_again_after_the_end(clients: Any, unique: str) -> None:
    email = f"{unique}@example.com"
    await opened(clients, email, with_owner=True)
    async with clients.database.tx(clients.agency) as tx:
        await subaccounts.delete(tx, email)

    made = await opened(clients, email, with_owner=True)

    signed_in = await sessions.login(clients.database, email, made.password or "")
    assert [m.account_id for m in signed_in.session.memberships] == [made.account.id]


async def test_the_end_is_the_end_of_keys_and_sessions(clients: Any, unique: str, connection: Any) -> None:
    email = f"{unique}@example.com"
    made = await opened(clients, email, with_owner=True)
    signed_in = await sessions.login(clients.database, email, made.password or "")

    async with clients.database.tx(clients.agency) as tx:
        await subaccounts.delete(tx, email)

    with pytest.raises(Unauthenticated):
        await sessions.login(clients.database, email, made.password or "")
    assert await connection.fetchval("select count(*) from sessions where user_id = $1", signed_in.session.user.id) == 0


async def test_an_address_stands_for_one_sub_account(clients: Any) -> None:
    with pytest.raises(Conflict):
        await opened(clients, "CLIENT@example.com")


async def test_a_workspace_has_no_sub_accounts(database: Any, account: int) -> None:
    async with database.tx(account) as tx:
        for work in (agencies.open(tx, "Sub", "sub@example.com"), agencies.get(tx, "x@y.zz"), agencies.listed(tx)):
            with pytest.raises(Forbidden) as refused:
                await work
            assert refused.value.code == "not_an_agency"


async def test_another_agencys_sub_account_does_not_exist(clients: Any, database: Any) -> None:
    stranger = await world.workspace(database, kind="agency")

    async with database.tx(stranger) as tx:
        assert await agencies.listed(tx) == []
        with pytest.raises(NotFound):
            await agencies.get(tx, clients.email)


async def test_a_wrong_zone_makes_nothing(clients: Any) -> None:
    with pytest.raises(Invalid):
        await opened(clients, "second@example.com", timezone="Mars/Olympus")


async def test_the_same_grant_twice_without_a_key_is_marked_in_the_audit_log(clients: Any) -> None:
    await clients.give(500)
    await clients.give(500)

    async with clients.database.tx(clients.agency) as tx:
        latest, first = (await audit.entries(tx))[:2]
    assert ("looks_repeated" in latest.details, "looks_repeated" in first.details) == (True, False)

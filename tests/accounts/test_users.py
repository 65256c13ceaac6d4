"""Users and their memberships."""

import pytest

from trunkline.accounts import audit, sessions, users
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


def fresh_email() -> str:
    return f"{token(12).lower()}@example.com"


async def test_a_member_is_found_by_email_in_any_case(database: Database, account: int) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        made = await users.create(tx, email.upper(), "agent", password=PASSWORD, name="Ana")

    async with database.tx(account) as tx:
        found = await users.by_email(tx, email.title())

    assert found == made.member
    assert (found.email, found.name, found.role, found.active) == (email, "Ana", "agent", True)
    assert made.password is None


async def test_without_a_password_one_is_made_that_opens_the_door(database: Database, account: int) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        made = await users.create(tx, email, "owner")

    signed_in = await sessions.login(database, email, made.password or "")

    assert signed_in.session.user.email == email


async def test_a_bad_password_makes_nobody(database: Database, account: int) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        with pytest.raises(Invalid):
            await users.create(tx, email, "owner", password="short")

    async with database.tx(account) as tx:
        assert await users.members(tx) == []


async def test_a_member_cannot_be_added_twice(database: Database, account: int) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        await users.create(tx, email, "agent", password=PASSWORD)

        with pytest.raises(Conflict) as refused:
            await users.create(tx, email, "owner", password=PASSWORD)

    assert refused.value.code == "user_exists"


async def test_another_account_cannot_replace_a_persons_password(
    database: Database, account: int, other_account: int
) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        first = await users.create(tx, email, "owner", password=PASSWORD)
    async with database.system(other_account) as tx:
        second = await users.create(tx, email, "viewer", password="a different one here")

    signed_in = await sessions.login(database, email, PASSWORD)

    assert first.member.id == second.member.id
    assert {m.account_id: m.role for m in signed_in.session.memberships} == {
        account: "owner",
        other_account: "viewer",
    }


async def test_members_of_another_account_are_as_unknown_as_nobody(
    database: Database, account: int, other_account: int
) -> None:
    async with database.system(other_account) as tx:
        stranger = (await users.create(tx, fresh_email(), "agent", password=PASSWORD)).member

    async with database.tx(account) as tx:
        for lookup in (users.get(tx, stranger.id), users.assignable(tx, stranger.id), users.get(tx, 10**15)):
            with pytest.raises(NotFound) as refused:
                await lookup
            assert str(refused.value) == "User not found."
        with pytest.raises(NotFound):
            await users.by_email(tx, stranger.email)


async def test_a_new_role_ends_sessions_and_is_audited(database: Database, account: int) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        member = (await users.create(tx, email, "agent", password=PASSWORD)).member
    signed_in = await sessions.login(database, email, PASSWORD)

    async with database.system(account) as tx:
        changed = await users.set(tx, member.id, role="editor")
        latest = (await audit.entries(tx))[0]

    assert changed.role == "editor"
    assert await sessions.find(database, signed_in.token) is None
    assert (latest.action, latest.details["role"]) == ("member.changed", ["agent", "editor"])


async def test_setting_what_is_already_so_ends_nothing(database: Database, account: int) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        member = (await users.create(tx, email, "agent", password=PASSWORD)).member
    signed_in = await sessions.login(database, email, PASSWORD)

    async with database.system(account) as tx:
        await users.set(tx, member.id, role="agent", active=True)

    assert await sessions.find(database, signed_in.token) is not None


@pytest.mark.parametrize("change", [{"active": False}, {"role": "admin"}])
async def test_the_last_owner_stays_until_there_is_another(database: Database, account: int, change: dict) -> None:
    async with database.system(account) as tx:
        owner = (await users.create(tx, fresh_email(), "owner", password=PASSWORD)).member
        with pytest.raises(Conflict) as refused:
            await users.set(tx, owner.id, **change)
        await users.create(tx, fresh_email(), "owner", password=PASSWORD)

        changed = await users.set(tx, owner.id, **change)

    assert refused.value.code == "last_owner"
    assert {name: getattr(changed, name) for name in change} == change


@pytest.mark.parametrize(("role", "active"), [("viewer", True), ("agent", False)])
async def test_work_goes_to_active_members_who_may_answer(
    database: Database, account: int, role: str, active: bool
) -> None:
    async with database.system(account) as tx:
        member = (await users.create(tx, fresh_email(), role, password=PASSWORD)).member
        await users.set(tx, member.id, active=active)

        with pytest.raises(NotFound):
            await users.assignable(tx, member.id)


async def test_a_new_password_ends_all_sessions_but_one(database: Database, account: int) -> None:
    email = fresh_email()
    async with database.system(account) as tx:
        member = (await users.create(tx, email, "agent", password=PASSWORD)).member
    mine, other = [await sessions.login(database, email, PASSWORD) for _ in range(2)]

    async with database.system(account) as tx:
        await users.set_password(tx, member.id, "another bird sang", keep=mine.session.digest)

    assert await sessions.find(database, mine.token) is not None
    assert await sessions.find(database, other.token) is None
    assert await sessions.login(database, email, "another bird sang")


async def test_the_application_role_cannot_read_password_hashes(tx: Tx) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await tx._connection.fetch("select password_hash from users")

"""Keys of programs: made, shown once, revoked."""

import pytest

from trunkline.accounts import api_keys, audit, users
from trunkline.accounts.credentials import Credentials
from trunkline.core import crypto
from trunkline.core.db import Database
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio

ELSEWHERE = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
async def owner(database: Database, account: int) -> int:
    async with database.system(account) as tx:
        made = await users.create(tx, f"{token(12).lower()}@example.com", "owner", password="a bird sang twice")
    return made.member.id


async def test_a_key_is_told_once_and_only_hinted_at_later(database: Database, account: int, owner: int) -> None:
    async with database.tx(account, "test") as tx:
        secret, key = await api_keys.create(tx, owner, "platform", name="Shop")

        [listed] = await api_keys.listed(tx)

    assert crypto.key_dialect(secret) == "platform"
    assert listed == key
    assert listed.hint == f"trk_platform_…{secret[-4:]}"
    assert listed.scopes == ["*"]


@pytest.mark.parametrize(
    ("dialect", "scopes", "granted"),
    [
        ("platform", ["contacts", "tags", "contacts"], ["contacts", "tags"]),
        ("portal", ["read", "*"], ["*"]),
        ("connector", None, ["*"]),
        ("rapidpro", ["*"], ["*"]),
    ],
)
async def test_scopes_are_those_of_the_dialect(
    database: Database, account: int, owner: int, dialect: str, scopes: list[str] | None, granted: list[str]
) -> None:
    async with database.tx(account, "test") as tx:
        _, key = await api_keys.create(tx, owner, dialect, scopes=scopes)

    assert key.scopes == granted


@pytest.mark.parametrize(
    ("dialect", "options", "field"),
    [
        ("platform", {"scopes": ["read"]}, "scopes"),
        ("portal", {"scopes": ["contacts"]}, "scopes"),
        ("portal", {"scopes": []}, "scopes"),
        ("developer", {"scopes": ["write"]}, "scopes"),
        ("telex", {}, "dialect"),
        ("portal", {"rate_limit": "often"}, "rate_limit"),
    ],
)
async def test_a_wrong_key_is_not_made(
    database: Database, account: int, owner: int, dialect: str, options: dict, field: str
) -> None:
    async with database.tx(account, "test") as tx:
        with pytest.raises(Invalid) as refused:
            await api_keys.create(tx, owner, dialect, **options)

        assert list(refused.value.fields) == [field]
        assert await api_keys.listed(tx) == []


async def test_a_key_cannot_be_made_for_a_stranger(database: Database, other_account: int, owner: int) -> None:
    async with database.tx(other_account, "test") as tx:
        with pytest.raises(NotFound):
            await api_keys.create(tx, owner, "platform")


async def test_a_revoked_key_leaves_the_list_and_two_lines_in_the_log(
    database: Database, account: int, owner: int
) -> None:
    async with database.tx(account, "test") as tx:
        _, key = await api_keys.create(tx, owner, "platform")

        revoked = await api_keys.revoke(tx, key.id)
        again = await api_keys.revoke(tx, key.id)
        log = [entry.action for entry in await audit.entries(tx)]

    assert revoked == again
    assert revoked.revoked_at is not None
    assert log[:2] == ["key.revoked", "key.created"]


async def test_a_key_of_another_account_cannot_be_revoked(
    database: Database, account: int, other_account: int, owner: int
) -> None:
    async with database.tx(account, "test") as tx:
        _, key = await api_keys.create(tx, owner, "platform")

    async with database.tx(other_account, "test") as tx:
        for id in (key.id, 10**15):
            with pytest.raises(NotFound) as refused:
                await api_keys.revoke(tx, id)
            assert str(refused.value) == "Key not found."


async def test_the_operator_revokes_by_the_key_itself(database: Database, account: int, owner: int) -> None:
    async with database.tx(account, "test") as tx:
        secret, key = await api_keys.create(tx, owner, "portal")

    async with database.system() as tx:
        revoked = await api_keys.revoke_secret(tx, secret)
        with pytest.raises(NotFound):
            await api_keys.revoke_secret(tx, "trk_portal_nothing")

    assert revoked.id == key.id


async def test_a_new_connector_key_ends_the_users_old_one(database: Database, account: int, owner: int) -> None:
    async with database.tx(account, "test") as tx:
        await api_keys.create(tx, owner, "connector")
        await api_keys.create(tx, owner, "portal")

        _, new = await api_keys.create(tx, owner, "connector")
        living = [key.id for key in await api_keys.listed(tx) if key.dialect == "connector"]

    assert living == [new.id]


async def test_a_token_from_elsewhere_goes_on_working(database: Database, account: int, owner: int) -> None:
    async with database.tx(account, "test") as tx:
        secret, key = await api_keys.create(tx, owner, "rapidpro", token=ELSEWHERE)

    found = await Credentials(database).find(ELSEWHERE)

    assert (secret, key.hint) == (ELSEWHERE, f"…{ELSEWHERE[-4:]}")
    assert found is not None
    assert (found.key_id, found.account.id) == (key.id, account)


async def test_a_token_is_nobody_else_s(database: Database, account: int, other_account: int, owner: int) -> None:
    async with database.tx(account, "test") as tx:
        await api_keys.create(tx, owner, "rapidpro", token=ELSEWHERE[::-1])
    async with database.system(other_account) as tx:
        other = (await users.create(tx, "elsewhere@example.com", "owner", password="a bird sang twice")).member.id

    async with database.tx(other_account, "test") as tx:
        with pytest.raises(Invalid) as refused:
            await api_keys.create(tx, other, "rapidpro", token=ELSEWHERE[::-1])

    assert refused.value.fields == {"token": ["This token was given before."]}


@pytest.mark.parametrize(
    ("dialect", "token"),
    [
        ("portal", ELSEWHERE),
        ("rapidpro", ELSEWHERE[1:]),
        ("rapidpro", "-" * 40),
        ("rapidpro", ""),
        ("rapidpro", "é" * 40),
    ],
)
async def test_a_token_that_cannot_be_one_is_refused(
    database: Database, account: int, owner: int, dialect: str, token: str
) -> None:
    async with database.tx(account, "test") as tx:
        with pytest.raises(Invalid) as refused:
            await api_keys.create(tx, owner, dialect, token=token)

    assert list(refused.value.fields or {}) == ["token"]

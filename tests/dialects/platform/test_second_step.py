"""Signing in to the API with a second factor."""

import pytest

from trunkline.accounts import second_factors, users
from trunkline.core import clock, totp
from trunkline.core.ids import token

pytestmark = pytest.mark.anyio

PASSWORD = "a bird sang twice"


@pytest.fixture
async def ana(database, account):
    """Email and secret of an owner whose second factor is on."""
    email = f"{token(12).lower()}@example.com"
    async with database.system(account) as tx:
        made = await users.create(tx, email, "owner", password=PASSWORD)
        begun = await second_factors.begin(tx, made.member.id, email)
        past = clock.now().timestamp() - totp.SECONDS
        code = totp.code(begun.secret, clock.now().fromtimestamp(past, clock.now().tzinfo))
        await second_factors.confirm(tx, made.member.id, code)
    return email, begun.secret


async def test_a_password_alone_gets_no_token(anybody, ana):
    answer = await anybody.post("/auth/login", json={"email": ana[0], "password": PASSWORD})

    assert answer.status_code == 401
    assert "token" not in answer.text


async def test_password_and_code_get_one(anybody, ana):
    email, secret = ana
    body = {"email": email, "password": PASSWORD, "code": totp.code(secret, clock.now())}

    answer = await anybody.post("/auth/login", json=body)

    assert answer.status_code == 200
    assert answer.json()["data"]["user"]["email"] == email


async def test_a_wrong_code_gets_none(anybody, ana):
    answer = await anybody.post("/auth/login", json={"email": ana[0], "password": PASSWORD, "code": "000000"})

    assert answer.status_code == 401

"""Who may what: every route stands in `roles.toml`, and every role is tried on it."""

import tomllib
from pathlib import Path

import httpx2
import pytest

from trunkline.dialects.dispatch import Dialects
from trunkline.dialects.rapidpro import rapidpro

pytestmark = pytest.mark.anyio

RIGHTS = tomllib.loads((Path(__file__).parent / "roles.toml").read_text())
RANKS = {"owner": "editor", "admin": "editor", "editor": "editor", "agent": "agent", "viewer": "viewer"}
NO_PERMISSION = {"detail": "You do not have permission to perform this action."}


def _served() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for operation in rapidpro.operations:
        for path in operation.paths:
            if not operation.rules.public:
                found.setdefault(path.strip("/").removesuffix(".json"), set()).add(operation.method)
    return found


def test_every_route_is_in_the_matrix():
    wrong = {name: methods for name, methods in _served().items() if set(RIGHTS[name]["editor"].split()) != methods}

    assert not wrong


@pytest.mark.parametrize("role", RANKS)
async def test_a_role_may_what_the_matrix_says(database, vault, new_key, role):
    headers = {"authorization": f"Token {await new_key('rapidpro', role=role, rate='off')}"}
    transport = httpx2.ASGITransport(Dialects(database, vault=vault, served=[rapidpro]))
    wrong = []

    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        for name, methods in _served().items():
            for method in methods:
                answer = await client.request(method, f"/api/v2/{name}.json")
                may = method in RIGHTS[name][RANKS[role]].split()
                if (answer.status_code == 403 and answer.json() == NO_PERMISSION) is may:
                    wrong.append((name, method, answer.status_code))

    assert not wrong


async def test_without_a_token_nothing_is_open(anybody):
    codes = {
        (name, method): (await anybody.request(method, f"/{name}.json")).status_code
        for name, methods in _served().items()
        for method in methods
    }

    assert set(codes.values()) == {403}, codes

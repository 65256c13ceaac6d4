"""Who may call what: every operation is in `matrix.toml`, and every role and scope is tried on it."""

import re
import tomllib
from pathlib import Path

import httpx2
import pytest

from trunkline import dialects as registry
from trunkline.accounts.roles import ROLES
from trunkline.dialects import openapi
from trunkline.dialects.dispatch import Dialects

pytestmark = pytest.mark.anyio

MATRIX = tomllib.loads((Path(__file__).parent / "matrix.toml").read_text())
# From the least to the most; a level is allowed to its role and those after it.
LEAST = {"view": 0, "create": 1, "interact": 1, "manage": 2, "admin": 3, "dangerous": 4}
RANKS = {"viewer": 0, "agent": 1, "editor": 2, "admin": 3, "owner": 4}


# The rights of rapidpro go by endpoint and method: see rapidpro/test_roles.py.
@pytest.mark.parametrize("name", [name for name in registry.DIALECTS if name != "rapidpro"])
def test_every_operation_is_in_the_matrix(name):
    dialect = registry.load(name)
    prefix = dialect.address
    served = {
        f"{route.method} {route.path.removeprefix(prefix)}": {"scope": route.scope, "level": route.level}
        for route in openapi.routes_of(dialect)
    }

    assert served == MATRIX[name]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", MATRIX)
async def test_a_key_opens_what_its_scopes_and_role_allow(database, vault, new_key, name, role):
    scopes = registry.load(name).scopes
    keys: dict[str, str] = {}

    async def key(granted: list[str]) -> str:
        told = " ".join(granted)
        if told not in keys:
            keys[told] = await new_key(name, scopes=granted, role=role, rate="off")
        return keys[told]

    wrong = []
    async with _client(database, vault, name) as client:
        for operation, needs in _guarded(name):
            may = not needs["level"] or RANKS[role] >= LEAST[needs["level"]]
            needed = needs["scope"].split()  # any of them
            granted = needed[:1] or ["*"]
            if await _is_refused(client, name, operation, await key(granted)) is may:
                wrong.append((operation, granted, may))
            others = [scope for scope in scopes if scope not in needed]
            if needs["scope"] and not await _is_refused(client, name, operation, await key(others)):
                wrong.append((operation, others, False))

    assert not wrong


@pytest.mark.parametrize("role", ROLES)
async def test_a_user_may_what_the_role_allows(database, vault, signed_in, account, role, monkeypatch):
    monkeypatch.setattr(registry.load("platform").limits, "default", None)
    token, _ = await signed_in(role, account)

    async with _client(database, vault, "platform") as client:
        opened = {
            operation: not await _is_refused(client, "platform", operation, token)
            for operation, _ in _guarded("platform")
        }

    assert opened == {operation: RANKS[role] >= LEAST[needs["level"]] for operation, needs in _guarded("platform")}


@pytest.mark.parametrize("name", MATRIX)
async def test_without_a_credential_nothing_is_open(database, vault, name):
    async with _client(database, vault, name) as client:
        statuses = {operation: (await _ask(client, operation)).status_code for operation, _ in _guarded(name)}

    assert set(statuses.values()) == {401}, statuses


def _guarded(name: str) -> list[tuple[str, dict[str, str]]]:
    return [(operation, needs) for operation, needs in MATRIX[name].items() if needs["level"] != "public"]


def _client(database, vault, name: str) -> httpx2.AsyncClient:
    dialect = registry.load(name)
    served = Dialects(database, vault=vault, served=[dialect])
    base = f"https://testserver{dialect.address}"
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(served), base_url=base)


async def _is_refused(client: httpx2.AsyncClient, name: str, operation: str, credential: str) -> bool:
    """Whether the answer is 403. What is asked for does not exist, so nothing else can come of it."""
    in_header = name in ("portal", "connector")
    headers = {"x-api-key": credential} if in_header else {"authorization": f"Bearer {credential}"}
    answer = await _ask(client, operation, headers)
    assert answer.status_code not in (401, 429, 500), f"{operation}: {answer.text}"
    return answer.status_code == 403


async def _ask(client: httpx2.AsyncClient, operation: str, headers: dict[str, str] | None = None) -> httpx2.Response:
    method, path = operation.split(" ", 1)
    return await client.request(method, re.sub(r"{\w+}", "999999999", path), headers=headers)

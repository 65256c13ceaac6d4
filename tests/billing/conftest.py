"""An agency with a client below it, and hands to turn the clock with."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec import Struct

from tests import world
from trunkline.accounts import settings
from trunkline.billing import agencies, credits, transfers
from trunkline.core import clock, ids
from trunkline.core.db import Database


class Family(Struct):
    """An agency and one of its sub-accounts."""

    database: Database
    agency: int
    sub: int
    email: str = "client@example.com"

    async def set(self, account: int, **values: object) -> None:
        async with self.database.tx(account) as tx:
            await settings.put(tx, values, egress=self.database.tools.egress, operator=True)

    async def grant(self, account: int, amount: int) -> None:
        async with self.database.tx(account) as tx:
            await transfers.grant(tx, amount)

    async def give(self, amount: int, key: str | None = None) -> transfers.Transfer:
        async with self.database.tx(self.agency, "key:1") as tx:
            return await transfers.transfer(tx, self.email, amount, idempotency_key=key)

    async def allow(self, monthly: int, *, roll_over: bool = False) -> agencies.Sub:
        async with self.database.system(self.agency) as tx:
            return await agencies.set_allowance(tx, self.email, monthly, roll_over=roll_over)

    async def spend(self, amount: int) -> None:
        async with self.database.tx(self.sub) as tx:
            await credits.charge(tx, amount, "test")

    async def available(self, account: int) -> int:
        async with self.database.tx(account) as tx:
            assert await credits.check(tx) is None
            return (await credits.balance(tx)).available

    async def shown(self) -> agencies.Sub:
        async with self.database.tx(self.agency) as tx:
            return await agencies.get(tx, self.email)


@pytest.fixture
async def clients(database: Database) -> Family:
    """They live by the clock of Bucharest. The agency pays for nothing until it is granted something."""
    agency = await world.workspace(database, kind="agency")
    async with database.tx(agency, "test") as tx:
        opened = await agencies.open(tx, "Acme", "client@example.com", timezone="Europe/Bucharest")
    return Family(database, agency, opened.account.id)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Turn the clock to a moment like `2031-03-01T00:00Z`."""

    def turn(moment: str) -> None:
        monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat(moment))

    return turn


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let so much time go by from the real now."""
    now = clock.now()
    return lambda **by: monkeypatch.setattr(clock, "now", lambda: now + timedelta(**by))


@pytest.fixture
def unique() -> str:
    """A name that no other test uses: people are one for the whole installation."""
    return f"user-{ids.token(10).lower()}"

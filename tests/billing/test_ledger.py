"""Whatever is done in whatever order: the books add up, nothing falls below zero, and nothing gets lost."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests import world
from trunkline.accounts import subaccounts
from trunkline.billing import credits, transfers
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, OutOfCredits

pytestmark = pytest.mark.anyio

EMAIL = "client@example.com"


class Books:
    """What ought to be: the same rules in plain numbers."""

    def __init__(self) -> None:
        self.available = {"agency": 0, "sub": 0}
        self.reserved = {"agency": 0, "sub": 0}
        self.metered = False
        self.keys: dict[str, int] = {}

    def allows(self, step: str, who: str, amount: int, key: str | None) -> bool:
        match step:
            case "reserve" | "charge":
                return self.available[who] >= amount
            case "capture" | "refund":
                return self.reserved[who] >= amount
            case "transfer" if key in self.keys:
                return self.keys[key] == amount
            case "transfer":
                return not self.metered or self.available["agency"] >= amount
        return True

    def enter(self, step: str, who: str, amount: int, key: str | None) -> None:
        match step:
            case "grant":
                self.available[who] += amount
                self.metered = self.metered or who == "agency"
            case "reserve" | "reserve_up_to":
                taken = min(amount, self.available[who])
                self.available[who] -= taken
                self.reserved[who] += taken
            case "charge" | "recapture":
                self.available[who] -= min(amount, self.available[who])
            case "capture":
                self.reserved[who] -= amount
            case "refund":
                self.reserved[who] -= amount
                self.available[who] += amount
            case "transfer" if key not in self.keys:
                self.available["sub"] += amount
                self.available["agency"] -= amount if self.metered else 0
                self.keys |= {key: amount} if key else {}


async def carry_out(database: Database, account: int, step: str, amount: int, key: str | None) -> None:
    async with database.tx(account) as tx:
        match step:
            case "grant":
                await transfers.grant(tx, amount)
            case "transfer":
                await transfers.transfer(tx, EMAIL, amount, idempotency_key=key)
            case _:
                await getattr(credits, step)(tx, amount, "test")


STEPS = st.tuples(
    st.sampled_from(["grant", "reserve", "reserve_up_to", "charge", "recapture", "capture", "refund", "transfer"]),
    st.sampled_from(["agency", "sub"]),
    st.integers(1, 40),
    st.sampled_from([None, None, "a", "b"]),
)


@profile(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=5, max_size=30))
async def test_the_books_add_up_after_every_step(
    database: Database, steps: list[tuple[str, str, int, str | None]]
) -> None:
    books = Books()
    accounts = {"agency": await world.workspace(database, kind="agency")}
    async with database.tx(accounts["agency"]) as tx:
        accounts["sub"] = (await subaccounts.create(tx, "Client", EMAIL)).id

    for step, who, amount, key in steps:
        actor = "agency" if step == "transfer" else who
        allowed = books.allows(step, who, amount, key)
        try:
            await carry_out(database, accounts[actor], step, amount, key)
        except (OutOfCredits, Conflict):
            assert not allowed
        else:
            assert allowed
            books.enter(step, who, amount, key)

        for name, account in accounts.items():
            async with database.tx(account) as tx:
                assert await credits.balance(tx) == credits.Balance(books.available[name], books.reserved[name])
                assert await credits.check(tx) is None

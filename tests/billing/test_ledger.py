"""Whatever is done in whatever order: the books add up, nothing falls below zero, and nothing gets lost."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec import Struct

from tests import world
from trunkline.accounts import subaccounts
from trunkline.billing import allowances, credits, statements, transfers
from trunkline.campaigns import closing
from trunkline.core import clock
from trunkline.core.db import Database
from trunkline.core.errors import Conflict, OutOfCredits
from trunkline.core.jobs import Call, Desk

AMOUNTS = st.integers(1, 40)
WHICH = st.integers(0, 2)


class Book(Struct):
    """What one account ought to have, in plain numbers; `spent` is all that it ever bought."""

    account: int
    email: str = ""
    available: int = 0
    reserved: int = 0
    spent: int = 0
    monthly: int = 0
    roll_over: bool = False
    month: int | None = None
    given: int = 0
    used: int = 0

    def take(self, amount: int) -> None:
        self.available -= amount
        self.used += amount

    @property
    def left(self) -> int:
        return max(0, min(self.available, self.given, self.given - self.used))


class Ledger(RuleBasedStateMachine):
    """An agency and its sub-accounts, in the database and in plain numbers side by side."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    month: ClassVar[int] = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize(metered=st.booleans())
    def begin(self, metered: bool) -> None:
        type(self).month = 0
        self.agency = Book(self.run(world.workspace(self.database, kind="agency", metered=metered)))
        self.metered, self.granted, self.made = metered, 0, 0
        self.subs: list[Book] = []
        self.gone: list[Book] = []
        self.paid_always = metered
        self.keys: dict[str, tuple[int, int]] = {}
        for _ in range(3):
            self.open()

    def open(self) -> None:
        self.made += 1
        email = f"client-{self.made}@example.com"

        async def make() -> int:
            async with self.database.tx(self.agency.account) as tx:
                return (await subaccounts.create(tx, "Client", email)).id

        self.subs.append(Book(self.run(make()), email))

    @rule(amount=AMOUNTS)
    def grant(self, amount: int) -> None:
        async def act() -> None:
            async with self.database.tx(self.agency.account) as tx:
                await transfers.grant(tx, amount)

        self.run(act())
        self.agency.available += amount
        self.granted += amount
        self.metered = True

    @rule(which=WHICH, amount=AMOUNTS, key=st.sampled_from([None, None, "a", "b"]))
    def transfer(self, which: int, amount: int, key: str | None) -> None:
        sub = self.subs[which]

        async def act() -> None:
            async with self.database.tx(self.agency.account) as tx:
                await transfers.transfer(tx, sub.email, amount, idempotency_key=key)

        if key in self.keys and self.keys[key] != (sub.account, amount):
            with pytest.raises(Conflict):
                self.run(act())
        elif key in self.keys:
            self.run(act())
        elif not self.pays(amount):
            with pytest.raises(OutOfCredits):
                self.run(act())
        else:
            self.run(act())
            self.keys |= {key: (sub.account, amount)} if key else {}
            self.give(sub, amount)

    @rule(which=WHICH, amount=AMOUNTS, step=st.sampled_from(["reserve", "charge"]))
    def spend(self, which: int, amount: int, step: str) -> None:
        sub = self.subs[which]
        if sub.available < amount:
            with pytest.raises(OutOfCredits):
                self.run(self.move(sub, step, amount))
            return
        self.run(self.move(sub, step, amount))
        sub.take(amount)
        if step == "reserve":
            sub.reserved += amount
        else:
            sub.spent += amount

    @rule(which=WHICH, amount=AMOUNTS, step=st.sampled_from(["reserve_up_to", "recapture"]))
    def spend_what_is_there(self, which: int, amount: int, step: str) -> None:
        sub = self.subs[which]
        self.run(self.move(sub, step, amount))
        taken = min(amount, sub.available)
        sub.take(taken)
        if step == "reserve_up_to":
            sub.reserved += taken
        else:
            sub.spent += taken

    @rule(which=WHICH, amount=AMOUNTS, step=st.sampled_from(["capture", "refund"]))
    def settle(self, which: int, amount: int, step: str) -> None:
        sub = self.subs[which]
        if sub.reserved < amount:
            with pytest.raises(Conflict):
                self.run(self.move(sub, step, amount))
            return
        self.run(self.move(sub, step, amount))
        sub.reserved -= amount
        if step == "capture":
            sub.spent += amount
        else:
            sub.take(-amount)

    @rule(which=WHICH, monthly=st.integers(0, 40), roll_over=st.booleans())
    def set_allowance(self, which: int, monthly: int, roll_over: bool) -> None:
        sub = self.subs[which]

        async def act() -> None:
            async with self.database.system(self.agency.account) as tx:
                await allowances.put(tx, sub.account, monthly, roll_over=roll_over)

        if not monthly and sub.month is None:
            self.run(act())
        elif sub.month is None and not self.pays(monthly):
            with pytest.raises(OutOfCredits):
                self.run(act())
        else:
            self.run(act())
            sub.monthly, sub.roll_over = monthly, roll_over
            if sub.month is None:
                self.turn(sub)

    @rule(months=st.integers(1, 3))
    def months_go_by(self, months: int) -> None:
        type(self).month += months
        self.run(allowances.catch_up(self.database))
        for sub in self.subs:  # in the order of their ids, each as far as the agency's credits go
            while sub.month is not None and sub.month < self.month and self.turn(sub):
                pass

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        sub = self.subs[which]

        async def act() -> None:
            async with self.database.tx(self.agency.account) as tx:
                await subaccounts.delete(tx, sub.email)
            call = Call(self.agency.account, 0, None, "sub_account.close", [sub.account], "test", "", 0, 1)
            await closing.finish.run(Desk(self.database, call, None), sub.account)

        self.run(act())
        self.agency.available += sub.available if self.metered else 0
        sub.available = 0
        self.gone.append(self.subs.pop(which))
        self.open()
        self.subs.insert(which, self.subs.pop())

    @invariant()
    def books_add_up(self) -> None:
        for book in (self.agency, *self.subs, *self.gone):
            self.run(self.look(book))

    @invariant()
    def nothing_is_lost(self) -> None:
        """Only where the agency pays for what it gives from the first to the last."""
        if self.paid_always:
            subs = (*self.subs, *self.gone)
            assert self.agency.available + sum(sub.available + sub.reserved + sub.spent for sub in subs) == self.granted

    async def look(self, book: Book) -> None:
        async with self.database.tx(book.account) as tx:
            assert await credits.balance(tx) == credits.Balance(book.available, book.reserved)
            assert await credits.check(tx) is None
            statement = await statements.of_month(tx, f"{datetime.now(UTC):%Y-%m}")
            assert (statement.opening, statement.closing) == (credits.Balance(0, 0), await credits.balance(tx))

    async def move(self, book: Book, step: str, amount: int) -> None:
        async with self.database.tx(book.account) as tx:
            await getattr(credits, step)(tx, amount, "test")

    def pays(self, amount: int) -> bool:
        return not self.metered or self.agency.available >= amount

    def give(self, sub: Book, amount: int) -> None:
        sub.available += amount
        self.agency.available -= amount if self.metered else 0
        self.paid_always = self.paid_always and self.metered

    def turn(self, sub: Book) -> bool:
        back = 0 if sub.roll_over else sub.left
        if not self.pays(sub.monthly - back):
            return False
        kept = sub.left - back
        sub.available -= back
        self.agency.available += back if self.metered else 0
        self.give(sub, sub.monthly)
        sub.given, sub.used = kept + sub.monthly, 0
        sub.month = self.month if sub.month is None else sub.month + 1
        return True


def test_the_books_add_up_after_every_step(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def now() -> datetime:
        return datetime(2031 + Ledger.month // 12, 1 + Ledger.month % 12, 2, tzinfo=UTC)

    monkeypatch.setattr(clock, "now", now)
    options = profile(
        max_examples=15,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    with asyncio.Runner() as runner:
        Ledger.runner = runner
        Ledger.database = runner.run(Database(dsn, connections=3).open())
        try:
            run_state_machine_as_test(Ledger, settings=options)
        finally:
            runner.run(Ledger.database.close())

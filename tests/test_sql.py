"""Every statement is prepared against a migrated database; whoever touches a tenant's table names the account."""

import importlib
import pkgutil
import re

import asyncpg
import pytest

import trunkline
from trunkline.core.db import STATEMENTS

pytestmark = pytest.mark.anyio

for module in pkgutil.walk_packages(trunkline.__path__, "trunkline."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

SYSTEM = {
    "trunkline.accounts",
    "trunkline.ai.spend",
    "trunkline.analytics.counters",
    "trunkline.billing",
    "trunkline.campaigns.closing",
    "trunkline.campaigns.expanding",
    "trunkline.campaigns.points",
    "trunkline.contacts.bulk",
    "trunkline.contacts.search",
    "trunkline.core.db",
    "trunkline.core.events",
    "trunkline.core.idempotency",
    "trunkline.core.jobs",
    "trunkline.core.live",
    "trunkline.core.schedules",
    "trunkline.flows.counts",
    "trunkline.flows.logs",
    "trunkline.flows.starting",
    "trunkline.flows.waiting",
    "trunkline.health",
    "trunkline.housekeeping",
    "trunkline.inbox.snoozing",
    "trunkline.messaging.channel_events",
    "trunkline.messaging.channels",
    "trunkline.messaging.chat.pruning",
    "trunkline.messaging.lines",
    "trunkline.messaging.logs",
    "trunkline.messaging.receiving",
    "trunkline.messaging.tracking",
    "trunkline.proof",
    "trunkline.storage",
    "trunkline.webhooks.deliveries",
    "trunkline.webhooks.queue",
    "trunkline.webhooks.resthooks",
    "trunkline.workflows.hooks",
    "trunkline.worker",
}
"""Who may use the system role: claims, schedulers, sign-in, key lookup, pool channels, the operator's commands."""


async def test_every_statement_prepares(connection: asyncpg.Connection) -> None:
    wrong = []

    for statement in STATEMENTS:
        try:
            await connection.prepare(statement.text)
        except asyncpg.PostgresError as error:
            wrong.append(f"{statement!r}: {error}")

    assert not wrong, "\n".join(wrong)


async def test_every_statement_on_a_tenants_table_names_the_account(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "select table_name from information_schema.columns where column_name = 'account_id' and table_schema = 'public'"
    )
    tables = re.compile(rf"\b(?:from|join|into|update|using)\s+({'|'.join(row[0] for row in rows)})\b")

    silent = [s for s in STATEMENTS if tables.search(s.text) and "account_id" not in s.text and not s.system]

    assert not silent, "\n".join(map(repr, silent))


def test_the_system_role_is_used_by_a_listed_few() -> None:
    strangers = {s.module for s in STATEMENTS if s.system and not any(s.module.startswith(name) for name in SYSTEM)}

    assert not strangers


async def test_without_an_account_nothing_is_seen(connection: asyncpg.Connection, account: int) -> None:
    tables = await connection.fetch("select relname from pg_class where relrowsecurity and relkind = 'r'")
    await connection.execute("set role trunkline_app")

    seen = [row[0] for row in tables if await _readable_rows(connection, row[0])]

    assert not seen


async def _readable_rows(connection: asyncpg.Connection, table: str) -> int:
    """The operator's pool channels are for everybody to see."""
    columns = "id" if table == "users" else "*"
    shared = "account_id = 0" if table == "channels" else "false"
    return len(await connection.fetch(f'select {columns} from "{table}" where not {shared}'))

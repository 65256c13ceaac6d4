"""The requests of the documentation do what they say, over real HTTP."""

import asyncio
import importlib.util
import shutil
from pathlib import Path

import pytest

from tests import world
from tests.dialects import shell
from trunkline.ai import assistants
from trunkline.billing import agencies
from trunkline.billing.agencies import Terms

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")]


async def test_the_snippets_work(dialects, database, account, key, new_key, channel, new_list, outside):
    async with database.tx(account) as tx:
        campaign = await assistants.create(tx, "Support")
    agency = await world.workspace(database, kind="agency")
    agency_key = await new_key("connector", account=agency)
    await world.grant(database, agency, 1000)
    await subaccount(database, agency)
    wanted = {
        "list_id": await new_list(account),
        "campaign_id": outside("campaign", campaign.id),
        "agency_key": agency_key,
    }

    async with shell.served(dialects) as base_url:
        got = await asyncio.to_thread(runner().run_all, base_url, key, **wanted)

    assert {name: exchange.status for name, exchange in got.items()} == {
        "create_contact": 201,
        "add_to_list": 200,
        "send_message": 200,
        "receive_message": 200,
        "grant_credits": 200,
    }
    created = got["create_contact"].body
    assert {name: created[name] for name in ("firstName", "lastName", "phone", "email")} == {
        "firstName": "Jane",
        "lastName": "Smith",
        "phone": "+15551234567",
        "email": "jane@example.com",
    }
    assert got["add_to_list"].body["message"] == "Contact successfully added to list My List"
    assert got["receive_message"].body["contactId"] == got["send_message"].body["contactId"]
    assert got["grant_credits"].body["new_balance"] == 542


async def subaccount(database, agency):
    """One that has 42 credits left."""
    async with database.tx(agency) as tx:
        await agencies.open(tx, "Client", "client@example.com", Terms(credits=42))


def runner():
    spec = importlib.util.spec_from_file_location("connector_snippets", Path(__file__).parent / "snippets" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

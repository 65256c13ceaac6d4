"""The snippets of the documentation do what they say, over real HTTP."""

import asyncio
import importlib.util
import shutil
from pathlib import Path

import pytest

from tests import world
from tests.dialects import shell
from trunkline.messaging import templates
from trunkline.messaging.templates import Draft

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("node")), reason="needs curl and node"),
]


async def test_the_snippets_work(dialects, new_key, database, account, sms, email, whatsapp, reminder):
    async with database.tx(account) as tx:
        await templates.create(tx, Draft(key="delivery_update", channel="whatsapp", body="{{name}}: {{order}}"))
    await world.simulator(database, account, **{"as": "voice"})
    key = await new_key("portal")

    async with shell.served(dialects) as base_url:
        got = await asyncio.to_thread(runner().run_all, base_url, key, email=email.id, whatsapp=whatsapp.id)

    assert {name: [exchange.status for exchange in exchanges] for name, exchanges in got.items()} == {
        "onboarding": [200],
        "contacts": [200, 201],
        "send_sms": [202],
        "send_email": [202],
        "send_whatsapp": [202],
        "send_batch": [202],
        "initiate_call": [202],
        "campaign": [201, 202, 200],
        "templates": [200, 200],
        "message_status": [200, 200],
    }
    assert got["send_batch"][0].body["data"]["accepted"] == 2
    assert got["message_status"][1].body["meta"] == {"not_found": []}
    assert got["contacts"][1].body["data"]["name"] == "Maria Ionescu"


def runner():
    spec = importlib.util.spec_from_file_location("portal_snippets", Path(__file__).parent / "snippets" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

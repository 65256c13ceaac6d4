"""Five hundred SMS by one call of the portal, to people who are contacts already."""

import time

import aiohttp
from msgspec import Struct

from benchmarks import stage
from benchmarks.measuring import Figure, Scale, percentile
from benchmarks.stage import Stage
from trunkline.messaging import channels


class Size(Struct, frozen=True):
    calls: int
    recipients: int = 500


SIZES: dict[Scale, Size] = {"full": Size(30), "quick": Size(8), "tiny": Size(1, 10)}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with where.database("batch") as database:
        workspace = await stage.workspace(database)
        await stage.people(database, workspace.id, size.calls * size.recipients, "tel")
        key = await stage.key(database, workspace, "portal")
        async with database.tx(workspace.id) as tx:
            await channels.create(tx, "simulator", "Phones", "+40700000000", {})
        folder = where.new_folder("web")
        (folder / "secret").write_text((database.tools.settings.data / "secret").read_text())
        async with stage.running(["web"], folder, TRUNKLINE_DATABASE_URL=database.dsn) as web:
            waits = await _send(f"{web.url}/api/portal/v1/messages/send-batch", key, size)
    return [
        Figure(name=f"{size.recipients} messages by one call: p50", value=percentile(waits, 50), unit="ms"),
        Figure(name=f"{size.recipients} messages by one call: p99", value=percentile(waits, 99), unit="ms"),
        Figure(name="messages taken by calls", value=size.recipients * len(waits) / sum(waits) * 1000, unit="/s"),
    ]


async def _send(url: str, key: str, size: Size) -> list[float]:
    waits = []
    async with aiohttp.ClientSession(headers={"X-API-Key": key}) as session:
        for call in range(size.calls):
            first = 1 + call * size.recipients
            people = [
                {"to": stage.phone(number), "variables": {"day": "Sunday"}}
                for number in range(first, first + size.recipients)
            ]
            body = {"channel": "sms", "body": "Half off until {{day}}.", "recipients": people}
            began = time.perf_counter()
            async with session.post(url, json=body) as response:
                assert response.status == 202, (await response.text())[:300]
                await response.read()
            waits.append((time.perf_counter() - began) * 1000)
    return waits

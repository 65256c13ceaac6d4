import copy
from typing import Any
import pytest
from collections.abc import AsyncIterator
from tests import talks, world
from tests.flows import generating
from trunkline.core.db import Database
from trunkline.core.errors import TrunklineError
from trunkline.campaigns import transfers
from trunkline.flows.faults import UnsupportedVersion
from trunkline.flows.transfer.envelope import InvalidFile
pytestmark = pytest.mark.anyio

def places(v, path=()):
    if isinstance(v, dict):
        for k, x in v.items():
            yield from places(x, (*path, k))
    elif isinstance(v, list):
        for n, x in enumerate(v[:3]):
            yield from places(x, (*path, n))
    elif isinstance(v, str):
        yield path

async def test_x(database: Database, account: int):
    await world.simulator(database, account)
    file = generating.export(1)
    file["flows"] = [generating.small_flow()]
    ref = {"uuid": file["flows"][0]["uuid"], "name": file["flows"][0]["name"]}
    for t in file["triggers"]: t["flow"] = ref
    for e in file["campaigns"][0]["events"]:
        if "flow" in e: e["flow"] = ref
    bad = []
    n=0
    for path in list(places(file)):
        for junk in ("a\0b", "\ud800", "x" * 70000):
            broken = generating.replaced(file, path, junk)
            n+=1
            try:
                async with database.tx(account) as tx:
                    await transfers.import_file(tx, broken)
                    await tx.flush() if hasattr(tx, "flush") else None
                    raise KeyError
            except (KeyError, InvalidFile, UnsupportedVersion):
                pass
            except TrunklineError as e:
                bad.append((path, junk[:5], "refusal", repr(e)[:100]))
            except Exception as e:
                bad.append((path, junk[:5], type(e).__name__, str(e)[:100]))
    print(n)
    for b in bad: print(b)
    assert not bad

"""Pictures of the pages for the documents: starts a demo in a folder of its own and looks at it with Chromium."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.web import chromium

PICTURES = Path(__file__).parents[1] / "docs" / "screenshots"
SIGN_IN = """
    document.querySelector("#email").value = {email};
    document.querySelector("#password").value = {password};
    document.querySelector("form").requestSubmit();
"""


async def take() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "trunkline", "up", "--demo", "--json", "--port", "0", "--data", folder)
        up = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert up.stdout is not None
        told = json.loads(await up.stdout.readline())
        try:
            async with chromium.page() as page:
                await page.go(told["url"])
                words = {name: json.dumps(told["demo"][name]) for name in ("email", "password")}
                await page.evaluate(SIGN_IN.format(**words))
                await page.until("document.querySelector('[data-wire]')?.textContent === 'Live'")
                await asyncio.sleep(2)  # some of the demo's broadcast has gone out
                for name, dark in (("status.png", False), ("status-dark.png", True)):
                    await page.look(1200, 900, dark=dark)
                    (PICTURES / name).write_bytes(await page.picture())
        finally:
            up.terminate()
            await up.wait()


if __name__ == "__main__":
    asyncio.run(take())

"""A real browser over its debugging protocol: type, click, look, take pictures."""

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium")
PATIENCE = 30

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-port=0",
]


class Page:
    """One tab. `problems` is what it wrote to its console in red: script errors, refusals of the policy."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse):
        self.problems: list[str] = []
        self._socket = socket
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reader = asyncio.create_task(self._read())

    async def command(self, method: str, **params: Any) -> Any:
        id = next(self._ids)
        self._answers[id] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": id, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            return await self._answers[id]

    async def go(self, url: str) -> None:
        await self.command("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def evaluate(self, script: str) -> Any:
        answer = await self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._holds(condition):
                await asyncio.sleep(0.05)

    async def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """The size of the window, and the colours that the person prefers."""
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.command("Emulation.setEmulatedMedia", features=[feature])

    async def picture(self) -> bytes:
        """The whole page as PNG, however long."""
        taken = await self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    async def _holds(self, condition: str) -> bool:
        try:
            return await self.evaluate(f"!!({condition})")
        except RuntimeError:  # between two pages there is nothing to ask
            return False

    async def _read(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if (future := self._answers.pop(told.get("id", 0), None)) is not None:
                if "error" in told:
                    future.set_exception(RuntimeError(told["error"]["message"]))
                else:
                    future.set_result(told["result"])
            elif told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
                self.problems.append(told["params"]["entry"]["text"])
            elif told.get("method") == "Runtime.exceptionThrown":
                self.problems.append(json.dumps(told["params"]["exceptionDetails"]))


@contextlib.asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """A new browser with one empty tab."""
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *FLAGS,
            f"--user-data-dir={folder}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession() as session, session.ws_connect(await _tab(session, Path(folder))) as ws:
                tab = Page(ws)
                for domain in ("Page", "Runtime", "Log"):
                    await tab.command(f"{domain}.enable")
                yield tab
                tab._reader.cancel()
        finally:
            process.kill()
            await process.wait()


async def _tab(session: aiohttp.ClientSession, folder: Path) -> str:
    """The address of the first tab's debugger."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(FileNotFoundError, IndexError, aiohttp.ClientError):
                port = (folder / "DevToolsActivePort").read_text().splitlines()[0]
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    for each in await answer.json():
                        if each["type"] == "page":
                            return each["webSocketDebuggerUrl"]
            await asyncio.sleep(0.05)

"""Command lines of the documentation, run as readers would: by a shell with curl, against a server that listens."""

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from trunkline.server import Edge, serve


class Exchange(NamedTuple):
    status: int
    body: Any


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The app behind the product's own server, on a free port of the loopback."""
    stop = asyncio.Event()
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = serve(
        Edge(app, access_log=False),
        host="127.0.0.1",
        port=0,
        stop=stop,
        drain_seconds=1,
        on_listen=lambda host, port: listening.set_result(port),
    )
    task = asyncio.create_task(server)
    try:
        yield f"http://127.0.0.1:{await listening}"
    finally:
        stop.set()
        await task


async def run(script: str) -> list[Exchange]:
    """What each curl of a script got, in order."""
    return await asyncio.to_thread(_run, script)


def _run(script: str) -> list[Exchange]:
    """curl tells the status after each body because its settings file says so: the script stays as it is."""
    with tempfile.TemporaryDirectory() as home:
        Path(home, ".curlrc").write_text(f'silent\nnoproxy = "*"\nwrite-out = "{PART}%{{http_code}}{END}"\n')
        done = subprocess.run(
            ["sh", "-e", "-c", script],
            env={**os.environ, "CURL_HOME": home},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    parts = [part.split(PART) for part in done.stdout.split(END) if part.strip()]
    return [Exchange(int(status), json.loads(body) if body.strip() else None) for body, status in parts]


PART, END = "~~status:", "~~end~~"  # curl would take a leading @ for a file

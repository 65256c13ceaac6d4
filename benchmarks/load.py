"""Load on a server: closed loop (connections that ask again at once) and open loop (at set moments)."""

import asyncio
import re
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop
from msgspec import Struct

from benchmarks.measuring import percentile
from benchmarks.stage import clean_environment

CONNECTIONS = 32


class Load(Struct, frozen=True):
    """Answers a second and the milliseconds that they took; `refused` counts all but 2xx."""

    rate: float
    p50: float
    p99: float
    refused: int


async def closed(url: str, headers: Mapping[str, str], seconds: float) -> Load:
    """By wrk where it is installed, else by the little one below; both in a process of their own."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if shutil.which("wrk") and seconds >= 1:
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{round(seconds)}s", "--latency"]
        return of_wrk(await _output("wrk", *options, *(word for line in lines for word in ("-H", line)), url))
    own = (sys.executable, "-m", "benchmarks.load", url, str(seconds), *lines)
    return msgspec.json.decode(await _output(*own), type=Load)


async def open_loop(send: Callable[[int], Awaitable[None]], rate: float, seconds: float) -> list[float]:
    """Call at a fixed rate, whether or not the calls before are done; milliseconds since each call was due.

    So a server that stands still is charged for all who would have come meanwhile.
    """
    began = time.perf_counter()

    async def one(number: int) -> float:
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await send(number)
        return (time.perf_counter() - due) * 1000

    async with asyncio.timeout(seconds + 30):
        return list(await asyncio.gather(*(one(number) for number in range(round(rate * seconds)))))


async def _output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env=clean_environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {errors.decode()}")
    return output.decode()


def of_wrk(text: str) -> Load:
    rate, refused = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    latency = {name: float(value) * MS[unit] for name, value, unit in re.findall(r"(\d\d)%\s+([\d.]+)(us|ms|s)", text)}
    assert rate is not None, text
    return Load(float(rate[1]), latency["50"], latency["99"], int(refused[1]) if refused else 0)


MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Asker(asyncio.Protocol):
    """One connection that sends the same request again as soon as it is answered."""

    def __init__(self, request: bytes, until: float, waits: list[float], refused: list[int], done: Callable[[], Any]):
        self.request, self.until, self.waits, self.refused, self.done = request, until, waits, refused, done

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpResponseParser(self)
        self.ask()

    def ask(self) -> None:
        self.asked = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.waits.append((now - self.asked) * 1000)
        if not 200 <= self.parser.get_status_code() < 300:
            self.refused.append(self.parser.get_status_code())
        if now < self.until:
            self.parser = httptools.HttpResponseParser(self)
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.done()


async def main(url: str, seconds: float, lines: list[str]) -> None:
    place = urlsplit(url)
    head = [f"GET {place.path}?{place.query} HTTP/1.1", f"Host: {place.netloc}", *lines]
    assert place.hostname is not None
    assert place.port is not None
    request = ("\r\n".join(head) + "\r\n\r\n").encode()
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    refused: list[int] = []
    ends = [asyncio.Event() for _ in range(CONNECTIONS)]
    until = time.perf_counter() + seconds
    for end in ends:
        asker = partial(Asker, request, until, waits, refused, end.set)
        await loop.create_connection(asker, place.hostname, place.port)
    for end in ends:
        await end.wait()
    found = Load(len(waits) / seconds, percentile(waits, 50), percentile(waits, 99), len(refused))
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))

"""Installations of a browser test: `trunkline up` in a folder of its own, and workspaces made by commands."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from msgspec import Struct

PASSWORD = "a bird sang twice"
NUMBERS = itertools.count(1)


@contextlib.contextmanager
def running(data: Path, *options: str, **settings: str) -> Iterator["House"]:
    """An installation in a folder until the block ends; `settings` are variables without their TRUNKLINE_."""
    house = House("", data, settings={f"TRUNKLINE_{name.upper()}": value for name, value in settings.items()})
    port = settings.get("public_url", "").rpartition(":")[2] or "0"
    command = [sys.executable, "-m", "trunkline", "up", "--port", port, "--data", str(data), "--json", *options]
    with (data.parent / f"{data.name}.log").open("w") as log:
        process = subprocess.Popen(command, env=house.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            house.url, house.demo = told["url"], told.get("demo", {})
            yield house
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)


def port_free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class House(Struct):
    """A running installation. `demo` is what it told of its demo world, `settings` are its own variables."""

    url: str
    data: Path
    demo: dict[str, Any] = {}
    settings: dict[str, str] = {}

    def run(self, *arguments: object) -> Any:
        """One command of ours; its JSON."""
        call = [sys.executable, "-m", "trunkline", *map(str, arguments), "--json"]
        done = subprocess.run(call, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr or done.stdout
        return json.loads(done.stdout.splitlines()[-1])

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "TRUNKLINE_DATA": str(self.data), "TRUNKLINE_EGRESS_ALLOW": "127.0.0.0/8"} | self.settings


class Workspace(Struct):
    """A tenant of a test's own, with an owner."""

    house: House
    uuid: str
    id: int
    email: str

    def member(self, role: str = "agent", name: str = "") -> str:
        """Somebody else with the same password; their address."""
        email = f"{role}{next(NUMBERS)}@example.com"
        self.house.run(
            "user",
            "create",
            email,
            "--account",
            self.uuid,
            "--role",
            role,
            "--password",
            PASSWORD,
            "--name",
            name or role,
        )
        return email

    def key(self, dialect: str) -> str:
        return self.house.run("key", "create", "--account", self.uuid, "--user", self.email, "--dialect", dialect)[
            "key"
        ]

    def channel(self, kind: str = "simulator", *, name: str = "Phone", address: str = "", **settings: object) -> Any:
        """A channel, with its `callback_url` and `secret`."""
        number = address or f"+4072000{next(NUMBERS):04}"
        pairs = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        account = ("--account", self.uuid, "--name", name, "--address", number)
        return self.house.run("channel", "create", kind, *account, *pairs)

    def api(self, dialect: str = "platform") -> httpx2.Client:
        """A client of one of the APIs: its key is in the headers."""
        key = self.key(dialect)
        headers = {"X-API-Key": key} if dialect == "portal" else {"Authorization": f"Bearer {key}"}
        return httpx2.Client(base_url=self.house.url, headers=headers, timeout=30)

    def hear(self, channel: Any, sender: str, text: str, **more: Any) -> None:
        """Somebody writes to a simulated channel."""
        said = {"id": f"in-{next(NUMBERS)}", "from": sender, "text": text, **more}
        headers = {"Authorization": f"Bearer {channel['secret']}"}
        answer = httpx2.post(f"{self.house.url}/c/simulator/{channel['uuid']}/receive", json=said, headers=headers)
        assert answer.status_code == 200, answer.text

"""`trunkline up` as people run it: it starts, heals, and ends in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

PATIENCE = 30.0


class Up(Struct):
    process: "subprocess.Popen[str]"
    data: Path
    first: dict[str, Any]
    log: Path

    @property
    def url(self) -> str:
        return self.first["url"]

    def child(self, name: str) -> int:
        """Process id of the web or worker process; 0 while there is none."""
        for pid in below(self.process.pid):
            if command(pid) == [f"trunkline {name}"]:
                return pid
        return 0

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextmanager
def up(data: Path, *options: str) -> Iterator[Up]:
    log = data.with_suffix(".log")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "trunkline", "up", "--port", "0", "--data", str(data), "--json", *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line, log.read_text()
        yield Up(process, data, json.loads(line), log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)


def below(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(child) for child in tasks.read_text().split()] if tasks.exists() else []
    return [one for child in children for one in (child, *below(child))]


def command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return []


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def trunkline(*arguments: str, data: Path) -> Any:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", *arguments, "--data", str(data), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("up") / "data", "--demo") as running:
        yield running


def test_the_first_line_tells_how_to_get_in(running: Up) -> None:
    demo = running.first["demo"]

    assert running.first["data"] == str(running.data)
    assert {"email", "password", "account", "keys"} <= set(demo)
    assert set(demo["account"]) == {"id", "uuid"}
    assert demo["keys"]["platform"].startswith("trk_platform_")


def test_it_answers(running: Up) -> None:
    assert get(f"{running.url}/healthz")["status"] == "ok"
    assert until(lambda: get(f"{running.url}/readyz")["workers"]) == 1


def test_commands_work_beside_it(running: Up) -> None:
    listed = trunkline("account", "list", data=running.data)

    assert [account["name"] for account in listed] == ["Acme"]


def test_a_broadcast_is_paused_and_resumed_by_command(running: Up) -> None:
    account = running.first["demo"]["account"]["uuid"]
    [sending] = [
        one
        for one in trunkline("broadcast", "list", "--account", account, data=running.data)
        if one["status"] == "sending"
    ]

    paused = trunkline("broadcast", "pause", sending["uuid"], data=running.data)
    resumed = trunkline("broadcast", "resume", str(sending["id"]), data=running.data)

    assert (paused["status"], resumed["status"]) == ("paused", "sending")


def test_a_second_one_on_the_same_folder_is_refused(running: Up) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "up", "--port", "0", "--data", str(running.data), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "already running" in json.loads(done.stderr.splitlines()[-1])["error"]["message"]
    assert get(f"{running.url}/healthz")["status"] == "ok"


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_killed_process_is_started_again(running: Up, name: str) -> None:
    killed = until(lambda: running.child(name))

    os.kill(killed, signal.SIGKILL)

    assert until(lambda: running.child(name) not in (0, killed))
    assert until(lambda: get(f"{running.url}/readyz")["workers"])


def test_a_killed_database_comes_back_under_the_same_address(running: Up) -> None:
    killed = postmaster(running.data)

    os.kill(killed, signal.SIGKILL)

    assert until(lambda: postmaster(running.data) != killed)
    assert until(lambda: get(f"{running.url}/readyz")["status"] == "ok")


def test_it_ends_in_order_and_comes_back_without_telling_secrets(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with up(data, "--demo") as first:
        code = first.end()
    leftovers = list((data / "postgres").glob("postmaster.pid"))

    with up(data, "--demo") as second:
        told = second.first["demo"]

    assert code == 0
    assert leftovers == []
    assert told == {"email": first.first["demo"]["email"], "account": first.first["demo"]["account"]}


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        children = [until(lambda name=name: running.child(name)) for name in ("web", "worker")]
        running.process.kill()
        running.process.wait(PATIENCE)

        gone = until(lambda: not any(command(child) for child in children))
        adopted = postmaster(running.data)
        with up(running.data) as again:
            assert postmaster(again.data) == adopted

    assert gone


def test_all_end_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    with up(tmp_path / "data") as running:
        children = [until(lambda name=name: running.child(name)) for name in ("web", "worker")]
        supervisor = next(pid for pid in below(running.process.pid) if command(pid)[-1:] == ["--json"])

        os.kill(supervisor, signal.SIGKILL)
        code = running.process.wait(PATIENCE)
        postgres = postmaster(running.data)
        os.kill(postgres, signal.SIGTERM)

    assert code == 128 + signal.SIGKILL
    assert until(lambda: not any(command(child) for child in children))


def test_a_port_that_is_taken_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        done = subprocess.run(
            [sys.executable, "-m", "trunkline", "up", "--port", str(port), "--data", str(tmp_path / "data")],
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "--port 0" in done.stderr
    assert not (tmp_path / "data").exists()


def test_without_a_worker_there_is_none(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--no-worker") as running:
        assert running.child("worker") == 0
        assert get(f"{running.url}/readyz")["workers"] == 0

        worker = subprocess.Popen([sys.executable, "-m", "trunkline", "worker", "--data", str(running.data)])
        until(lambda: get(f"{running.url}/readyz")["workers"] == 1)
        worker.terminate()

        assert worker.wait(PATIENCE) == 0


def test_on_an_empty_database_it_says_how_to_begin(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline", "up", "--port", "0", "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    said = ""
    while "Ctrl-C" not in said and (line := process.stdout.readline()):
        said += line
    process.send_signal(signal.SIGINT)

    assert process.wait(PATIENCE) == 0
    assert "trunkline account create" in said

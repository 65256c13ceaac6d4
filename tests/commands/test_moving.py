"""`import rapidpro` and `import release`."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Empty(BaseHTTPRequestHandler):
    """A workspace with nothing in it."""

    def do_GET(self) -> None:
        body = b'{"next":null,"previous":null,"results":[]}'
        self.send_response(200 if self.headers["authorization"] == "Token right" else 403)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_workspace_is_copied_and_reported_on(trunkline: Any, acme: str, host: str) -> None:
    report = trunkline("import", "rapidpro", "--host", host, "--token", "right", "--account", acme, "--json").json

    assert report["host"] == host.removeprefix("http://")
    assert [each["part"] for each in report["parts"]][:4] == ["fields", "globals", "labels", "groups"]
    assert all(each["finished"] and not each["copied"] for each in report["parts"])


def test_a_person_sees_a_table_and_what_to_do_next(trunkline: Any, acme: str, host: str) -> None:
    outcome = trunkline("import", "rapidpro", "--host", host, "--token", "right", "--account", acme)

    assert "Part" in outcome.out
    assert "trunkline import release" in outcome.out


def test_a_wrong_token_is_refused_without_being_repeated(trunkline: Any, acme: str, host: str) -> None:
    outcome = trunkline("import", "rapidpro", "--host", host, "--token", "wrong", "--account", acme, "--json")

    assert "403" in outcome.refusal["message"]
    assert "wrong" not in outcome.err


def test_nothing_held_is_nothing_let_go(trunkline: Any, acme: str) -> None:
    done = trunkline("import", "release", "--account", acme, "--json").json

    assert done == {"campaigns": 0, "triggers": 0, "issues": []}

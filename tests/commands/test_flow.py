"""`trunkline flow …`: cases through standard input, one by one or line by line."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests import flow_cases
from trunkline import cli
from trunkline.flows.cases import documents

CASE = flow_cases.full({"flows": [{"nodes": [{"id": "a", "do": [{"type": "send_msg", "text": "Hi @contact.name"}]}]}]})
DEEP = b'{"contact": {"x": ' + b"[" * 900 + b"]" * 900 + b'}, "trigger": {}}'
LOOP = {
    "flows": [{"nodes": [{"id": "a", "switch": {"wait": True, "categories": {"Other": "a"}}}]}],
    "resumes": ["one", "two"],
}


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Any:
    """Runs a command with some input; its status, and the documents it wrote."""

    def run(arguments: list[str], source: bytes) -> tuple[int, list[Any]]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(source)))
        code = cli.run(["flow", *arguments])
        return code, [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]

    return run


def test_a_case_alone(says: Any) -> None:
    code, (result,) = says(["run-case"], documents.write(CASE))

    assert code == 0
    assert result["outputs"][0]["events"][1]["msg"]["text"] == "Hi Ann Lee"


def test_a_case_alone_that_fails_exits_with_one(says: Any) -> None:
    code, (result,) = says(["run-case"], b'{"id": [7], "contact": {}}')

    assert code == 1
    assert (result["id"], result["error"]["code"]) == ([7], "input")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "json"),
        (b"\xff\xfe", "json"),
        (b'"text"', "input"),
        (b"[" * 100_000, "json"),
        (b"{}", "input"),
        (DEEP, "input"),
    ],
)
def test_a_bad_line_does_not_stop_the_stream(says: Any, line: bytes, code: str) -> None:
    good = documents.write(CASE | {"id": "good"})

    status, results = says(["run-case", "--lines"], b"\n".join((line, b"", good, b"  ")))

    assert status == 0
    assert [result.get("error", {}).get("code") for result in results] == [code, None]
    assert results[1]["id"] == "good"


def test_equal_cases_have_equal_results(says: Any) -> None:
    case = documents.write(flow_cases.full(LOOP))

    _, (one, other) = says(["run-case", "--lines"], case + b"\n" + case)

    assert one == other


def test_another_seed_makes_other_uuids(says: Any) -> None:
    cases = [documents.write(flow_cases.full(LOOP | {"seed": seed})) for seed in (1, 2)]

    _, (one, other) = says(["run-case", "--lines"], b"\n".join(cases))

    assert one["outputs"][0]["session"]["uuid"] != other["outputs"][0]["session"]["uuid"]


def test_cases_without_assets_share_those_of_the_file(says: Any, tmp_path: Path) -> None:
    (tmp_path / "assets.json").write_bytes(documents.write(CASE["assets"]))
    case = {name: value for name, value in CASE.items() if name != "assets"}

    _, results = says(["run-case", "--lines", "--assets", str(tmp_path / "assets.json")], documents.write(case))

    assert results[0]["outputs"][0]["session"]["status"] == "completed"


def test_assets_that_are_not_there_are_a_wrong_use(says: Any, tmp_path: Path) -> None:
    code, results = says(["run-case", "--assets", str(tmp_path / "none.json")], b"{}")

    assert (code, results) == (2, [])


def test_numbers_go_through_exactly(says: Any, capfdbinary: Any) -> None:
    source = documents.write(CASE).replace(b'"type":"manual"', b'"type":"manual","params":{"n":1.10}')

    _, (result,) = says(["run-case"], source)

    assert result["outputs"][0]["session"]["trigger"]["params"] == {"n": 1.10}


def test_a_case_that_takes_too_long_is_given_up(says: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.commands.flow.LONGEST_CASE", 0.001)
    endless = flow_cases.full({**LOOP, "resumes": ["again"] * 2_000, "options": {"max_sprints": 10**6}})

    code, (result,) = says(["run-case"], documents.write(endless))

    assert (code, result["error"]["code"]) == (1, "internal")


@pytest.mark.parametrize("command", ["eval", "query", "migrate", "inspect", "import", "export"])
def test_every_command_answers_an_empty_case_with_an_error(says: Any, command: str) -> None:
    _, (result,) = says([command, "--lines"], b"{}")

    assert set(result) == {"error"} or command == "export"


def test_a_flow_is_played_until_it_is_over(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_bytes(documents.write(CASE["assets"]["flows"][0]))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    code = cli.run(["flow", "play", str(tmp_path / "flow.json")])

    assert code == 0
    assert capsys.readouterr().out.splitlines() == ["< Hi Kim", "The session is completed."]

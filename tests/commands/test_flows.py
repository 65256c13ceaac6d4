"""`flow import|export --account`, `flow archive`, `archives build`, `field set`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import talks


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An export with one flow and the field that it sets."""
    path = tmp_path / "flows.json"
    field = {"key": "drink", "name": "Drink", "type": "text"}
    path.write_text(
        json.dumps({"version": "13", "site": "https://a.example", "flows": [talks.drinks()], "fields": [field]})
    )
    return path


def test_a_file_goes_in_and_comes_out(trunkline: Any, acme: str, file: Path) -> None:
    brought = trunkline("flow", "import", file, "--account", acme, "--json").json
    written = trunkline("flow", "export", "--account", acme).json

    assert [(flow["name"], flow["action"]) for flow in brought["flows"]] == [("Drinks", "created")]
    assert [flow["uuid"] for flow in written["file"]["flows"]] == [flow["uuid"] for flow in brought["flows"]]


def test_an_export_may_go_into_a_file(trunkline: Any, acme: str, file: Path, tmp_path: Path) -> None:
    trunkline("flow", "import", file, "--account", acme)

    told = trunkline("flow", "export", tmp_path / "out.json", "--account", acme, "--json").json

    assert told["flows"] == 1
    assert json.loads((tmp_path / "out.json").read_text())["version"] == "13"


def test_a_dry_run_leaves_nothing(trunkline: Any, acme: str, file: Path) -> None:
    told = trunkline("flow", "import", file, "--account", acme, "--dry-run").json

    assert len(told["flows"]) == 1
    assert trunkline("flow", "export", "--account", acme).json["file"]["flows"] == []


def test_what_is_no_export_is_refused(trunkline: Any, acme: str, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text('{"version": "2"}')

    outcome = trunkline("flow", "import", tmp_path / "no.json", "--account", acme)

    assert outcome.code == 1
    assert json.loads(outcome.out)["error"]["code"] in ("input", "version")


def test_a_flow_is_started_for_whom_one_names(trunkline: Any, acme: str, file: Path) -> None:
    trunkline("flow", "import", file, "--account", acme)

    told = trunkline("flow", "start", "drinks", "--account", acme, "--urn", "tel:+40740111222", "--json").json
    nobody = trunkline("flow", "start", "Drinks", "--account", acme, "--json")
    unknown = trunkline("flow", "start", "Nope", "--account", acme, "--query", "name ~ ann", "--json")

    assert told["flow"] == "Drinks"
    assert (nobody.code, unknown.code, json.loads(unknown.err)["error"]["code"]) == (1, 1, "not_found")


def test_the_log_of_flows_can_be_read(trunkline: Any, acme: str, file: Path) -> None:
    trunkline("flow", "import", file, "--account", acme)

    told = trunkline("flow", "log", "--account", acme, "--flow", "Drinks", "--json").json
    unknown = trunkline("flow", "log", "--account", acme, "--flow", "Nope")

    assert (told, unknown.code) == ({"entries": []}, 1)


def test_a_flow_is_put_away(trunkline: Any, acme: str, file: Path) -> None:
    [flow] = trunkline("flow", "import", file, "--account", acme).json["flows"]

    told = trunkline("flow", "archive", flow["uuid"], "--account", acme, "--json").json
    unknown = trunkline("flow", "archive", talks.uuid(), "--account", acme, "--json")

    assert (told["name"], told["archived"]) == ("Drinks", True)
    assert unknown.refusal["code"] == "not_found"


def test_nothing_is_old_enough(trunkline: Any, acme: str) -> None:
    assert trunkline("archives", "build", "--account", acme, "--all", "--json").json == {"archives": []}


def test_agents_may_be_kept_from_a_field(trunkline: Any, acme: str, file: Path) -> None:
    trunkline("flow", "import", file, "--account", acme)

    told = trunkline("field", "set", "drink", "--agent-access", "none", "--account", acme, "--json").json
    unknown = trunkline("field", "set", "food", "--agent-access", "none", "--account", acme, "--json")

    assert told == {"key": "drink", "name": "Drink", "type": "text", "agent_access": "none"}
    assert unknown.refusal["code"] == "not_found"

"""The command line itself: finding a command, reading its arguments, saying no."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from trunkline import cli
from trunkline.commands import parsing
from trunkline.commands.parsing import parameters


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["--help"])

    out = capsys.readouterr().out
    assert code == 0
    assert [name for name in cli.COMMANDS if f"  {name}" not in out] == []


def test_an_unknown_command_is_a_usage_error_that_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["acount", "create", "Acme"])

    assert code == 2
    assert "`trunkline account create`" in capsys.readouterr().err


def test_no_command_is_a_usage_error() -> None:
    assert cli.run([]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["account"],
        ["account", "create"],
        ["account", "create", "Acme", "--kind", "zoo"],
        ["account", "create", "Acme", "--colour", "red"],
        ["user", "create", "a@b.c", "--account", "x"],
        ["credits", "grant", "many", "--account", "x"],
        ["broadcast", "pause"],
        ["up", "--port", "eighty"],
    ],
)
def test_wrong_use_exits_with_two(arguments: list[str]) -> None:
    assert cli.run(arguments) == 2


def test_a_usage_error_is_json_when_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["account", "create", "--json"])

    assert capsys.readouterr().err.startswith('{"error": {"code": "usage"')


@pytest.mark.parametrize("command", cli.COMMANDS.values(), ids=lambda command: command.name)
def test_every_command_can_be_loaded_and_explains_each_parameter(command: cli.Command) -> None:
    if find_spec(f"trunkline.commands.{command.place.partition(':')[0]}") is None:
        pytest.skip("its module is not part of this build")

    function = command.load()

    assert [each.name for each in parameters(function) if not each.help and command.name != "prove"] == []
    assert (function.__doc__ or "").splitlines()[0].startswith(command.summary.rstrip(".;")[:20])


def test_arguments_are_read_by_place_and_by_name() -> None:
    command = cli.COMMANDS["channel create"]

    places, named = parsing.parse(
        command.name, command.load(), ["simulator", "--set", "as=sms", "--name", "N", "--set", "rate=5", "--pool"]
    )

    assert places == ["simulator"]
    assert (named["set"], named["name"], named["pool"]) == (["as=sms", "rate=5"], "N", True)


def test_options_and_values_may_stand_in_any_order() -> None:
    command = cli.COMMANDS["account set"]

    places, named = parsing.parse(command.name, command.load(), ["anon=yes", "--account", "U", "country=RO"])

    assert places == ["anon=yes", "country=RO"]
    assert named["account"] == "U"


def test_the_first_words_load_nothing_heavy() -> None:
    """Start-up stays quick because a command loads only what it works with."""
    heavy = "{'asyncpg', 'aiohttp', 'starlette', 'cryptography', 'structlog', 'rich', 'asyncio'}"
    script = f"import sys; from trunkline import cli; cli.run(['--help']); print({heavy} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "set()"


def test_plain_commands_do_not_load_outgoing_http() -> None:
    script = (
        "import sys; import trunkline.commands.account, trunkline.commands.user, trunkline.commands.key, "
        "trunkline.commands.credits; print({'aiohttp', 'starlette', 'structlog'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_the_supervisor_loads_no_database_driver_and_no_web() -> None:
    script = (
        "import sys; import trunkline.commands.up; "
        "print({'asyncpg', 'aiohttp', 'starlette', 'structlog', 'cryptography'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_a_command_without_data_says_what_to_do(tmp_path: Path) -> None:
    environment = {**os.environ, "TRUNKLINE_DATA": str(tmp_path / "none")}
    environment.pop("TRUNKLINE_DATABASE_URL", None)

    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "account", "list"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert done.returncode == 1
    assert "trunkline up" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    environment = {**os.environ, "TRUNKLINE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}

    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "account", "list"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert done.returncode == 1
    assert "TRUNKLINE_DATABASE_URL" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRUNKLINE_LOG_FORMAT", "poetry")

    code = cli.run(["account", "list"])

    assert code == 1
    assert "docs/reference/settings.md" in capsys.readouterr().err

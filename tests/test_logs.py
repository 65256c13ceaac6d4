"""Log lines: one event, one line, whatever its text holds."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from trunkline import logs
from trunkline.core.config import Settings


@pytest.fixture(autouse=True)
def _put_back() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_text_from_outside_cannot_start_a_line_or_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Settings())

    structlog.get_logger("web").info("request", path="/a\n10:00:00 error  forged\x1b[2J")

    [line] = capsys.readouterr().err.splitlines()
    assert "\\n10:00:00" in line
    assert "\\x1b[2J" in line


def test_json_lines_hold_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Settings(log_format="json"))

    structlog.get_logger("web").warning("request", status=200, path="/ă\n")

    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["event"], line["status"], line["path"]) == (
        *("warning", "web", "request", 200),
        "/ă\n",
    )


def test_lines_of_the_standard_library_look_alike(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Settings(log_format="json"))

    logging.getLogger("trunkline.storage.postgres").error("died: %s", "why\n")

    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["logger"], line["event"]) == ("error", "postgres", "died: why\n")


def test_an_exception_is_told_below_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Settings())

    try:
        raise ValueError("broken\nin two")
    except ValueError:
        structlog.get_logger("worker").exception("job_failed", job="x")

    first, *rest = capsys.readouterr().err.splitlines()
    assert "error" in first
    assert "job=x" in first
    assert all(line.startswith("    ") for line in rest)
    assert any("ValueError: broken" in line for line in rest)


def test_the_least_level_counts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Settings(log_level="warning"))

    structlog.get_logger("web").info("quiet")
    logging.getLogger("x").info("quiet")

    assert capsys.readouterr().err == ""


def test_setting_up_leaves_rich_to_others() -> None:
    logs.set_up(Settings())

    assert sys.modules.get("rich", sys) is not None

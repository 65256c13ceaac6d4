"""Log lines: text for people or JSON for machines, on the error stream. Text from outside stays on its line."""

import json
import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

from trunkline.core import clock
from trunkline.core.config import Settings

Fields = MutableMapping[str, Any]


def load() -> None:
    """Load structlog, without rich: coloured tracebacks cost a fifth of a second and 10 MB that nobody asked for."""
    if "rich" not in sys.modules:
        sys.modules["rich"] = None  # pyright: ignore[reportArgumentType]
    import structlog

    assert structlog
    if sys.modules["rich"] is None:
        del sys.modules["rich"]


def set_up(settings: Settings) -> None:
    """For a process that works with structlog: its lines and those of the standard library look alike."""
    load()
    import structlog

    set_up_plain(settings)
    render = RENDER[settings.log_format]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _named, lambda _, __, fields: render(fields)],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=_Factory(),
        cache_logger_on_first_use=True,
    )


def set_up_plain(settings: Settings) -> None:
    """For a process that only uses the standard library's logging."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Formatter(RENDER[settings.log_format]))
    logging.root.handlers = [lines]
    logging.root.setLevel(settings.log_level.upper())
    logging.captureWarnings(True)
    for noisy in ("asyncio", "aiohttp", "mail.log"):
        logging.getLogger(noisy).setLevel("WARNING")


def text_line(fields: Fields) -> str:
    """`09:30:01 info  request  status=200 path=/…`; what could end or fake a line is escaped."""
    trace = fields.pop("exception", "")
    moment, level, event = fields.pop("at"), fields.pop("level"), fields.pop("event")
    name = f"{fields.pop('logger', '')}: ".removeprefix(": ")
    values = " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())
    line = f"{moment[11:19]} {level:<7} {_plain(name)}{_plain(str(event))}{'  ' if values else ''}{values}"
    return line + "".join(f"\n    {_plain(part)}" for part in trace.splitlines())


def json_line(fields: Fields) -> str:
    return json.dumps(dict(fields), ensure_ascii=True, default=str)


RENDER: dict[str, Callable[[Fields], str]] = {"text": text_line, "json": json_line}


class _Logger:
    """Writes finished lines, and knows its name."""

    def __init__(self, name: str):
        self.name = name

    def msg(self, line: str) -> None:
        # One write a line: processes share the stream.
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    log = debug = info = warning = warn = error = critical = fatal = exception = msg


class _Factory:
    def __call__(self, *names: str) -> _Logger:
        return _Logger(names[0] if names else "")


def _named(logger: _Logger, method: str, fields: Fields) -> Fields:
    level = "warning" if method == "warn" else "error" if method == "exception" else method
    found: Fields = {"at": _moment(), "level": level, "logger": logger.name, "event": fields.pop("event", "")}
    found.update(fields)
    error = found.pop("exc_info", None)
    if error:
        info = sys.exc_info() if error is True else (type(error), error, error.__traceback__)
        found["exception"] = "".join(traceback.format_exception(*info))
    return found


class _Formatter(logging.Formatter):
    def __init__(self, render: Callable[[Fields], str]):
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        fields: Fields = {
            "at": _moment(),
            "level": record.levelname.lower(),
            "logger": record.name.rpartition(".")[2],
            "event": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return self._render(fields)


def _moment() -> str:
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(value: object) -> str:
    shown = _plain(str(value))
    return json.dumps(shown, ensure_ascii=False) if not shown or set(shown) & set(' "=') else shown


def _plain(text: str) -> str:
    """Without anything that a terminal or a reader of lines would take for more than text."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)

"""One call of a command: settings in, an answer or a refusal out; nobody sees a traceback."""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from trunkline.commands import parsing
from trunkline.commands.answers import Answer
from trunkline.core import config
from trunkline.core.errors import Invalid, TrunklineError


def call(name: str, function: Callable[..., Any], arguments: list[str], *, as_json: bool) -> int:
    """Run a command and print its answer; the exit status."""
    places, named = parsing.parse(name, function, arguments)
    data, as_json = named.pop("data"), named.pop("json")
    try:
        wanted = inspect.signature(function).parameters
        if "json" in wanted:
            named["json"] = as_json
        if "settings" in wanted:
            places.insert(0, config.load(data=data))
        elif data is not None:
            os.environ["TRUNKLINE_DATA"] = str(data)
        result = function(*places, **named)
        return _printed(asyncio.run(result) if inspect.iscoroutine(result) else result, as_json)
    except parsing.Usage:
        raise
    except TrunklineError as error:
        parsing.refuse(error.code, sentence(error), as_json=as_json)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        parsing.refuse("unusable", _of_system(error), as_json=as_json)
    except Exception as error:
        if os.environ.get("TRUNKLINE_LOG_LEVEL") == "debug":
            raise
        parsing.refuse("internal", _unexpected(error), as_json=as_json)
    return 1


def sentence(error: TrunklineError) -> str:
    """What is wrong, on one line; several wrong fields are all named."""
    if isinstance(error, Invalid) and error.fields:
        problems = [f"{name}: {problem}" for name, found in error.fields.items() for problem in found]
        return " ".join(problems)
    return " ".join(error.message.split())


def _printed(answer: Any, as_json: bool) -> int:
    if not isinstance(answer, Answer):
        return answer if isinstance(answer, int) else 0
    if as_json:
        import msgspec

        document = msgspec.json.decode(msgspec.json.encode(answer.document))
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    elif answer.text:
        sys.stdout.write(answer.text + "\n")
    sys.stdout.flush()
    return answer.code


def _of_system(error: OSError) -> str:
    at = f" ({os.fsdecode(error.filename)})" if error.filename else ""
    return (
        f"The system refuses: {error.strerror or error}{at}. Check that the place exists, that you may use it, and "
        "that the disk has room."
    )


def _unexpected(error: Exception) -> str:
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return (
        f"Something unexpected happened ({what}). Run it again with TRUNKLINE_LOG_LEVEL=debug to see where, "
        "and `trunkline doctor` to look at the installation; if it is a bug of ours, please report it."
    )

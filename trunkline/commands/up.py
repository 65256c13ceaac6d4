"""`trunkline up`: everything, with one command."""

import asyncio
import json as json_text
import sys
from typing import Annotated, Any

import msgspec

from trunkline import __version__, logs
from trunkline import up as supervisor
from trunkline.commands import answers, nursery
from trunkline.core.config import Settings
from trunkline.processes import Report


def up(
    settings: Settings,
    /,
    *,
    demo: Annotated[bool, "Fill in the demo world once, and print a login and keys."] = False,
    host: Annotated[str, "The address to listen on; 0.0.0.0 for all."] = "127.0.0.1",
    port: Annotated[int, "The port; 0 takes any free one."] = 8080,
    no_worker: Annotated[bool, "Leave the worker process out; run `trunkline worker` elsewhere."] = False,
    json: bool = False,
) -> None:
    """Start everything: database, migrations, web and worker."""
    settings = msgspec.structs.replace(settings, data=settings.data.absolute())
    logs.set_up_plain(settings)

    def starting(what: str) -> None:
        if not json:
            _say(f"{what} …")

    def ready(report: Report) -> None:
        if json:
            _say(json_text.dumps(_document(settings, report)))
        else:
            _say(_welcome(settings, report))

    if not json:
        _say(f"Trunkline {__version__}")
    door = nursery.split(settings.data)
    asyncio.run(
        supervisor.up(door, settings, host, port, demo=demo, with_worker=not no_worker, ready=ready, starting=starting)
    )
    if not json:
        _say("Stopped; everything is on disk.")


def _document(settings: Settings, report: Report) -> dict[str, Any]:
    return {"url": report.url, "data": str(settings.data)} | ({"demo": report.demo} if report.demo else {})


def _welcome(settings: Settings, report: Report) -> str:
    lines = ["", f"Ready:  {report.url}", f"Data:   {settings.data}", ""]
    if report.demo:
        lines += [answers.told_of_demo(report.demo), ""]
    elif report.empty:
        lines += [
            "There is no account yet. In another terminal:",
            "",
            f"  trunkline account create 'My company' --data {settings.data}",
            f"  trunkline user create you@example.com --account UUID --role owner --data {settings.data}",
            "",
        ]
    return "\n".join([*lines, "Ctrl-C ends it."])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

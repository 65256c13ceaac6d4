"""Rules for Dockerfile and compose.yaml: pinned images, a named user, health checks, no secrets, no open database."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.source import ROOT

SERVICES = {"web", "worker", "postgres", "valkey"}
INNER = {"postgres", "valkey"}
SECRET = re.compile(r"(password|secret|token|api_?key)", re.IGNORECASE)
URL_SECRET = re.compile(r"://[^:/@\s]+:([^@\s]+)@")


def main() -> int:
    found = [*_told("Dockerfile", dockerfile), *_told("compose.yaml", compose)]
    for line in found:
        print(line)
    return 1 if found else 0


def dockerfile(text: str) -> Iterator[str]:
    """What is wrong with a Dockerfile."""
    steps = instructions(text)
    stages = {words[2] for name, argument in steps if name == "FROM" and len(words := argument.split()) == 3}
    for name, argument in steps:
        if name == "FROM" and argument.split()[0] not in stages:
            yield from _image(argument.split()[0])
        elif name == "ADD":
            yield "uses ADD; COPY does no magic"
        elif name in ("ENV", "ARG"):
            yield from (f"{pair.split('=')[0]} looks like a secret" for pair in argument.split() if SECRET.search(pair))
        elif name in ("CMD", "ENTRYPOINT") and not argument.startswith("["):
            yield f"{name} goes through a shell, which swallows SIGTERM"
    yield from _last_stage(steps[_start_of_last_stage(steps) :])


def compose(text: str) -> Iterator[str]:
    """What is wrong with a compose file."""
    try:
        services: dict[str, Any] = yaml.safe_load(text)["services"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        yield f"cannot be read: {error}"
        return
    for name in sorted(SERVICES - set(services)):
        yield f"has no service {name}"
    for name, service in services.items():
        yield from (f"{name}: {what}" for what in _service(name, service))


def instructions(text: str) -> list[tuple[str, str]]:
    """The steps of a Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    steps = (line.strip().partition(" ") for line in joined.splitlines() if line.strip())
    return [(name.upper(), " ".join(argument.split())) for name, _, argument in steps]


def _start_of_last_stage(steps: list[tuple[str, str]]) -> int:
    return max((at for at, (name, _) in enumerate(steps) if name == "FROM"), default=0)


def _last_stage(steps: list[tuple[str, str]]) -> Iterator[str]:
    users = [argument for name, argument in steps if name == "USER"]
    if not users or users[-1].split(":")[0] in ("root", "0"):
        yield "runs as root; end with a USER"
    elif users[-1][0].isdigit():
        yield "runs as a number; PostgreSQL needs a user with a name"
    if "HEALTHCHECK" not in {name for name, _ in steps}:
        yield "has no HEALTHCHECK"


def _image(image: str) -> Iterator[str]:
    tag = image.rpartition("/")[2].partition(":")[2]
    if not tag or tag.startswith("latest"):
        yield f"the image {image} is not pinned to a version"


def _service(name: str, service: dict[str, Any]) -> Iterator[str]:
    if "build" not in service:
        yield from _image(service.get("image", ""))
        if "test" not in service.get("healthcheck", {}):
            yield "has no health check"
    if name in INNER and "ports" in service:
        yield "publishes a port; only the web is for others"
    if service.get("privileged") or service.get("network_mode") == "host":
        yield "leaves its container"
    for key, value in service.get("environment", {}).items():
        url = URL_SECRET.search(str(value))
        if (SECRET.search(key) and not str(value).startswith("${")) or (url and not url[1].startswith("${")):
            yield f"{key} holds a secret; let it come from the environment"


def _told(name: str, rule: Any) -> Iterator[str]:
    path: Path = ROOT / name
    yield from (f"{name}: {what}" for what in rule(path.read_text()))


if __name__ == "__main__":
    sys.exit(main())

"""The rules for containers, and our own files under them."""

import pytest

from tools import lint_containers
from tools.source import ROOT

DOCKERFILE = """
FROM python:3.12-slim AS build
RUN make \\
    all
FROM build
USER app
HEALTHCHECK CMD ["true"]
CMD ["app"]
"""

COMPOSE = """
services:
  web: {build: ., ports: ["8080:8080"]}
  worker: {build: .}
  postgres: {image: "postgres:18", healthcheck: {test: [CMD, "true"]}}
  valkey: {image: "valkey:8", healthcheck: {test: [CMD, "true"]}}
"""


def test_our_dockerfile_is_sound() -> None:
    assert list(lint_containers.dockerfile((ROOT / "Dockerfile").read_text())) == []


def test_our_compose_file_is_sound() -> None:
    assert list(lint_containers.compose((ROOT / "compose.yaml").read_text())) == []


def test_sound_files_are_left_alone() -> None:
    assert list(lint_containers.dockerfile(DOCKERFILE)) == []
    assert list(lint_containers.compose(COMPOSE)) == []


@pytest.mark.parametrize(
    ("good", "bad", "what"),
    [
        ("USER app", "", "runs as root"),
        ("USER app", "USER root", "runs as root"),
        ("USER app", "USER 10001:10001", "runs as a number"),
        ("USER app", "USER app\nUSER 0", "runs as root"),
        (":3.12-slim", "", "not pinned"),
        (":3.12-slim", ":latest", "not pinned"),
        ('HEALTHCHECK CMD ["true"]', "", "no HEALTHCHECK"),
        ('CMD ["app"]', "CMD app", "through a shell"),
        ("USER app", "ENV API_TOKEN=abc\nUSER app", "looks like a secret"),
        ("USER app", "ADD archive.tar /\nUSER app", "uses ADD"),
    ],
)
def test_a_breach_in_a_dockerfile_is_found(good: str, bad: str, what: str) -> None:
    found = list(lint_containers.dockerfile(DOCKERFILE.replace(good, bad)))

    assert [what in one for one in found] == [True]


@pytest.mark.parametrize(
    ("good", "bad", "what"),
    [
        ("  worker: {build: .}", "", "no service worker"),
        ("postgres:18", "postgres", "not pinned"),
        ('image: "valkey:8",', 'image: "valkey:8", ports: ["6379:6379"],', "publishes a port"),
        ('image: "postgres:18",', 'image: "postgres:18", environment: {POSTGRES_PASSWORD: abc},', "holds a secret"),
        ("worker: {build: .", "worker: {build: ., environment: {URL: 'postgresql://u:abc@h/d'}", "holds a secret"),
        ("worker: {build: .", "worker: {build: ., privileged: true", "leaves its container"),
        ("services:", "services", "cannot be read"),
    ],
)
def test_a_breach_in_a_compose_file_is_found(good: str, bad: str, what: str) -> None:
    found = list(lint_containers.compose(COMPOSE.replace(good, bad)))

    assert [what in one for one in found] == [True]

"""Definitions small enough to read, for steps to be tried on."""

from collections.abc import Callable
from typing import Any

import pytest

Flow = dict[str, Any]


@pytest.fixture
def flow() -> Callable[..., Flow]:
    """`flow("13.0.0", node, …, language="eng")`: a definition of a version with some nodes."""

    def make(version: str, *nodes: Flow, **header: Any) -> Flow:
        return {"uuid": "8f107d42-7416-4cf2-9a51-9490361ad517", "spec_version": version, "nodes": [*nodes], **header}

    return make


@pytest.fixture
def acting() -> Callable[..., Flow]:
    """A node with some actions."""
    return lambda *actions: {"uuid": "n1", "actions": [*actions], "exits": [{"uuid": "e1"}]}


@pytest.fixture
def splitting() -> Callable[..., Flow]:
    """A node that does something and splits on its outcome, as editors write it."""

    def make(action: Flow | None, operand: str, *cases: Flow, **router: Any) -> Flow:
        return {
            "uuid": "n1",
            "actions": [action] if action else [],
            "router": {
                "type": "switch",
                "operand": operand,
                "cases": [*cases],
                "categories": [
                    {"uuid": "good", "name": "Success", "exit_uuid": "e1"},
                    {"uuid": "bad", "name": "Failure", "exit_uuid": "e2"},
                ],
                "default_category_uuid": "bad",
                **router,
            },
            "exits": [{"uuid": "e1"}, {"uuid": "e2"}],
        }

    return make


@pytest.fixture
def ids() -> Callable[[], str]:
    """Uuids that are easy to recognise: new-1, new-2 …"""
    numbers = iter(range(1, 1000))
    return lambda: f"new-{next(numbers)}"

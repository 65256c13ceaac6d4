"""A sprint on its way through the host: what is to be run, what came of it, and what gathers for the log."""

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.flows import sessions
from trunkline.flows.cast import Member
from trunkline.flows.engine import Sprint
from trunkline.messaging.sending import API, BULK, REPLY

__all__ = ["API", "BULK", "REPLY", "Done", "Heard", "Known", "Part", "known"]


class Heard(Struct, frozen=True):
    """The message that a sprint answers."""

    id: int
    uuid: UUID
    channel_id: int
    conversation_id: int | None
    received_at: datetime


class Known(Struct, frozen=True):
    """A run as it was before a sprint: how long its path, which category each result had."""

    is_open: bool
    steps: int
    categories: dict[str, str]


class Part(Struct):
    """One contact's sprint to be. `begin` makes the engine's generator.

    `key` names the sprint for ever, also when it is repeated. `replaces`: what the contact waited in is over.
    """

    member: Member
    begin: Callable[[], Generator[Any, Any, Sprint]]
    key: str
    flow_id: int
    before: dict[str, Known]
    heard: Heard | None
    start_id: int | None
    lane: int
    replaces: bool
    broadcast_id: int | None = None
    ring: dict[str, Any] | None = None
    """What begins a voice flow once somebody picks up: for now they are called, and nothing runs."""


class Done(Struct):
    """A sprint that went to its end; without one, `problem` says why it never began."""

    part: Part
    sprint: Sprint | None
    problem: Exception | None = None

    @property
    def failed(self) -> bool:
        return self.sprint is not None and self.sprint.session.status == "failed"


def known(run: sessions.Run) -> Known:
    return Known(run.is_open, len(run.path), {key: result.category for key, result in run.results.items()})

"""Sessions and their runs, as they are stored and read again."""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]
LARGEST_WEBHOOK = 10_000


class FlowRef(Struct, frozen=True, omit_defaults=True):
    uuid: str
    name: str = ""
    revision: int = 0


class Ref(Struct, frozen=True, omit_defaults=True):
    """Something with a uuid and a name: a group, channel, topic, label, user, contact …"""

    uuid: str
    name: str = ""


class PathStep(Struct):
    node_uuid: str
    arrived_on: Moment


class Result(Struct, omit_defaults=True):
    """`key` in `Run.results` is the snakified name."""

    name: str
    value: str
    node_uuid: str
    created_on: Moment
    category: str = ""
    category_localized: str = ""
    input: str = ""
    extra: Any = None


class Webhook(Struct, omit_defaults=True):
    """The last webhook call of a run, as `@webhook` shows it."""

    method: str
    url: str
    status: int = 0
    headers: dict[str, str] = {}
    json: Any = None


class Run(Struct, omit_defaults=True):
    uuid: str
    flow: FlowRef
    status: str  # active, waiting, completed, failed, expired, interrupted
    created_on: Moment
    modified_on: Moment
    exited_on: Moment | None
    path: list[PathStep]
    parent_uuid: str = ""
    had_input: bool = False
    results: dict[str, Result] = {}
    locals: dict[str, str] = {}
    webhook: Webhook | None = None

    @property
    def is_open(self) -> bool:
        return self.status in ("active", "waiting")


class Input(Struct, omit_defaults=True, kw_only=True):
    """The message that the session heard last; cleared by a resume without one."""

    type: str
    uuid: str
    created_on: Moment
    text: str
    channel: Ref | None = None
    urn: str = ""
    attachments: list[str] = []
    external_id: str = ""
    payload: Any = None


class Segment(Struct, omit_defaults=True):
    """A way from one node to the next that a run took, for statistics."""

    flow_uuid: str
    node_uuid: str
    exit_uuid: str
    destination_uuid: str
    time: Moment
    operand: str = ""


class Session(Struct, omit_defaults=True):
    """`trigger` is the document that began it, as given (see `inputs`)."""

    uuid: str
    type: str
    created_on: Moment
    trigger: dict[str, Any]
    contact_uuid: str
    runs: list[Run]
    status: str  # active, waiting, completed, failed; expired and interrupted are set by the host
    sprints: int
    call_uuid: str = ""
    input: Input | None = None

    def run(self, uuid: str) -> Run | None:
        return next((run for run in self.runs if run.uuid == uuid), None)

    @property
    def waiting_run(self) -> Run | None:
        return next((run for run in reversed(self.runs) if run.status == "waiting"), None)


def dump(session: Session) -> bytes:
    """The JSON that is stored. Call `compact` first."""
    return ENCODER.encode(session)


def load(document: bytes | str) -> Session:
    """Raises msgspec.ValidationError or DecodeError for what no `dump` wrote."""
    return DECODER.decode(document)


def compact(session: Session) -> Session:
    """Exited runs lose path, locals and webhook, in place, and open ones a webhook that is too large to keep.

    It bounds the size of long sessions.
    """
    for run in session.runs:
        if not run.is_open:
            run.path, run.locals, run.webhook = [], {}, None
        elif run.webhook and len(ENCODER.encode(run.webhook.json)) > LARGEST_WEBHOOK:
            run.webhook = None
    return session


@lru_cache(maxsize=4096)
def snakify(name: str) -> str:
    """The key of a result: letters of any script, ASCII digits and `_` stay, runs of anything else become one `_`."""
    kept = [letter if _stays(letter) else " " for letter in name.strip()]
    return re.sub(" +", "_", "".join(kept)).lower()


def _stays(letter: str) -> bool:
    return letter == "_" or letter.isalpha() or (letter.isascii() and letter.isdigit())


ENCODER = msgspec.json.Encoder(decimal_format="number")
DECODER = msgspec.json.Decoder(Session, float_hook=Decimal)

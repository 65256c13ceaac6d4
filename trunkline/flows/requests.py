"""What the engine asks of the outside world, and what it wants to hear back.

`engine.start` and `engine.resume` are generators: they yield one of these requests and are sent its answer.
"""

from decimal import Decimal
from typing import Any

from msgspec import Struct


class HttpCall(Struct, frozen=True):
    """Wants `HttpAnswer`. `max_response` is the most bytes of a body that count as read."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    max_response: int
    max_request: int = 262_144


class HttpAnswer(Struct, frozen=True):
    """`status` 0 is a connection that failed. `request` and `response` are traces where the host has better ones."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""
    elapsed_ms: int = 0
    retries: int = 0
    blocked: bool = False
    oversized: bool = False
    request: str | None = None
    response: str | None = None


class LlmCall(Struct, frozen=True):
    """Wants `LlmAnswer`."""

    llm_uuid: str
    instructions: str
    input: str
    max_tokens: int


class LlmAnswer(Struct, frozen=True):
    """`error` is empty when it worked."""

    output: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    elapsed_ms: int = 0
    error: str = ""


class EmailSend(Struct, frozen=True):
    """Wants `EmailAnswer`."""

    addresses: list[str]
    subject: str
    body: str


class EmailAnswer(Struct, frozen=True):
    error: str = ""


class AirtimeTransfer(Struct, frozen=True):
    """Wants `AirtimeAnswer`. `amounts` maps currencies to what may be sent in each."""

    sender: str
    recipient: str
    amounts: dict[str, int | Decimal]


class AirtimeAnswer(Struct, frozen=True):
    external_id: str = ""
    currency: str = ""
    amount: int | Decimal = 0
    error: str = ""


class ClaimUrn(Struct, frozen=True):
    """May the contact have `scheme:path`? Wants a bool: False when somebody else has it."""

    contact_uuid: str
    urn: str


class IsSendable(Struct, frozen=True):
    """Wants the reason why a message with this text may not go to this URN now, as text; empty when it may."""

    urn: str
    channel_uuid: str
    text: str


Request = HttpCall | LlmCall | EmailSend | AirtimeTransfer | ClaimUrn | IsSendable
Answer = Any

"""Wire: what an OpenAI-compatible endpoint says, whole or in pieces, and nothing taken on trust."""

import math
import re
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct

from trunkline.core.errors import PeerFailed
from trunkline.core.http import Answer
from trunkline.core.text import clean

T = TypeVar("T")


class ModelFailed(PeerFailed):
    """The model gave nothing of use; `reason` says why, without the operator's secrets."""

    code = "model_failed"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"AI generation failed: {reason}")


class Usage(Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Text(Struct, frozen=True):
    content: str | None = None


class Choice(Struct, frozen=True):
    """`message` of a whole answer, `delta` of a piece."""

    message: Text | None = None
    delta: Text | None = None
    finish_reason: str | None = None


class Piece(Struct, frozen=True):
    """A whole answer, or a piece of a streamed one."""

    choices: list[Choice] = []
    usage: Usage | None = None
    model: str | None = None
    error: object = None


class Said(Struct, frozen=True):
    """What the model wrote. Token counts are None where the endpoint does not tell them."""

    text: str
    tokens_in: int | None
    tokens_out: int | None
    model: str | None


class Embedding(Struct, frozen=True):
    embedding: list[float]
    index: int | None = None


class Embeddings(Struct, frozen=True):
    data: list[Embedding]


class Listed(Struct, frozen=True):
    id: str


class Models(Struct, frozen=True):
    data: list[Listed]


class Stream:
    """Server-sent events as they come in; `told` gets each bit of text. It never raises before `finish`."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._rest = b""
        self._texts: list[str] = []
        self._usage: Usage | None = None
        self._model: str | None = None
        self._ended = self._broken = False

    @property
    def is_fresh(self) -> bool:
        return not (self._texts or self._ended or self._broken)

    def feed(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._take(line[5:].strip())

    def finish(self) -> Said:
        self.feed(b"\n")  # the last line may lack its end
        if self._broken or not self._ended:
            raise ModelFailed("The answer broke off.")
        return _said("".join(self._texts), self._usage, self._model)

    def _take(self, data: bytes) -> None:
        if data == b"[DONE]":
            self._ended = True
            return
        try:
            piece = msgspec.json.decode(data, type=Piece)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._broken = True
            return
        self._broken = self._broken or piece.error is not None
        self._usage, self._model = piece.usage or self._usage, piece.model or self._model
        for choice in piece.choices[:1]:
            if choice.delta and choice.delta.content:
                self._texts.append(choice.delta.content)
                self._told(choice.delta.content)
            self._ended = self._ended or choice.finish_reason is not None


def is_stream(answer: Answer) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/event-stream")


def said(answer: Answer) -> Said:
    """What a whole answer says."""
    piece = _decoded(answer, Piece)
    if not piece.choices or piece.choices[0].message is None:
        raise ModelFailed(UNREADABLE)
    return _said(piece.choices[0].message.content or "", piece.usage, piece.model)


def vectors(answer: Answer, count: int) -> list[list[float]]:
    """One vector for each text, in their order."""
    found = _decoded(answer, Embeddings).data
    found = sorted(found, key=lambda one: one.index or 0) if all(one.index is not None for one in found) else found
    values = [one.embedding for one in found]
    sizes = {len(one) for one in values}
    if (
        len(values) != count
        or len(sizes) != 1
        or 0 in sizes
        or not all(math.isfinite(v) for one in values for v in one)
    ):
        raise ModelFailed(UNREADABLE)
    return values


def names(answer: Answer) -> list[str]:
    """The models that the endpoint lists; none when it does not tell."""
    try:
        return [one.id for one in _decoded(answer, Models).data]
    except ModelFailed:
        return []


def _decoded(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ModelFailed(UNREADABLE) from None


def _said(text: str, usage: Usage | None, model: str | None) -> Said:
    text = THOUGHTS.sub("", clean(text)).strip()
    if not text:
        raise ModelFailed("The model wrote nothing.")
    usage = usage or Usage()
    return Said(text, _count(usage.prompt_tokens), _count(usage.completion_tokens), model)


def _count(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 <= tokens < 2**31 else None


UNREADABLE = "The answer cannot be read."
# Some self-hosted models think aloud before they answer.
THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)

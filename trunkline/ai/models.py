"""Models: text and vectors from the OpenAI-compatible endpoint that the operator names. Never inside a transaction.

The address comes from the operator's settings, so it may be private: take the client from `tools.operators_http()`.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Literal

import structlog
from msgspec import Struct

from trunkline.ai import wire
from trunkline.ai.wire import ModelFailed, Said, Stream
from trunkline.core import clock
from trunkline.core.config import Settings
from trunkline.core.http import Answer, Http, HttpFailure, redact
from trunkline.knowledge.vectors import Embedder

log = structlog.get_logger("ai")

PROVIDER = "openai_compatible"
PAUSES = (0.5, 2.0)
"""Seconds before the second and the third try, unless the endpoint asks for another time."""


class Completion(Struct, frozen=True):
    """What a model wrote. Tokens are `estimated` where the endpoint does not count them."""

    text: str
    tokens_in: int
    tokens_out: int
    elapsed_ms: int
    model: str
    estimated: bool = False


class Probe(Struct, frozen=True):
    """Whether the endpoint is there, in words for the operator."""

    state: Literal["ok", "warn", "fail"]
    message: str


def is_configured(settings: Settings) -> bool:
    return bool(settings.ai_base_url and settings.ai_model)


async def complete(
    http: Http,
    settings: Settings,
    instructions: str,
    input: str,
    max_tokens: int,
    *,
    told: Callable[[str], None] | None = None,
) -> Completion:
    """Let the model answer `input` as `instructions` say. Raises `ModelFailed`.

    `told` gets the text bit by bit as it is written, as it comes; the whole is returned all the same.
    """
    began = clock.monotonic()
    body: dict[str, Any] = {
        "model": settings.ai_model,
        "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": input}],
        "max_tokens": max_tokens,
    }
    stream = Stream(told) if told else None
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    answer = await _chat(http, settings, body, stream)
    said = _said(answer, stream or Stream(_ignore))
    if told and not wire.is_stream(answer):
        told(said.text)
    elapsed = round((clock.monotonic() - began) * 1000)
    return _completion(said, settings.ai_model, estimate(instructions) + estimate(input), elapsed)


async def embed(http: Http, settings: Settings, texts: Sequence[str]) -> list[list[float]]:
    """A vector of each text, in order. Raises `ModelFailed`."""
    body = {"model": settings.ai_embedding_model, "input": list(texts), "encoding_format": "float"}
    return wire.vectors(_good(await _ask(http, settings, "/embeddings", body), settings), len(texts))


def embedder(tools: Any) -> Embedder | None:
    """What `tools.embedder` should be with these settings."""
    settings: Settings = tools.settings
    if not (settings.ai_base_url and settings.ai_embedding_model):
        return None

    async def run(texts: Sequence[str]) -> list[list[float]]:
        return await embed(await tools.operators_http(), settings, texts)

    return Embedder(settings.ai_embedding_model, run)


async def probe(http: Http, settings: Settings) -> Probe | None:
    """Look whether the endpoint answers and knows the models; None when there is nothing to look at."""
    if not settings.ai_base_url:
        return None
    if not (settings.ai_model or settings.ai_embedding_model):
        return Probe("warn", "TRUNKLINE_AI_BASE_URL is set, but neither TRUNKLINE_AI_MODEL nor …_EMBEDDING_MODEL.")
    try:
        answer = await http.request("GET", _url(settings, "/models"), headers=_headers(settings), timeout=5, cap=MOST)
    except HttpFailure as failure:
        return Probe("fail", f"The model's endpoint cannot be reached: {failure.message}")
    if answer.status in (401, 403):
        return Probe("fail", "The model's endpoint refuses TRUNKLINE_AI_API_KEY.")
    if not answer.ok:
        return Probe("warn", f"The endpoint is there, but answers {answer.status} when asked for its models.")
    known = wire.names(answer)
    unknown = [
        name for name in (settings.ai_model, settings.ai_embedding_model) if name and known and name not in known
    ]
    if unknown:
        return Probe("warn", f"The endpoint does not list {' and '.join(unknown)}.")
    return Probe("ok", f"{settings.ai_model or settings.ai_embedding_model} can be reached.")


def estimate(text: str) -> int:
    """About how many tokens a text has, rather too many than too few."""
    return len(text.encode()) // 3 + 1 if text else 0


def _ignore(text: str) -> None:
    """Nobody listens."""


async def _chat(http: Http, settings: Settings, body: dict[str, Any], stream: Stream | None) -> Answer:
    """Ask; newer models want the limit under another name and say so."""
    ask = partial(_ask, http, settings, "/chat/completions", heard=stream.feed if stream else None)
    answer = await ask(body)
    if answer.status == 400 and b"max_completion_tokens" in answer.body:
        limit = {"max_completion_tokens": body["max_tokens"]}
        answer = await ask({name: value for name, value in body.items() if name != "max_tokens"} | limit)
    return _good(answer, settings)


def _said(answer: Answer, stream: Stream) -> Said:
    """Streams are read whether one was asked for or not."""
    if not wire.is_stream(answer):
        return wire.said(answer)
    if stream.is_fresh:
        stream.feed(answer.body)
    return stream.finish()


def _completion(said: Said, model: str, asked: int, elapsed_ms: int) -> Completion:
    counted = said.tokens_in is not None and said.tokens_out is not None
    tokens_in = asked if said.tokens_in is None else said.tokens_in
    tokens_out = estimate(said.text) if said.tokens_out is None else said.tokens_out
    return Completion(said.text, tokens_in, tokens_out, elapsed_ms, said.model or model, estimated=not counted)


async def _ask(
    http: Http, settings: Settings, path: str, body: object, *, heard: Callable[[bytes], None] | None = None
) -> Answer:
    """The answer, whatever its status, after waiting out what passes: full queues, restarts."""
    deadline = clock.monotonic() + settings.ai_timeout
    for pause in (*PAUSES, None):
        left = max(0.1, deadline - clock.monotonic())
        try:
            answer = await http.request(
                "POST", _url(settings, path), headers=_headers(settings), json=body, timeout=left, cap=MOST, heard=heard
            )
            wait = _wait(answer, pause) if answer.status in PASSING else None
        except HttpFailure as failure:
            # What was sent may have been worked on and paid for already: only what never left is sent again.
            wait = None if failure.maybe_sent or failure.phase == "refused" else pause
            if wait is None or wait > deadline - clock.monotonic():
                raise _failed(failure, settings) from None
        else:
            if wait is None or wait > deadline - clock.monotonic():
                return answer
        await rest(wait)
    raise AssertionError("the last try has no pause")


async def rest(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _wait(answer: Answer, pause: float | None) -> float | None:
    """Seconds until the next try: as the endpoint wishes, else ours with some jitter; None after the last one."""
    if pause is None:
        return None
    wished = _seconds(answer.headers.get("Retry-After", ""))
    return pause * random.uniform(0.75, 1.25) if wished is None else wished


def _seconds(text: str) -> float | None:
    """`Retry-After` as seconds or as a date."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - clock.now().timestamp())


def _good(answer: Answer, settings: Settings) -> Answer:
    if answer.ok:
        return answer
    excerpt = redact(answer.exchange.response_excerpt, [settings.ai_api_key])
    log.warning("model refused", status=answer.status, answer=excerpt)
    raise ModelFailed(REASONS.get(answer.status, f"The endpoint answered {answer.status}."))


def _failed(failure: HttpFailure, settings: Settings) -> ModelFailed:
    log.warning("model failed", phase=failure.phase, message=redact(failure.message, [settings.ai_api_key]))
    return ModelFailed(PHASES.get(failure.phase, "The connection broke off."))


def _url(settings: Settings, path: str) -> str:
    return settings.ai_base_url.rstrip("/") + path


def _headers(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.ai_api_key}"} if settings.ai_api_key else {}


MOST = 32 * 1024 * 1024
PASSING = frozenset({429, 500, 502, 503, 504, 529})
REASONS = {
    401: "The endpoint refuses our key.",
    403: "The endpoint refuses our key.",
    404: "The endpoint does not know the model.",
    413: "The text is too long for the model.",
    429: "The endpoint is too busy.",
}
PHASES = {
    "refused": "The endpoint's address cannot be used.",
    "before_sent": "The endpoint cannot be reached.",
    "connect": "The endpoint cannot be reached.",
    "after_sent": "No answer in time.",
    "too_big": "The answer is too long.",
    "bad": wire.UNREADABLE,
}

"""Verdicts: what an answer, or none, means for a delivery and for its endpoint."""

import random
from typing import Any

from trunkline.channels import webcalls
from trunkline.core.http import Answer, redact
from trunkline.core.text import clean
from trunkline.webhooks.queue import GONE, Claimed, Outcome

RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
SLOW_DOWN = frozenset({429, 503})
"""With Retry-After they speak for the whole endpoint."""
LONGEST_REST = 3_600.0
ANSWER_KEPT = 1_000
LEAST_SECRET = 24


def judged(claimed: Claimed, answer: Answer, secrets: list[str]) -> Outcome:
    """Done, or why not. A 410 switches off what was registered; of a callback it ends this one delivery."""
    said = answer.exchange.response_excerpt
    if len(said) >= LEAST_SECRET:  # shorter ones, like "ok", hold none
        said = clean(redact(said, secrets))[:ANSWER_KEPT]
    if answer.ok:
        return Outcome(claimed, "delivered", answer.elapsed_ms, code=answer.status, answer=said)
    told: dict[str, Any] = {"code": answer.status, "answer": said}
    if answer.status == GONE and claimed.kind == "callback":
        return Outcome(claimed, "failed", answer.elapsed_ms, error=f"HTTP {GONE}", **told)
    after = webcalls.retry_after(answer.headers) or 0.0
    rest = min(after, LONGEST_REST) if answer.status in SLOW_DOWN else 0.0
    told |= {"gone": answer.status == GONE, "rest": rest}
    return failed(claimed, answer.elapsed_ms, f"HTTP {answer.status}", after, **told)


def failed(claimed: Claimed, elapsed_ms: int, error: str, after: float = 0.0, **told: Any) -> Outcome:
    """Tried again later, or a dead letter after the last try."""
    error = clean(error)[:ANSWER_KEPT]
    if claimed.attempts > len(RETRY_SECONDS):
        return Outcome(claimed, "failed", elapsed_ms, error=error, **told)
    wait = RETRY_SECONDS[claimed.attempts - 1] * random.uniform(0.8, 1.2)
    return Outcome(claimed, "pending", elapsed_ms, wait=max(wait, after), error=error, **told)

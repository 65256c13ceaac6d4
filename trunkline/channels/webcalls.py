"""What adapters over HTTP share: reading a provider's answer as success or as a `SendError`."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from trunkline.channels.base import Exchange, SendError
from trunkline.core import clock
from trunkline.core.http import Answer, HttpFailure, redact

PASSING = frozenset({408, 425, 500, 502, 503, 504})
"""Statuses that say "not now"."""
ACCOUNT = frozenset({401, 402, 403})
"""Statuses that are about our account with the provider rather than about this message."""


def error_of(answer: Answer) -> SendError | None:
    """None when the provider took it."""
    status = answer.status
    if 200 <= status < 300:
        return None
    detail, code = f"HTTP {status}", str(status)
    if status == 429:
        return SendError("throttled", detail, retry=True, retry_after=retry_after(answer.headers), provider_code=code)
    if status in PASSING:
        after = retry_after(answer.headers)
        return SendError("unreachable", detail, retry=True, retry_after=after, provider_code=code)
    if status in ACCOUNT:
        return SendError("config", detail, retry=True, stop_channel=True, provider_code=code)
    return SendError("rejected", detail, provider_code=code)


def error_of_failure(failure: HttpFailure) -> SendError:
    """A call without a usable answer: it never left, or it may have arrived."""
    if failure.maybe_sent:
        return SendError("ambiguous", failure.message)
    if failure.phase == "refused":
        return SendError("config", failure.message, retry=True, stop_channel=True)
    return SendError("unreachable", failure.message, retry=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header, given as a number or as a date; at most a day."""
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if text.isdecimal():
        return min(float(text), 86_400.0)
    try:
        return min(max(0.0, (parsedate_to_datetime(text) - clock.now()).total_seconds()), 86_400.0)
    except (ValueError, TypeError):
        return None


def exchange_of(answer: Answer | HttpFailure, *secrets: str) -> Exchange:
    """What the channel log keeps of a call."""
    talk = answer.exchange
    return Exchange(
        request=redact(talk.request_excerpt, secrets),
        response=redact(talk.response_excerpt, secrets),
        status=answer.status if isinstance(answer, Answer) else None,
        elapsed_ms=float(talk.elapsed_ms),
    )

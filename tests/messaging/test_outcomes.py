"""What each answer of a provider means for a message."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.channels import webcalls
from trunkline.channels.base import RETRY_SECONDS, SendError, Sent
from trunkline.core.http import Answer, Exchange, HttpFailure
from trunkline.messaging.outcomes import REST_SECONDS, Outcome, decide

EXCHANGE = Exchange(method="POST", url="http://provider.example/", sent=b"{}", started=0.0)


def answered(status: int, headers: Mapping[str, str] | None = None) -> Sent:
    answer = Answer(status, headers or {}, b"", EXCHANGE)
    return Sent(id=1, external_id="x", error=webcalls.error_of(answer))


def failed(phase, *, maybe_sent: bool) -> Sent:
    return Sent(id=1, error=webcalls.error_of_failure(HttpFailure(phase, "Sorry.", EXCHANGE, maybe_sent=maybe_sent)))


def raised(code, **more) -> Sent:
    return Sent(id=1, error=SendError(code, "Sorry.", **more))


# answer of the provider, status when repeats are fine, status when nothing may be repeated
ANSWERS = [
    *((f"{status}", answered(status), "sent", "sent") for status in (200, 201, 202, 204, 206, 299)),
    *((f"{status}", answered(status), "failed", "failed") for status in (300, 301, 302, 304, 307, 308)),
    *((f"{status}", answered(status), "failed", "failed") for status in (400, 404, 405, 406, 409, 410, 411)),
    *((f"{status}", answered(status), "failed", "failed") for status in (412, 413, 414, 415, 418, 421, 422, 451)),
    *((f"{status}", answered(status), "errored", "errored") for status in (401, 402, 403)),
    *((f"{status}", answered(status), "errored", "errored") for status in (408, 425, 429, 500, 502, 503, 504)),
    *((f"{status}", answered(status), "failed", "failed") for status in (501, 505, 507, 511, 599)),
    ("429 with a wait", answered(429, {"Retry-After": "40"}), "errored", "errored"),
    ("503 with a date", answered(503, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), "errored", "errored"),
    ("429 with nonsense", answered(429, {"Retry-After": "soon"}), "errored", "errored"),
    ("refused by our own guard", failed("refused", maybe_sent=False), "errored", "errored"),
    ("no free connection", failed("before_sent", maybe_sent=False), "errored", "errored"),
    ("name, TCP or TLS", failed("connect", maybe_sent=False), "errored", "errored"),
    ("silence after the request left", failed("after_sent", maybe_sent=True), "errored", "unknown"),
    ("answer too large", failed("too_big", maybe_sent=True), "errored", "unknown"),
    ("answer cut off", failed("bad", maybe_sent=True), "errored", "unknown"),
    ("settings wrong", raised("config"), "errored", "errored"),
    ("address can never work", raised("invalid"), "failed", "failed"),
    ("refused", raised("rejected"), "failed", "failed"),
    ("refused for now", raised("rejected", retry=True), "errored", "errored"),
    ("unreachable", raised("unreachable"), "errored", "errored"),
    ("throttled", raised("throttled"), "errored", "errored"),
    ("opted out there", raised("contact_stopped"), "failed", "failed"),
    ("lost", raised("ambiguous"), "errored", "unknown"),
    ("lost, says try again", raised("ambiguous", retry=True), "errored", "unknown"),
    ("a surprise", raised("unexpected"), "failed", "failed"),
    ("a surprise that passes", raised("unexpected", retry=True), "errored", "errored"),
]


@pytest.mark.parametrize(("sent", "repeatable", "once"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_an_answer_decides(sent: Sent, repeatable: str, once: str) -> None:
    assert decide(sent, 1, at_most_once=False).status == repeatable
    assert decide(sent, 1, at_most_once=True).status == once


@pytest.mark.parametrize(("sent", "repeatable"), [row[1:3] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
@pytest.mark.parametrize("once", [False, True])
def test_after_the_last_try_nothing_waits(sent: Sent, repeatable: str, once: bool) -> None:
    outcome = decide(sent, len(RETRY_SECONDS) + 1, at_most_once=once)

    assert outcome.again_in is None
    assert outcome.status in ("sent", "failed", "unknown")


@given(st.sampled_from([row[1] for row in ANSWERS]), st.integers(1, 5), st.booleans())
def test_only_what_is_tried_again_waits(sent: Sent, attempts: int, once: bool) -> None:
    outcome = decide(sent, attempts, at_most_once=once)

    assert (outcome.again_in is not None) == (outcome.status == "errored")
    assert outcome.rest is None or outcome.status == "errored"


@pytest.mark.parametrize(("attempts", "seconds"), list(enumerate(RETRY_SECONDS, start=1)))
def test_each_try_waits_longer_with_a_fifth_of_chance(attempts: int, seconds: int) -> None:
    waits = [decide(raised("unreachable"), attempts, at_most_once=True).again_in or 0 for _ in range(200)]

    assert seconds * 0.8 <= min(waits) <= max(waits) <= seconds * 1.2
    assert max(waits) - min(waits) > seconds * 0.1


def test_a_kind_of_channel_may_have_its_own_waits() -> None:
    waits = (10, 20)

    statuses = [decide(raised("unreachable"), n, at_most_once=False, waits=waits).status for n in (1, 2, 3)]

    assert statuses == ["errored", "errored", "failed"]


def test_who_asks_for_a_longer_wait_gets_it() -> None:
    outcome = decide(raised("unreachable", retry=True, retry_after=900.0), 1, at_most_once=False)

    assert (outcome.again_in, outcome.rest) == (900.0, None)


def test_throttling_rests_the_channel_and_the_tries_still_grow_apart() -> None:
    short, long = (decide(raised("throttled", retry_after=2.0), n, at_most_once=True) for n in (1, 4))

    assert (short.rest, long.rest) == (2.0, 2.0)
    assert 4 <= (short.again_in or 0) <= 6
    assert 1440 <= (long.again_in or 0) <= 2160


def test_a_refused_channel_rests_and_says_why() -> None:
    outcome = decide(answered(401), 1, at_most_once=True)

    assert (outcome.rest, outcome.trouble) == (REST_SECONDS, "HTTP 401")


def test_somebody_who_opted_out_at_the_provider_is_told_on() -> None:
    outcome = decide(raised("contact_stopped"), 1, at_most_once=True)

    assert outcome == Outcome("failed", reason="suppressed", error="Sorry.", opted_out=True)


def test_the_providers_words_are_kept() -> None:
    outcome = decide(raised("rejected", provider_code="30007"), 1, at_most_once=True)

    assert (outcome.reason, outcome.error, outcome.provider_code) == ("rejected", "Sorry.", "30007")


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("17", 17.0), ("999999999", 86_400.0), ("", None)])
def test_a_wait_is_read_in_seconds(text: str, seconds: float | None) -> None:
    assert webcalls.retry_after({"Retry-After": text}) == seconds


@pytest.mark.parametrize("text", ["-5", "1.5", "later", "Mon, 99 Foo 2026", "٣", "9" * 5000])
def test_a_wait_that_makes_no_sense_is_none_or_at_most_a_day(text: str) -> None:
    seconds = webcalls.retry_after({"RETRY-AFTER": text})

    assert seconds is None or 0 <= seconds <= 86_400

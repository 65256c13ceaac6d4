"""Reading a provider's answer."""

from datetime import UTC, datetime

import pytest
import time_machine

from trunkline.channels import webcalls
from trunkline.core.http import Answer, Exchange, HttpFailure


def exchange(sent: bytes = b"", received: bytes = b"") -> Exchange:
    talk = Exchange(method="POST", url="https://p.example/send?key=s3cret", sent=sent, started=0.0)
    talk.received = received
    return talk


def test_a_yes_is_no_error() -> None:
    assert webcalls.error_of(Answer(204, {}, b"", exchange())) is None


@time_machine.travel(datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        (" 30 ", 30.0),
        ("Sun, 01 Mar 2026 12:00:45 GMT", 45.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2099 12:00:00 GMT", 86_400.0),
        ("Sun, 01 Mar 2026 12:00:45", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_wait_may_be_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert webcalls.retry_after({"retry-AFTER": text}) == seconds


def test_the_log_keeps_the_talk_without_secrets() -> None:
    talk = exchange(b'{"token":"s3cret"}', b"your key s3cret is wrong")

    kept = webcalls.exchange_of(Answer(401, {}, b"", talk), "s3cret")

    assert "s3cret" not in kept.request + kept.response
    assert kept.status == 401


def test_a_call_without_an_answer_has_no_status() -> None:
    kept = webcalls.exchange_of(HttpFailure("connect", "Sorry.", exchange(), maybe_sent=False))

    assert kept.status is None

"""The built-in carrier as a channel: what callers may tell it."""

import msgspec
import pytest

from trunkline.channels.base import ChannelEvent, Identity, Inbound, Request, Status
from trunkline.channels.simulator import Simulator, SimulatorConfig
from trunkline.channels.talking import Keypress
from trunkline.core.errors import Invalid, Malformed, NotFound, Unauthenticated
from trunkline.core.urns import Urn

SECRET = "the channel's secret"


def simulator(**settings: object) -> Simulator:
    config = msgspec.convert(settings, SimulatorConfig)
    return Simulator(config, channel=Identity(1, 2, "Sim", "+40700000000"), secret=SECRET)


def request(body: object = None, action: str = "receive", authorization: str | None = f"Bearer {SECRET}") -> Request:
    headers = {"authorization": authorization} if authorization is not None else {}
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Request(action=action, method="POST", headers=headers, query={}, body=raw)


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"bearer {SECRET}", SECRET, f"Bearer {SECRET} ", "Bearer ü", f"Basic {SECRET}"],
)
def test_without_the_secret_nobody_is_heard(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated):
        simulator().verify(request(authorization=authorization))


def test_the_secret_opens() -> None:
    simulator().verify(request())


def test_a_message_comes_in() -> None:
    body = {
        "id": "m1",
        "from": "+40 740 111 222",
        "text": "Hello",
        "name": "Jane",
        "attachments": [{"url": "https://x.example/a.png", "content_type": "image/png"}],
    }

    [message] = simulator().receive(request(body))

    assert isinstance(message, Inbound)
    assert (str(message.urn), message.text, message.external_id, message.name) == (
        "tel:+40740111222",
        "Hello",
        "m1",
        "Jane",
    )
    assert [(one.url, one.content_type) for one in message.attachments] == [("https://x.example/a.png", "image/png")]


@pytest.mark.parametrize(
    ("settings", "sender", "urn"),
    [
        ({"as": "whatsapp"}, "+40740111222", "whatsapp:40740111222"),
        ({"as": "email"}, "Jane@Example.org", "mailto:"),
        ({"as": "voice"}, "+40740111222", "tel:+40740111222"),
        ({"scheme": "ext"}, "anybody 7", "ext:anybody 7"),
    ],
)
def test_the_sender_is_an_address_of_its_kind(settings: dict, sender: str, urn: str) -> None:
    [message] = simulator(**settings).receive(request({"id": "1", "from": sender}))

    assert isinstance(message, Inbound)
    assert str(message.urn).startswith(urn)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "1"},
        {"from": "+40740111222"},
        {"id": "", "from": "+40740111222"},
        {"id": 7, "from": "+40740111222"},
        {"id": "x" * 256, "from": "+40740111222"},
        {"id": "1", "from": ""},
        {"id": "1", "from": "nobody"},
        {"id": "1", "from": "+1"},
        {"id": "1", "from": "+40740111222", "text": None},
        {"id": "1", "from": "+40740111222", "text": "x" * 65_537},
        {"id": "1", "from": "+40740111222", "attachments": [{}]},
        [],
        "text",
        None,
    ],
)
def test_a_message_that_makes_no_sense_is_refused(body: object) -> None:
    with pytest.raises(Invalid):
        simulator().receive(request(body))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"id":"\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_is_told(body: bytes) -> None:
    with pytest.raises((Malformed, Invalid)):
        simulator().receive(request(body))


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "failed"])
def test_a_report_comes_in(status: str) -> None:
    body = {"external_id": "sim-7-abc", "status": status, "reason": "why"}

    [report] = simulator().receive(request(body, "status"))

    assert report == Status(status=status, external_id="sim-7-abc", message_id=7, reason="why")  # pyright: ignore


@pytest.mark.parametrize("body", [{}, {"external_id": "x"}, {"external_id": "x", "status": "lost"}, {"status": "read"}])
def test_a_report_that_makes_no_sense_is_refused(body: dict) -> None:
    with pytest.raises(Invalid):
        simulator().receive(request(body, "status"))


def test_there_is_nothing_else_to_tell() -> None:
    with pytest.raises(NotFound):
        simulator().receive(request({}, "restart"))


def test_everything_that_is_wrong_is_told_in_words_for_people() -> None:
    with pytest.raises(Invalid) as refused:
        simulator().receive(request({"id": "", "text": 7}, "receive"))

    assert refused.value.fields == {
        "id": ["The id field is required."],
        "from": ["The from field is required."],
        "text": ["The text field must be a string."],
    }


def test_an_event_comes_in() -> None:
    body = {"id": "e1", "type": "referral", "from": "+40740111222", "extra": {"referrer_id": "ad-7"}}

    [event] = simulator().receive(request(body, action="event"))

    assert isinstance(event, ChannelEvent)
    assert (event.type, str(event.urn), event.external_id, event.extra) == (
        "referral",
        "tel:+40740111222",
        "e1",
        {"referrer_id": "ad-7"},
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "referral"},
        {"type": "earthquake", "from": "+40740111222"},
        {"type": "referral", "from": "nobody"},
        {"type": "referral", "from": "+40740111222", "extra": []},
        {"type": "referral", "from": "+40740111222", "occurred_on": "2026-01-01T00:00:00"},
        {"type": "referral", "from": "+40740111222", "id": ""},
    ],
)
def test_an_event_that_makes_no_sense_is_refused(body: dict) -> None:
    with pytest.raises(Invalid):
        simulator().receive(request(body, action="event"))


def test_keys_come_in() -> None:
    body = {"from": "+40740111222", "keys": "12#", "hang_up": True}

    [pressed] = simulator(**{"as": "voice"}).receive(request(body, "keys"))

    assert pressed == Keypress(urn=Urn("tel", "+40740111222"), keys="12#", hangs_up=True)


@pytest.mark.parametrize("body", [{}, {"from": "x"}, {"from": "+40740111222", "keys": "1x"}, [], None])
def test_keys_that_make_no_sense_are_refused(body: object) -> None:
    with pytest.raises(Invalid):
        simulator(**{"as": "voice"}).receive(request(body, "keys"))

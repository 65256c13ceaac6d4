"""The custom channel: what its owner may tell it. What it tells the owner is in the delivery tests."""

import msgspec
import pytest

from trunkline.channels.base import ChannelEvent, Identity, Inbound, Request, Status
from trunkline.channels.custom_http import CustomHttp, CustomHttpConfig
from trunkline.core.errors import Invalid, Malformed, NotFound, Unauthenticated

SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


def custom(**settings: object) -> CustomHttp:
    config = msgspec.convert({"url": "https://owner.example/hook", **settings}, CustomHttpConfig)
    return CustomHttp(config, channel=Identity(1, 2, "Chat", "acme"), secret=SECRET)


def request(body: object, action: str = "receive", authorization: str = f"Bearer {SECRET}") -> Request:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Request(action=action, method="POST", headers={"authorization": authorization}, query={}, body=raw)


def told(**custom_data: object) -> dict:
    return {"customData": {"messageSid": "s1", "fromId": "visitor-7", "toId": "acme", "body": "Hello", **custom_data}}


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Token {SECRET}", "Bearer whsec_", "Bearer ț"])
def test_without_the_secret_nobody_is_heard(authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        custom().verify(request({}, authorization=authorization))


def test_a_message_comes_in() -> None:
    [message] = custom().receive(request(told(firstName="Jane", lastName="Smith")))

    assert isinstance(message, Inbound)
    assert (str(message.urn), message.text, message.external_id) == ("ext:visitor-7", "Hello", "s1")
    assert (message.name, message.reaction) == ("Jane Smith", False)


@pytest.mark.parametrize(
    ("data", "sid", "sender"),
    [
        ({"customData": {"id": "s2", "fromId": "v", "body": "x"}}, "s2", "v"),
        ({"customData": {"id": 17, "fromId": 42, "body": "x"}}, "17", "42"),
        ({"customData": {"messageSid": " s3 ", "id": "other", "fromId": " v ", "body": "x"}}, "s3", "v"),
    ],
)
def test_ids_may_be_numbers_and_have_a_second_name(data: dict, sid: str, sender: str) -> None:
    [message] = custom().receive(request(data))

    assert isinstance(message, Inbound)
    assert (message.external_id, message.urn.path) == (sid, sender)


def test_a_reaction_is_marked() -> None:
    [message] = custom().receive(request({**told(body="👍"), "messageType": "reaction"}))

    assert isinstance(message, Inbound)
    assert message.reaction


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "customData.messageSid"),
        ({"customData": None}, "customData.fromId"),
        ({"customData": []}, "customData.body"),
        (told(messageSid=""), "customData.messageSid"),
        (told(messageSid=True), "customData.messageSid"),
        (told(messageSid={"a": 1}), "customData.messageSid"),
        (told(messageSid="s" * 256), "customData.messageSid"),
        (told(fromId=None), "customData.fromId"),
        (told(fromId="v" * 256), "customData.fromId"),
        (told(fromId="a\nb"), "customData.fromId"),
        (told(body="   "), "customData.body"),
        ({**told(), "messageType": "carrier pigeon"}, "messageType"),
        ({**told(), "messageType": 7}, "messageType"),
    ],
)
def test_what_is_missing_is_named(body: dict, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        custom().receive(request(body))

    assert field in refused.value.fields


@pytest.mark.parametrize(
    ("kind", "sender", "urn"),
    [
        ("sms", "+40 740 111 222", "tel:+40740111222"),
        ("whatsapp", "+40740111222", "whatsapp:40740111222"),
        ("email", "jane@example.org", "mailto:jane@example.org"),
    ],
)
def test_a_channel_that_counts_as_another_kind_takes_its_addresses(kind: str, sender: str, urn: str) -> None:
    [message] = custom(**{"as": kind}).receive(request(told(fromId=sender)))

    assert isinstance(message, Inbound)
    assert str(message.urn) == urn


def test_and_refuses_others() -> None:
    with pytest.raises(Invalid):
        custom(**{"as": "sms"}).receive(request(told(fromId="visitor-7")))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"nul"])
def test_what_is_no_json_is_told(body: bytes) -> None:
    with pytest.raises(Malformed):
        custom().receive(request(body))


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_what_is_no_object_is_told(body: object) -> None:
    with pytest.raises(Invalid):
        custom().receive(request(body))


def test_a_report_comes_in() -> None:
    [report] = custom().receive(request({"messageSid": "s1", "status": "delivered"}, "status"))

    assert report == Status(status="delivered", external_id="s1")


@pytest.mark.parametrize(
    "body", [{}, {"messageSid": "s1"}, {"messageSid": "s1", "status": "queued"}, {"status": "read"}]
)
def test_a_report_that_makes_no_sense_is_refused(body: dict) -> None:
    with pytest.raises(Invalid):
        custom().receive(request(body, "status"))


def test_there_is_nothing_else_to_tell() -> None:
    with pytest.raises(NotFound):
        custom().receive(request({}, "outbox"))


def test_an_event_comes_in() -> None:
    body = {
        "eventType": "referral",
        "customData": {"eventSid": "e1", "fromId": "visitor-7", "firstName": "Jane", "extra": {"referrer_id": "ad-7"}},
    }

    [event] = custom().receive(request(body, action="event"))

    assert isinstance(event, ChannelEvent)
    assert (event.type, str(event.urn), event.external_id, event.name, event.extra) == (
        "referral",
        "ext:visitor-7",
        "e1",
        "Jane",
        {"referrer_id": "ad-7"},
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"eventType": "referral"},
        {"eventType": "earthquake", "customData": {"fromId": "v"}},
        {"eventType": ["referral"], "customData": {"fromId": "v"}},
        {"eventType": "referral", "customData": {"fromId": {}}},
        {"eventType": "referral", "customData": {"fromId": "v", "eventSid": "x" * 256}},
    ],
)
def test_an_event_that_makes_no_sense_is_refused(body: dict) -> None:
    with pytest.raises(Invalid):
        custom().receive(request(body, action="event"))

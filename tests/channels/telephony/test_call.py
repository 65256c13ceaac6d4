"""Calls with a clock that the test turns: what is sent, sent again, and given up."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.channels.telephony import messages, sdp
from trunkline.channels.telephony.call import Call
from trunkline.channels.telephony.dialog import Line
from trunkline.channels.telephony.digest import Login
from trunkline.channels.telephony.messages import Message

EXCHANGE = ("192.0.2.9", 5060)
SOUND = sdp.offer("192.0.2.9", 4000, "pcmu", 1)


class Bench:
    """A call, what it sent so far, and the other side's words."""

    def __init__(self, login: Login | None = None):
        tokens = map(str, itertools.count(1))
        line = Line("sip:us@x.test", "sip:them@x.test", "192.0.2.1", 5062, "ours", "call-1")
        self.steps: list[str] = []
        self.call = Call(line, b"offer", "pcmu", login, lambda: next(tokens), self.steps.append)
        self.now = 0.0
        self.call.dial(self.now)
        [self.invite] = self.sent()

    def sent(self) -> list[Message]:
        out = [messages.read(messages.write(message)) for message, _ in self.call.outbox]
        self.call.outbox.clear()
        return out

    def pass_until(self, end: float) -> list[tuple[float, str]]:
        """What goes out by itself until then."""
        out = []
        while (at := self.call.wakes_at) is not None and at <= end:
            self.now = at
            self.call.tick(at)
            out += [(at, message.method or str(message.status)) for message in self.sent()]
        self.now = end
        return out

    def answers(self, request: Message, status: int, *, tag: str = "theirs", body: bytes = b"", **more: str) -> None:
        headers = tuple((name.replace("_", "-"), value) for name, value in more.items())
        contact = (("contact", "<sip:them@192.0.2.7:5070>"),)
        response = messages.respond(request, status, "Because", tag=tag, more=(*contact, *headers))
        self.hears(Message(status=status, reason="Because", headers=response.headers, body=body))

    def asks(self, method: str, number: int = 1, *, tag: str = "theirs") -> None:
        headers = (
            ("via", f"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKtheirs{number}"),
            ("from", f"<sip:them@x.test>;tag={tag}"), ("to", "<sip:us@x.test>;tag=ours"), ("call-id", "call-1"),
            ("cseq", f"{number} {method}"),
        )  # fmt: skip
        self.hears(Message(method=method, uri="sip:us@192.0.2.1", headers=headers))

    def hears(self, message: Message) -> None:
        self.call.hear(message, EXCHANGE, self.now)

    def answered(self) -> "Bench":
        self.answers(self.invite, 200, body=SOUND)
        self.sent()
        return self


def test_an_invitation_is_repeated_until_the_exchange_is_given_up():
    bench = Bench()

    repeats = bench.pass_until(60)

    assert repeats == [(at, "INVITE") for at in (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)]
    assert bench.call.ending is not None
    assert (bench.call.ending.outcome, bench.call.ending.code, bench.call.is_quiet) == ("failed", 408, True)


def test_any_word_ends_the_repeats():
    bench = Bench()

    bench.answers(bench.invite, 100)

    assert bench.pass_until(120) == []
    assert bench.steps == []


def test_it_rings_once():
    bench = Bench()

    for status in (100, 180, 183, 180):
        bench.answers(bench.invite, status)

    assert bench.steps == ["ringing"]


def test_an_answer_is_confirmed_each_time_it_comes():
    bench = Bench()

    bench.answers(bench.invite, 200, body=SOUND)
    first = bench.sent()
    bench.answers(bench.invite, 200, body=SOUND)
    again = bench.sent()

    assert [message.method for message in first] == ["ACK"]
    assert first == again
    assert first[0].uri == "sip:them@192.0.2.7:5070"
    assert first[0].sequence == (1, "ACK")
    assert first[0].branch != bench.invite.branch
    assert bench.steps == ["answered"]
    assert bench.call.media is not None


def test_within_the_call_the_way_of_the_proxies_is_gone_back():
    bench = Bench()

    bench.answers(bench.invite, 200, body=SOUND, record_route="<sip:p2.test;lr>, <sip:192.0.2.5;lr>")
    [(ack, hop)] = bench.call.outbox

    assert ack.every("route") == ["<sip:192.0.2.5;lr>", "<sip:p2.test;lr>"]
    assert hop == ("192.0.2.5", 5060)


def test_we_hang_up_and_repeat_it_until_it_is_heard():
    bench = Bench().answered()

    bench.call.hang_up(bench.now)
    [bye] = bench.sent()
    repeats = bench.pass_until(5)
    bench.answers(bye, 200)

    assert bye.sequence == (2, "BYE")
    assert repeats == [(0.5, "BYE"), (1.5, "BYE"), (3.5, "BYE")]
    assert bench.pass_until(60) == []
    assert bench.call.is_quiet


def test_nobody_confirms_that_we_hung_up():
    bench = Bench().answered()

    bench.call.hang_up(bench.now)
    bench.pass_until(60)

    assert bench.call.is_quiet
    assert bench.call.ending is not None
    assert bench.call.ending.outcome == "completed"


def test_they_hang_up_and_hear_each_repeat_confirmed():
    bench = Bench().answered()

    bench.asks("BYE")
    first = bench.sent()
    bench.asks("BYE")
    again = bench.sent()

    assert [message.status for message in first] == [200]
    assert first == again
    assert bench.call.ending is not None
    assert (bench.call.ending.outcome, bench.call.ending.by_peer) == ("completed", True)


def test_who_does_not_know_the_tags_cannot_hang_up():
    bench = Bench().answered()

    bench.asks("BYE", tag="a guess")

    assert [message.status for message in bench.sent()] == [481]
    assert bench.call.ending is None


def test_a_call_is_taken_back_only_after_a_word_of_the_exchange():
    bench = Bench()

    bench.call.hang_up(bench.now)
    silent = bench.sent()
    bench.answers(bench.invite, 180)
    [cancel] = bench.sent()
    bench.answers(cancel, 200)
    bench.answers(bench.invite, 487)
    [ack] = bench.sent()

    assert silent == []
    assert (cancel.method, cancel.branch, cancel.sequence) == ("CANCEL", bench.invite.branch, (1, "CANCEL"))
    assert (ack.method, ack.branch) == ("ACK", bench.invite.branch)
    assert bench.call.ending is not None
    assert (bench.call.ending.outcome, bench.call.ending.code) == ("canceled", 487)
    assert bench.steps == []


def test_somebody_picks_up_while_the_call_is_taken_back():
    bench = Bench()
    bench.answers(bench.invite, 180)
    bench.call.hang_up(bench.now)
    bench.sent()

    bench.answers(bench.invite, 200, body=SOUND)

    assert [message.method for message in bench.sent()] == ["ACK", "BYE"]
    assert bench.call.ending is not None
    assert bench.call.ending.outcome == "canceled"


def test_a_taken_back_call_ends_although_the_exchange_forgets_it():
    bench = Bench()
    bench.answers(bench.invite, 180)
    bench.call.hang_up(bench.now)

    bench.pass_until(40)

    assert bench.call.ending is not None
    assert (bench.call.ending.outcome, bench.call.is_quiet) == ("canceled", True)


def test_two_phones_pick_up_and_the_second_is_told_off():
    bench = Bench().answered()

    bench.answers(bench.invite, 200, tag="second", body=SOUND)

    ack, bye = bench.sent()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert messages.parameter(bye.first("to"), "tag") == "second"
    assert bench.call.ending is None


def test_a_refusal_is_confirmed_each_time_and_ends_the_call_once():
    bench = Bench()

    bench.answers(bench.invite, 486)
    bench.answers(bench.invite, 486)

    assert [message.method for message in bench.sent()] == ["ACK", "ACK"]
    assert bench.call.ending is not None
    assert bench.call.ending.outcome == "busy"
    bench.pass_until(40)
    assert bench.call.is_quiet


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(486, "busy"), (600, "busy"), (480, "no_answer"), (408, "no_answer"), (404, "failed"), (503, "failed"),
     (603, "failed"), (302, "failed")],
)  # fmt: skip
def test_what_refusals_mean(status, outcome):
    bench = Bench()

    bench.answers(bench.invite, status)

    assert bench.call.ending is not None
    assert (bench.call.ending.outcome, bench.call.ending.code) == (outcome, status)


def test_no_common_codec():
    bench = Bench()

    bench.answers(bench.invite, 200, body=SOUND.replace(b"AVP 0 8 101", b"AVP 18"))

    assert [message.method for message in bench.sent()] == ["ACK", "BYE"]
    assert bench.call.ending is not None
    assert bench.call.ending.outcome == "failed"


def test_another_sound_is_refused_until_that_is_confirmed():
    bench = Bench().answered()

    bench.asks("INVITE")
    [refusal] = bench.sent()
    repeats = bench.pass_until(2)
    bench.asks("ACK")

    assert refusal.status == 488
    assert repeats == [(0.5, "488"), (1.5, "488")]
    assert bench.pass_until(100) == []
    assert bench.call.ending is None


def test_questions_within_the_call():
    bench = Bench().answered()

    for number, method in enumerate(["OPTIONS", "UPDATE", "INFO"], 1):
        bench.asks(method, number)

    assert [message.status for message in bench.sent()] == [200, 405, 405]


def test_a_stale_nonce_is_answered_again():
    bench = Bench(Login("u", "p"))
    challenge = 'Digest realm="x", nonce="{}", stale={}'

    bench.answers(bench.invite, 407, proxy_authenticate=challenge.format("n1", "false"))
    _, second = bench.sent()
    bench.answers(second, 407, proxy_authenticate=challenge.format("n2", "true"))
    _, third = bench.sent()
    bench.answers(third, 200, body=SOUND)
    [ack] = bench.sent()

    assert 'nonce="n1"' in second.first("proxy-authorization")
    assert 'nonce="n2"' in third.first("proxy-authorization")
    assert (second.sequence[0], third.sequence[0]) == (2, 3)
    assert ack.first("proxy-authorization") == third.first("proxy-authorization")
    assert ack.sequence == (3, "ACK")


def test_endless_challenges_end():
    bench = Bench(Login("u", "p"))
    last = bench.invite

    for number in range(10):
        bench.answers(last, 401, www_authenticate=f'Digest realm="x", nonce="{number}", stale=true')
        asked = [message for message in bench.sent() if message.method == "INVITE"]
        if not asked:
            break
        [last] = asked

    assert bench.call.ending is not None
    assert bench.call.ending.refused_login


def test_even_hanging_up_may_want_a_proof():
    bench = Bench(Login("u", "p")).answered()

    bench.call.hang_up(bench.now)
    [bye] = bench.sent()
    bench.answers(bye, 401, www_authenticate='Digest realm="x", nonce="n"')
    [again] = bench.sent()

    assert (again.method, again.sequence[0]) == ("BYE", bye.sequence[0] + 1)
    assert 'uri="sip:them@192.0.2.7:5070"' in again.first("authorization")


STATUSES = st.sampled_from([100, 180, 183, 200, 302, 401, 407, 480, 486, 487, 500, 603])
TAGS = st.sampled_from(["theirs", "second", ""])
BODIES = st.sampled_from([SOUND, b"", b"v=0", b"\xff" * 40])
METHODS = st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE"])
ASKS = st.sampled_from(["", 'Digest realm="x", nonce="n"', 'Digest realm="x", nonce="m", stale=true', "Basic x"])
EVENTS = st.one_of(
    st.tuples(st.just("answer"), STATUSES, TAGS, BODIES, ASKS),
    st.tuples(st.just("ask"), METHODS, st.integers(0, 3), TAGS),
    st.tuples(st.just("pass"), st.floats(0, 40)),
    st.tuples(st.just("hang up")),
)


@given(st.lists(EVENTS, max_size=12))
def test_whatever_happens_the_call_comes_to_an_end(events):
    bench = Bench(Login("u", "p"))
    asked = [bench.invite]

    for event in events:
        match event:
            case ("answer", status, tag, body, challenge):
                proof = {"www_authenticate": challenge, "proxy_authenticate": challenge}
                bench.answers(asked[-1], status, tag=tag, body=body, **proof)
            case ("ask", method, number, tag):
                bench.asks(method, number, tag=tag)
            case ("pass", seconds):
                bench.pass_until(bench.now + seconds)
            case _:
                bench.call.hang_up(bench.now)
        asked += [message for message in bench.sent() if message.is_request and message.method != "ACK"]
    bench.call.hang_up(bench.now)
    bench.pass_until(bench.now + 200)

    assert bench.call.ending is not None
    assert bench.call.is_quiet

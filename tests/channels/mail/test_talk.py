"""The talk with a relay: which answer belongs to which command, and how a talk ends."""

import pytest

from tests.peers.wires import Wire
from trunkline.channels.mail.talk import LONGEST, Answer, Talk, TalkOver

pytestmark = pytest.mark.anyio


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def talk(wire: Wire) -> Talk:
    return Talk(wire)


async def test_answers_belong_to_commands_in_order(talk: Talk, wire: Wire) -> None:
    first, second = talk.ask("MAIL FROM:<a@x.test>", "RCPT TO:<b@x.test>")

    talk.data_received(b"250 2.1.0 Ok\r\n550 5.1.1 No such user\r\n")

    assert wire.said == b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\n"
    assert (first.result(), second.result()) == (Answer(250, "2.1.0 Ok"), Answer(550, "5.1.1 No such user"))


@pytest.mark.parametrize("pieces", [[b"2", b"50-one\r", b"\n250", b" two\r\n"], [b"250-one\r\n250 two\r\n"]])
async def test_an_answer_of_several_lines_comes_in_any_pieces(talk: Talk, pieces: list[bytes]) -> None:
    [answer] = talk.ask("RSET")

    for piece in pieces:
        talk.data_received(piece)

    assert answer.result() == Answer(250, "one\ntwo")
    assert talk.alive


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"hello\r\n", "This is no answer: 'hello\\r'"),
        (b"250-" + b"x" * LONGEST, "The answer is too long."),
        (b"250-x\r\n" * (LONGEST // 7 + 1), "The answer is too long."),
    ],
)
async def test_what_is_no_answer_ends_the_talk(talk: Talk, wire: Wire, data: bytes, why: str) -> None:
    [answer] = talk.ask("DATA")

    talk.data_received(data)

    assert wire.closed
    with pytest.raises(TalkOver) as error:
        await talk.within(1, answer)
    assert str(error.value) == why


async def test_a_relay_that_says_goodbye_unasked_is_not_asked_again(talk: Talk) -> None:
    talk.data_received(b"421 4.4.2 Timeout\r\n")

    assert not talk.alive
    with pytest.raises(TalkOver, match=r"421 4\.4\.2 Timeout"):
        talk.ask("MAIL FROM:<a@x.test>")


async def test_whoever_waits_hears_that_the_relay_hung_up(talk: Talk) -> None:
    answers = talk.ask("MAIL FROM:<a@x.test>", "RCPT TO:<b@x.test>")

    talk.connection_lost(None)

    for answer in answers:
        with pytest.raises(TalkOver, match="hung up"):
            await talk.within(1, answer)


async def test_who_gave_up_waiting_leaves_its_answer_to_nobody(talk: Talk) -> None:
    first, second = talk.ask("MAIL FROM:<a@x.test>", "RCPT TO:<b@x.test>")

    first.cancel()
    talk.data_received(b"250 one\r\n250 two\r\n")

    assert second.result() == Answer(250, "two")


async def test_a_relay_that_takes_nothing_is_left(talk: Talk, wire: Wire) -> None:
    talk.pause_writing()

    await talk.drain(0.01)

    assert wire.closed
    assert talk.over == "The relay took nothing for 0.01 seconds."


async def test_goodbye_is_said_and_not_waited_for(talk: Talk, wire: Wire) -> None:
    talk.close()

    assert (wire.said, wire.closed) == (b"QUIT\r\n", True)

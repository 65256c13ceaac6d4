"""Handing over: kept connections, and what every failure means."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.peers import certificates, free_port, sink
from tests.peers.sink import DROP, Sink
from trunkline.channels.base import SendError
from trunkline.channels.mail import connection
from trunkline.channels.mail.transport import Pool, Relay
from trunkline.core.egress import Egress

pytestmark = pytest.mark.anyio

RAW = b"From: a@in.test\r\nSubject: x\r\n\r\n.dot\r\n..\r\nend\r\n"
EGRESS = Egress(["127.0.0.1"])


def pool_for(port: int, **relay) -> Pool:
    settings = {"host": "127.0.0.1", "tls": "none"} | relay
    context, size = settings.pop("context", None), settings.pop("size", 8)
    return Pool(Relay(port=port, **settings), EGRESS.open_socket, context=context, size=size)


async def outcome(pool: Pool, *recipients: str) -> SendError | None:
    try:
        await pool.deliver("b+1@in.test", recipients or ("ana@x.test",), RAW)
    except SendError as error:
        return error
    finally:
        await pool.close()
    return None


async def test_a_mail_arrives_as_it_was():
    async with sink.running(Sink()) as relay:
        pool = pool_for(relay.port)
        receipt = await pool.deliver("b+1@in.test", ["ana@x.test", "bo@x.test"], RAW)
        await pool.close()

    assert receipt.response == "250 2.0.0 Ok: queued as 1"
    assert relay.taken == [sink.Taken("b+1@in.test", ["ana@x.test", "bo@x.test"], RAW)]


async def test_a_connection_serves_many_mails():
    async with sink.running(Sink()) as relay:
        pool = pool_for(relay.port)
        for _ in range(5):
            await pool.deliver("a@in.test", ["ana@x.test"], RAW)
        await pool.close()

    assert (len(relay.taken), relay.connections) == (5, 1)


async def test_no_more_connections_than_allowed():
    async with sink.running(Sink()) as relay:
        pool = pool_for(relay.port, size=3)
        await asyncio.gather(*(pool.deliver("a@in.test", ["ana@x.test"], RAW) for _ in range(40)))
        await pool.close()

    assert len(relay.taken) == 40
    assert relay.connections <= 3


async def test_a_connection_that_the_relay_closed_meanwhile_costs_nothing():
    async with sink.running(Sink()) as relay:
        pool = pool_for(relay.port)
        await pool.deliver("a@in.test", ["ana@x.test"], RAW)
        relay.hang_up()
        await pool.deliver("a@in.test", ["ana@x.test"], RAW)
        await pool.close()

    assert (len(relay.taken), relay.connections) == (2, 2)


async def test_goodbye_421_on_a_kept_connection_costs_nothing():
    answers = iter(["250 Ok", "421 4.4.2 idle too long", "250 Ok"])
    async with sink.running(Sink(on_mail=lambda address: next(answers))) as relay:
        pool = pool_for(relay.port)
        await pool.deliver("a@in.test", ["ana@x.test"], RAW)
        await pool.deliver("a@in.test", ["ana@x.test"], RAW)
        await pool.close()

    assert (len(relay.taken), relay.connections) == (2, 2)


async def test_idle_connections_are_given_up():
    async with sink.running(Sink()) as relay:
        pool = pool_for(relay.port)
        await pool.deliver("a@in.test", ["ana@x.test"], RAW)
        pool.idle = 0
        pool.sweep()

    assert pool.take() is None


async def test_a_refused_mail_leaves_the_connection_fit_for_the_next():
    async with sink.running(Sink(on_rcpt=lambda to: "550 5.1.1 no" if "nobody" in to else "250 Ok")) as relay:
        pool = pool_for(relay.port)
        refused = await asyncio.gather(pool.deliver("a@in.test", ["nobody@x.test"], RAW), return_exceptions=True)
        await pool.deliver("a@in.test", ["ana@x.test"], RAW)
        await pool.close()

    assert isinstance(refused[0], SendError)
    assert (len(relay.taken), relay.connections, relay.resets) == (1, 1, 1)


async def test_a_refused_copy_does_not_stop_the_mail():
    async with sink.running(Sink(on_rcpt=lambda to: "550 5.1.1 no" if "nobody" in to else "250 Ok")) as relay:
        pool = pool_for(relay.port)
        receipt = await pool.deliver("a@in.test", ["ana@x.test", "nobody@x.test"], RAW)
        await pool.close()

    assert relay.taken[0].recipients == ["ana@x.test"]
    assert receipt.refused == {"nobody@x.test": "550 5.1.1 no"}


# step, answer, code, retry, stop, provider's code
ANSWERS = [
    ("on_mail", "450 4.1.8 sender domain not found", "rejected", True, False, "4.1.8"),
    ("on_rcpt", "451 4.7.1 greylisted", "rejected", True, False, "4.7.1"),
    ("on_mail", "452 4.3.1 disk full", "rejected", True, False, "4.3.1"),
    ("on_mail", "421 4.7.0 too many messages", "throttled", True, True, "4.7.0"),
    ("on_mail", "530 5.7.0 authentication required", "config", True, True, "5.7.0"),
    ("on_mail", "535 5.7.8 wrong password", "config", True, True, "5.7.8"),
    ("on_mail", "550 5.7.1 sender rejected", "rejected", False, False, "5.7.1"),
    ("on_mail", "552 5.3.4 too big", "rejected", False, False, "5.3.4"),
    ("on_mail", "501 syntax", "rejected", False, False, "501"),
    ("on_rcpt", "450 4.2.0 later", "rejected", True, False, "4.2.0"),
    ("on_rcpt", "452 4.2.2 mailbox full", "rejected", True, False, "4.2.2"),
    ("on_rcpt", "421 4.3.2 closing", "throttled", True, True, "4.3.2"),
    ("on_rcpt", "550 5.1.1 no such user", "invalid", False, False, "5.1.1"),
    ("on_rcpt", "550 5.1.2 no such domain", "invalid", False, False, "5.1.2"),
    ("on_rcpt", "553 5.1.3 bad address", "invalid", False, False, "5.1.3"),
    ("on_rcpt", "550 5.7.1 blocked", "rejected", False, False, "5.7.1"),
    ("on_rcpt", "550 no such user", "rejected", False, False, "550"),
    ("on_rcpt", "552 5.2.2 over quota", "rejected", False, False, "5.2.2"),
    ("on_rcpt", "554 5.7.1 relay denied", "rejected", False, False, "5.7.1"),
    ("on_rcpt", DROP, "unreachable", True, False, None),
    ("on_mail", DROP, "unreachable", True, False, None),
    ("on_data", "451 4.3.0 try again", "rejected", True, False, "4.3.0"),
    ("on_data", "452 4.3.1 no space", "rejected", True, False, "4.3.1"),
    ("on_data", "421 4.7.0 slow down", "throttled", True, True, "4.7.0"),
    ("on_data", "550 5.7.1 spam", "rejected", False, False, "5.7.1"),
    ("on_data", "552 5.3.4 too big", "rejected", False, False, "5.3.4"),
    ("on_data", "554 5.6.0 malformed", "rejected", False, False, "5.6.0"),
    ("on_data", "333 what", "unexpected", True, False, "333"),
    ("on_data", DROP, "ambiguous", True, False, None),
]


@pytest.mark.parametrize(("step", "answer", "code", "retry", "stop", "provider_code"), ANSWERS)
async def test_what_an_answer_means(step, answer, code, retry, stop, provider_code):
    async with sink.running(Sink(**{step: lambda _: answer})) as relay:
        error = await outcome(pool_for(relay.port))

    assert error is not None
    assert (error.code, error.retry, error.stop_channel, error.provider_code) == (
        code,
        retry,
        stop,
        provider_code,
    )


@pytest.mark.parametrize(
    ("greeting", "code", "stop"),
    [
        ("421 4.3.2 busy", "throttled", True),
        ("554 5.7.1 go away", "config", True),
        ("hello", "unexpected", False),
    ],
)
async def test_what_a_greeting_means(greeting, code, stop):
    async with sink.running(Sink(greeting=greeting)) as relay:
        error = await outcome(pool_for(relay.port))

    assert error is not None
    assert (error.code, error.retry, error.stop_channel) == (code, True, stop)


async def test_nobody_listens():
    error = await outcome(pool_for(free_port()))

    assert error is not None
    assert (error.code, error.retry, error.stop_channel) == ("unreachable", True, False)


async def test_a_private_relay_is_refused_unless_allowed():
    pool = Pool(Relay(host="127.0.0.1", port=25, tls="none"), Egress().open_socket)

    error = await outcome(pool)

    assert error is not None
    assert error.code == "config"
    assert "TRUNKLINE_EGRESS_ALLOW" in error.detail


@pytest.mark.parametrize("mailbox", ["a@x.test\r\nRCPT TO:<b@x.test>", "a b@x.test", "a@x.test> SIZE=1", "ț@x.test"])
async def test_no_command_hides_in_an_address(mailbox):
    error = await outcome(pool_for(1), mailbox)

    assert error is not None
    assert error.code == "invalid"


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_the_talk_is_encrypted_and_the_name_checked(tmp_path, tls):
    certificate, key = certificates.issue(tmp_path, "127.0.0.1")
    server, client = certificates.server_context(certificate, key), certificates.client_context(certificate)
    relay = Sink(tls=server if tls == "starttls" else None)
    async with sink.running(relay, ssl=server if tls == "tls" else None):
        assert await outcome(pool_for(relay.port, tls=tls, context=client)) is None
        error = await outcome(pool_for(relay.port, tls=tls))

    assert len(relay.taken) == 1
    assert error is not None
    assert (error.code, error.stop_channel) == ("config", True)


async def test_nothing_is_sent_in_the_clear_when_tls_is_asked_for():
    async with sink.running(Sink()) as relay:
        error = await outcome(pool_for(relay.port, tls="starttls"))

    assert error is not None
    assert (error.code, error.stop_channel, relay.taken) == ("config", True, [])


@pytest.mark.parametrize(("password", "code"), [("right", None), ("wrong", "config")])
async def test_logging_in(tmp_path, password, code):
    certificate, key = certificates.issue(tmp_path, "127.0.0.1")
    relay = Sink(tls=certificates.server_context(certificate, key), password="right")
    async with sink.running(relay):
        error = await outcome(
            pool_for(
                relay.port,
                tls="starttls",
                username="shop",
                password=password,
                context=certificates.client_context(certificate),
            )
        )

    assert (error.code if error else None) == code


async def test_a_big_mail_arrives_whole():
    raw = b"Subject: big\r\n\r\n" + (b"." + b"x" * 75 + b"\r\n") * 60_000
    async with sink.running(Sink()) as relay:
        pool = pool_for(relay.port)
        pool_error = await asyncio.gather(pool.deliver("a@in.test", ["ana@x.test"], raw), return_exceptions=True)
        await pool.close()

    assert not isinstance(pool_error[0], Exception)
    assert relay.taken[0].raw == raw


async def test_a_relay_that_never_answers_the_mail_may_have_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "ANSWER", 0.1)
    async with sink.running(Sink(seconds=30)) as relay:
        pool = pool_for(relay.port)
        error = await outcome(pool)

    assert error is not None
    assert (error.code, error.retry) == ("ambiguous", True)
    assert "No answer within 0.1 seconds." in error.detail
    assert pool.take() is None


async def test_a_relay_that_never_answers_a_command_has_nothing(monkeypatch: pytest.MonkeyPatch):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        monkeypatch.setattr(connection, "COMMAND", 0.1)
        writer.write(b"250 hi\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0, family=socket.AF_INET) as server:
        error = await outcome(pool_for(server.sockets[0].getsockname()[1]))

    assert error is not None
    assert (error.code, error.retry, error.detail) == ("unreachable", True, "No answer within 0.1 seconds.")


async def test_a_big_mail_that_is_refused_in_the_middle_is_refused():
    async def strict(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        for answer in (b"250 hi", b"250 ok", b"250 ok", b"354 go on"):
            await reader.readline()
            writer.write(answer + b"\r\n")
        await reader.readexactly(300_000)
        writer.write(b"552 5.3.4 too big\r\n")
        await reader.read()
        writer.close()

    raw = b"Subject: big\r\n\r\n" + (b"x" * 76 + b"\r\n") * 400_000
    async with await asyncio.start_server(strict, "127.0.0.1", 0, family=socket.AF_INET) as server:
        pool = pool_for(server.sockets[0].getsockname()[1])
        [error] = await asyncio.gather(pool.deliver("a@in.test", ["ana@x.test"], raw), return_exceptions=True)
        kept = pool.take()

    assert isinstance(error, SendError)
    assert (error.code, error.retry, error.provider_code) == ("rejected", False, "5.3.4")
    assert kept is None


async def test_a_mail_under_way_while_the_pool_closes_leaves_no_connection():
    async with sink.running(Sink(seconds=0.2)) as relay:
        pool = pool_for(relay.port)
        mail = asyncio.create_task(pool.deliver("a@in.test", ["ana@x.test"], RAW))
        while not relay.sessions:
            await asyncio.sleep(0.01)
        pool.idle = 0
        await pool.close()
        await mail
        async with asyncio.timeout(10):
            while pool.kept:
                await asyncio.sleep(0.01)

    assert pool.sweeper is None


async def test_a_cancelled_mail_does_not_leave_its_connection_behind():
    entered = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        writer.write(b"250 hi\r\n")
        await reader.readline()
        entered.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0, family=socket.AF_INET)
    pool = pool_for(server.sockets[0].getsockname()[1])
    task = asyncio.create_task(pool.deliver("a@in.test", ["ana@x.test"], RAW))
    await entered.wait()
    task.cancel()
    await asyncio.wait([task])
    server.close()

    assert task.cancelled()
    assert pool.take() is None


@asynccontextmanager
async def pipelining(*answers: str) -> AsyncIterator[tuple[Pool, list[bytes]]]:
    """A relay that answers an envelope when it has heard all of it, each mail with the next `answers`, `|` between."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.readline()
        writer.write(b"250-hi\r\n250 PIPELINING\r\n")
        for answer in answers:
            lines = [await reader.readline() for _ in range(answer.count("|") + 1)]
            heard.extend(lines)
            writer.write(answer.replace("|", "\r\n").encode() + b"\r\n")
            if answer.endswith("354 go on") and "550" not in answer:
                heard.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
        heard.append(await reader.read())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, family=socket.AF_INET) as server:
        pool = pool_for(server.sockets[0].getsockname()[1])
        try:
            yield pool, heard
        finally:
            await pool.close()


async def test_an_envelope_is_said_at_once_where_that_is_allowed():
    async with pipelining("250 ok|250 ok|354 go on", "250 ok|250 ok|354 go on") as (pool, heard):
        for _ in range(2):
            receipt = await pool.deliver("a@in.test", ["ana@x.test"], RAW)

    assert receipt.response == "250 taken"
    assert heard[:3] == [b"MAIL FROM:<a@in.test>\r\n", b"RCPT TO:<ana@x.test>\r\n", b"DATA\r\n"]
    assert heard[3] == RAW.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    assert pool.opened == 1


async def test_copies_are_judged_before_the_relay_hears_of_a_mail():
    async with pipelining("250 ok|250 ok|550 5.1.1 no", "354 go on") as (pool, heard):
        receipt = await pool.deliver("a@in.test", ["ana@x.test", "nobody@x.test"], RAW)

    assert receipt.refused == {"nobody@x.test": "550 5.1.1 no"}
    assert heard[3] == b"DATA\r\n"


async def test_a_refused_envelope_leaves_the_connection_fit_for_the_next():
    async with pipelining("250 ok|550 5.1.1 no|503 no recipients", "250 ok", "250 ok|250 ok|354 go on") as (
        pool,
        heard,
    ):
        refused = await asyncio.gather(pool.deliver("a@in.test", ["no@x.test"], RAW), return_exceptions=True)
        await pool.deliver("a@in.test", ["ana@x.test"], RAW)

    assert isinstance(refused[0], SendError)
    assert refused[0].provider_code == "5.1.1"
    assert heard[3] == b"RSET\r\n"
    assert pool.opened == 1


async def test_a_relay_that_waits_for_a_mail_to_nobody_is_left():
    async with pipelining("250 ok|550 5.1.1 no|354 go on") as (pool, _):
        refused = await asyncio.gather(pool.deliver("a@in.test", ["no@x.test"], RAW), return_exceptions=True)
        kept = pool.take()

    assert isinstance(refused[0], SendError)
    assert kept is None

"""Voice flows on the telephone, with a simulator at the other end: from the start to the last word."""

import asyncio
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from tests import talks, world
from trunkline.channels.base import Request
from trunkline.contacts import people
from trunkline.core.db import Database
from trunkline.core.errors import Invalid, NotFound
from trunkline.flows import endings, logs, starts, triggers, waiting, waking
from trunkline.flows.starts import NewStart
from trunkline.flows.triggers import NewTrigger
from trunkline.messaging import calls, carrier, channel_events, channels, receiving
from trunkline.messaging.channels import Channel
from trunkline.messaging.delivery import Sender

pytestmark = pytest.mark.anyio

PHONE = "+40740111222"


@pytest.fixture(scope="module")
async def database(dsn: str, anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with world.own_database(dsn, tmp_path_factory.mktemp("data")) as database:
        yield database


def ask(
    text: str,
    cases: dict[str, str | None],
    other: str | None = None,
    *,
    hint: dict[str, Any] | None = None,
    **more: Any,
) -> list[dict[str, Any]]:
    """A prompt and the wait for keys; two nodes, the first one first."""
    hear = talks.question(cases, other, **more)
    hear["router"]["wait"]["hint"] = hint or {"type": "digits", "count": 1}
    return [talks.node(talks.act("say_msg", text=text), to=hear["uuid"]), hear]


def tell(text: str, id: str | None = None) -> dict[str, Any]:
    return talks.node(talks.act("say_msg", text=text), id=id)


def menu(**more: Any) -> dict[str, Any]:
    """1 or 2? What was pressed is repeated."""
    one, two, else_ = talks.uuid(), talks.uuid(), talks.uuid()
    nodes = ask("Press one or two.", {"1": one, "2": two}, else_, result="Choice", **more)
    others = [tell("You chose @results.choice.value.", one), tell("Two it is.", two), tell("What?", else_)]
    return talks.definition(*nodes, *others, name="Menu", type="voice")


async def voice(database: Database, account: int, **settings: object) -> Channel:
    return await world.simulator(database, account, **{"as": "voice", **settings})


async def begin(database: Database, account: int, flow: dict[str, Any], phone: str = PHONE) -> int:
    """A start for one contact, whose call waits in the line then."""
    kept = await talks.save(database, account, flow)
    [contact] = await world.contacts(database, account, [phone])
    async with database.tx(account) as tx:
        await starts.create(tx, NewStart(flow_id=kept.id, contacts=[contact]))
    await world.react(database)
    return contact


@asynccontextmanager
async def sending(database: Database, account: int) -> AsyncIterator[Sender]:
    """A worker's sender; afterwards everything that goes on has come to its end, and what follows has followed."""
    sender = world.sender(database, await database.tools.http())
    task = asyncio.create_task(sender.run())
    yield sender
    await until(lambda: _is_over(database, account))
    sender.stop()
    await task
    await world.react(database)


async def _is_over(database: Database, account: int) -> bool:
    return not await world.execute(database.dsn, "select 1 from outbound where account_id = $1", account)


async def until(true: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while not await true():
            await asyncio.sleep(0.02)


async def heard(database: Database, account: int, channel: Channel) -> list[str]:
    """What the person has heard: texts, or addresses of recordings."""
    async with database.tx(account) as tx:
        return [one.text or one.attachments[0]["url"] for one in await carrier.outbox(tx, channel.id)]


async def hear(database: Database, channel: Channel, text: str) -> None:
    """Wait until the person has heard this."""
    await until(lambda: _heard(database, channel, text))


async def _heard(database: Database, channel: Channel, text: str) -> bool:
    return text in await heard(database, channel.account_id, channel)


async def waits(database: Database, account: int) -> None:
    """Wait until somebody is asked something."""
    await until(lambda: world.execute(database.dsn, "select 1 from flow_sessions where account_id = $1", account))


async def press(database: Database, channel: Channel, keys: str, *, hang_up: bool = False) -> None:
    """As over the simulator's address."""
    body = msgspec.json.encode({"from": PHONE, "keys": keys, "hang_up": hang_up})
    request = Request(action="keys", method="POST", headers={}, query={}, body=body)
    items = channels.adapter(database.tools, channel).receive(request)
    await receiving.take_all(database, channel, items)


async def results(database: Database, account: int) -> dict[str, Any]:
    [[found]] = await world.execute(database.dsn, "select results::text from flow_runs where account_id = $1", account)
    return {key: one["value"] for key, one in msgspec.json.decode(found).items()}


async def complaints(database: Database, contact: int, account: int) -> list[tuple[str, str]]:
    async with database.tx(account) as tx:
        return [(entry.kind, entry.text) for entry in await logs.page(tx, contact=contact)]


async def occurred(database: Database, account: int) -> list[str]:
    async with database.tx(account) as tx:
        return [one.type for one in await channel_events.page(tx)]


async def test_a_menu_is_asked_answered_and_remembered(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())

    async with sending(database, account):
        await hear(database, channel, "Press one or two.")
        await press(database, channel, "1")

    assert await heard(database, account, channel) == ["Press one or two.", "You chose 1."]
    assert await talks.runs(database, account) == [("completed", 3)]
    assert await results(database, account) == {"choice": "1"}
    assert await complaints(database, contact, account) == []
    assert await occurred(database, account) == ["call_out"]


async def test_what_is_said_and_pressed_is_kept_as_messages(database: Database, account: int) -> None:
    channel = await voice(database, account)
    await begin(database, account, menu())

    async with sending(database, account):
        await waits(database, account)
        await press(database, channel, "2")

    rows = await world.execute(
        database.dsn,
        """select direction, status, kind, coalesce(body, ''), flow_id is not null
            from messages where account_id = $1 order by id""",
        account,
    )
    assert [tuple(row) for row in rows] == [
        ("out", "delivered", "call", "", True),
        ("out", "sent", "call", "Press one or two.", True),
        ("in", "handled", "call", "2", True),
        ("out", "sent", "call", "Two it is.", True),
    ]


async def test_a_session_waits_like_any_other_and_knows_its_call(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())

    async with sending(database, account):
        await waits(database, account)
        async with database.tx(account) as tx:
            waited = (await waiting.of(tx, [contact]))[contact]
        [[session]] = await world.execute(database.dsn, "select session from flow_calls where account_id = $1", account)
        await press(database, channel, "1")

    assert (waited.type, waited.wait, waited.uuid) == ("voice", "msg", session)


async def test_several_keys_end_with_the_last_one(database: Database, account: int) -> None:
    done = talks.uuid()
    hint = {"type": "digits", "terminated_by": "*"}
    nodes = ask("Your number, then star.", {}, done, hint=hint, result="Number")
    channel = await voice(database, account)
    await begin(database, account, talks.definition(*nodes, tell("Thanks.", done), type="voice"))

    async with sending(database, account):
        await waits(database, account)
        await press(database, channel, "12#")
        await press(database, channel, "34*9")

    assert await results(database, account) == {"number": "12#34"}


async def test_keys_that_were_pressed_early_answer_the_next_question(database: Database, account: int) -> None:
    second, done = ask("And now?", {}, None, result="Second"), talks.uuid()
    second[1]["exits"][0]["destination_uuid"] = done
    first = ask("First?", {}, second[0]["uuid"], result="First")
    channel = await voice(database, account)
    await begin(database, account, talks.definition(*first, *second, tell("Bye.", done), type="voice"))

    async with sending(database, account):
        await waits(database, account)
        await press(database, channel, "12")

    assert await results(database, account) == {"first": "1", "second": "2"}


async def test_a_question_times_out(database: Database, account: int) -> None:
    late = talks.uuid()
    nodes = ask("Press anything.", {}, None, timeout=(1, late))
    channel = await voice(database, account)
    await begin(database, account, talks.definition(*nodes, tell("Too late.", late), type="voice"))

    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == ["Press anything.", "Too late."]
    assert await talks.runs(database, account) == [("completed", 3)]


async def test_the_clock_leaves_people_on_the_telephone_alone(database: Database, account: int) -> None:
    channel = await voice(database, account)
    await begin(database, account, menu(timeout=(60, None)))

    async with sending(database, account):
        await waits(database, account)
        await talks.pass_time(database, account, 3600)
        await waking.look(database)
        await world.react(database)
        await press(database, channel, "1")

    assert await talks.runs(database, account) == [("completed", 3)]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"dial": "answered", "dial_seconds": 42}, "answered 42"),
        ({"dial": "no_answer"}, "no_answer 0"),
        ({"dial": "busy"}, "busy 0"),
        ({"dial": "failed"}, "failed 0"),
    ],
)
async def test_somebody_else_is_dialled(database: Database, account: int, settings: Any, told: str) -> None:
    channel = await voice(database, account, **settings)
    await begin(database, account, dialling("+40740999888"))

    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == ["One moment.", f"It was {told}."]


def dialling(number: str) -> dict[str, Any]:
    after = talks.uuid()
    dial = talks.question({}, after, operand="@resume.dial.status", result="Outcome")
    dial["router"]["wait"] = {"type": "dial", "phone": number}
    first = talks.node(talks.act("say_msg", text="One moment."), to=dial["uuid"])
    return talks.definition(first, dial, tell("It was @resume.dial.status @resume.dial.duration.", after), type="voice")


async def test_numbers_that_bill_whoever_calls_are_not_dialled(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, dialling("+40906123456"))

    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == ["One moment.", "It was failed 0."]
    told = [("error", "Numbers that bill whoever calls them are not called.")]
    assert await complaints(database, contact, account) == told


async def test_who_hangs_up_is_interrupted(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())

    async with sending(database, account):
        await waits(database, account)
        await press(database, channel, "", hang_up=True)

    assert await talks.runs(database, account) == [("interrupted", 2)]
    async with database.tx(account) as tx:
        assert await waiting.of(tx, [contact]) == {}
        [event] = await channel_events.page(tx)
        ended = await calls.get(tx, event.extra["call"])
    assert (ended.status, ended.reason) == ("completed", "hung_up")


@pytest.mark.parametrize(
    ("answer", "text"),
    [("busy", "The line was busy."), ("no_answer", "Nobody picked up.")],
)
async def test_a_flow_that_nobody_picks_up_for_never_begins(
    database: Database, account: int, answer: str, text: str
) -> None:
    await voice(database, account, answer=answer)
    contact = await begin(database, account, menu())

    async with sending(database, account):
        pass

    assert await talks.runs(database, account) == []
    assert await complaints(database, contact, account) == [("failure", f"The flow did not begin. {text}")]
    assert await occurred(database, account) == ["call_out_missed"]


async def test_a_worker_that_dies_in_the_middle_calls_nobody_again(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())
    sender = world.sender(database, await database.tools.http())
    dying = asyncio.create_task(sender.run())
    await waits(database, account)
    for task in [dying, *sender._tasks]:
        task.cancel()
    await asyncio.wait([dying, *sender._tasks])

    await world.pass_time(database, account)
    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == ["Press one or two."]
    assert await talks.runs(database, account) == [("interrupted", 2)]
    [[status, reason]] = await world.execute(
        database.dsn, "select status, reason from calls where account_id = $1", account
    )
    assert (status, reason) == ("failed", "interrupted")
    async with database.tx(account) as tx:
        assert await waiting.of(tx, [contact]) == {}


async def test_who_is_taken_out_of_the_flow_is_hung_up_on(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())

    async with sending(database, account):
        await waits(database, account)
        async with database.tx(account) as tx:
            await endings.interrupt(tx, [contact])
        await press(database, channel, "1")

    assert await heard(database, account, channel) == ["Press one or two."]
    assert await talks.runs(database, account) == [("interrupted", 2)]


async def test_a_text_message_is_no_answer_on_the_telephone(database: Database, account: int) -> None:
    channel, sms = await voice(database, account), await world.simulator(database, account)
    await begin(database, account, menu())

    async with sending(database, account):
        await waits(database, account)
        await world.say(database, sms, PHONE, "1")
        await world.react(database)
        await press(database, channel, "2")

    assert await results(database, account) == {"choice": "2"}


async def test_picking_up_ends_what_a_contact_waited_in(database: Database, account: int) -> None:
    channel = await voice(database, account)
    await begin(database, account, talks.definition(talks.question({}, None), name="Waiting"))
    await begin(database, account, menu())
    before = await talks.runs(database, account)

    async with sending(database, account):
        await hear(database, channel, "Press one or two.")
        await press(database, channel, "1")

    assert before == [("waiting", 1)]
    assert await talks.runs(database, account) == [("interrupted", 1), ("completed", 3)]


async def test_a_missed_call_is_returned(database: Database, account: int) -> None:
    channel = await voice(database, account)
    kept = await talks.save(database, account, talks.definition(tell("You rang?"), type="voice"))
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="missed_call", flow_id=kept.id))

    await world.happen(database, channel, "call_in_missed", PHONE)
    await world.react(database)
    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == ["You rang?"]
    assert await talks.runs(database, account) == [("completed", 1)]


async def test_a_keyword_has_us_call(database: Database, account: int) -> None:
    channel, sms = await voice(database, account), await world.simulator(database, account)
    kept = await talks.save(database, account, talks.definition(tell("Here we are."), type="voice"))
    async with database.tx(account) as tx:
        await triggers.create(tx, NewTrigger(kind="keyword", flow_id=kept.id, keywords=["call"]))

    message = await world.say(database, sms, PHONE, "call me")
    await world.react(database)
    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == ["Here we are."]
    assert (await world.message(database, message.message_id))["flow_id"] == kept.id


async def test_a_recording_that_is_none_is_told_and_its_text_spoken(database: Database, account: int) -> None:
    channel = await voice(database, account)
    flow = talks.definition(
        talks.node(talks.act("say_msg", text="Hello.", audio_url="http://127.0.0.1:9/a.wav")), type="voice"
    )
    contact = await begin(database, account, flow)

    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == ["Hello."]
    [(kind, text)] = await complaints(database, contact, account)
    assert (kind, text.startswith("The recording http://127.0.0.1:9/a.wav cannot be fetched")) == ("error", True)


async def test_a_recording_is_played(database: Database, account: int, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "hello.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    channel = await voice(database, account)
    with serving(tmp_path) as url:
        play = talks.act("play_audio", audio_url=f"{url}/hello.wav")
        contact = await begin(database, account, talks.definition(talks.node(play), type="voice"))
        async with sending(database, account):
            pass

    assert await heard(database, account, channel) == [f"{url}/hello.wav"]
    assert await complaints(database, contact, account) == []


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The files of a folder on loopback."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_an_interrupted_start_calls_nobody(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())

    async with database.tx(account) as tx:
        [start] = await starts.page(tx)
        await starts.interrupt(tx, start.id)
    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == []
    assert await talks.runs(database, account) == []
    assert [kind for kind, _ in await complaints(database, contact, account)] == ["failure"]


async def test_who_is_blocked_before_the_call_is_not_called(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())

    async with database.tx(account) as tx:
        await people.change_status(tx, [contact], "blocked")
    async with sending(database, account):
        pass

    assert await heard(database, account, channel) == []


async def test_a_call_that_everybody_forgot_is_over_some_day(database: Database, account: int) -> None:
    channel = await voice(database, account)
    contact = await begin(database, account, menu())

    async with sending(database, account):
        await waits(database, account)
        await talks.pass_time(database, account, 6 * 3600)
        await waking.look(database)
        await world.react(database)
        async with database.tx(account) as tx:
            left = await waiting.of(tx, [contact])
        await press(database, channel, "1")

    assert left == {}
    assert await talks.runs(database, account) == [("interrupted", 2)]


async def test_keys_without_a_call_are_refused(database: Database, account: int) -> None:
    channel = await voice(database, account)

    with pytest.raises(NotFound):
        await press(database, channel, "1")


async def test_keys_that_no_telephone_has_are_refused(database: Database, account: int) -> None:
    channel = await voice(database, account)

    with pytest.raises(Invalid):
        await press(database, channel, "1x")


async def test_another_workspace_does_not_hear_the_keys(database: Database, account: int, other_account: int) -> None:
    channel, other = await voice(database, account), await voice(database, other_account)
    await begin(database, account, menu())

    async with sending(database, account):
        await waits(database, account)
        with pytest.raises(NotFound):
            await press(database, other, "1")
        await press(database, channel, "2")

    assert await results(database, account) == {"choice": "2"}

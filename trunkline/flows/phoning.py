"""Phoning: voice flows in calls. Whoever holds the line asks what is said, and tells what is pressed.

The session is stored after each sprint like any other, so that people see where it stands; but it lives as long as its
call. When the call is over, for whatever reason, what still waits is interrupted.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.channels.talking import Answered, Dialled, Heard, Keys, Pressed, Ring, Said, Turn
from trunkline.channels.telephony.waves import BadRecording
from trunkline.core import clock, phones
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Unavailable
from trunkline.core.events import Happened
from trunkline.core.jobs import Call as Claim
from trunkline.core.jobs import Desk
from trunkline.core.urns import Urn
from trunkline.flows import alone, cast, endings, logs, recordings, running, waiting
from trunkline.flows import outcomes as parts
from trunkline.flows.cast import Member
from trunkline.flows.engine import Sprint
from trunkline.flows.events import DialWait, IvrCreated, MsgWait
from trunkline.flows.inputs import Call
from trunkline.flows.logs import Entry
from trunkline.flows.outcomes import Done, Part
from trunkline.flows.sessions import Ref
from trunkline.flows.stock import Stock
from trunkline.messaging import spoken
from trunkline.messaging.channels import Channel

TRIES = 10
"""How often a sprint is tried while the database is away, half a second apart: somebody holds the phone meanwhile."""
LONGEST_WAIT_SECONDS = 900.0


class Led(Struct, frozen=True):
    """A call that a flow leads. `session` is None until somebody picked up."""

    id: int
    uuid: UUID
    contact_id: int
    channel_id: int
    address: str
    flow_id: int
    start_id: int | None
    trigger: dict[str, Any]
    depth: int
    session: UUID | None
    is_over: bool

    @property
    def urn(self) -> str:
        return f"tel:{self.address}"


class Operator:
    """Leads the calls of a worker."""

    def __init__(self, database: Database):
        self.database = database

    async def hear(self, account_id: int, call: int, heard: Heard) -> Turn:
        """One sprint. Nothing to say, and so the end of the call, when its session is over or somebody ended it."""
        return await self._turn(account_id, call, await self._patiently(account_id, call, heard))

    async def trouble(self, account_id: int, call: int, text: str) -> None:
        """For the flow log. A call does not end for want of it."""
        with contextlib.suppress(Unavailable):
            async with self.database.tx(account_id) as tx:
                led = await tx.maybe(Led, SELECT, tx.account, call)
                if led is not None:
                    await logs.add(tx, [_entry(led, "error", text)])

    async def _patiently(self, account_id: int, call: int, heard: Heard) -> Sprint | None:
        seen: list[int] = []
        for _ in range(TRIES - 1):
            with contextlib.suppress(Unavailable):
                return await _sprint(self.database, account_id, call, heard, seen)
            await asyncio.sleep(0.5)
        return await _sprint(self.database, account_id, call, heard, seen)

    async def _turn(self, account_id: int, call: int, sprint: Sprint | None) -> Turn:
        if sprint is None or sprint.session.status == "failed":
            return Turn()
        messages = [event for event in sprint.events if isinstance(event, IvrCreated)]
        says = [said for event in messages if (said := await self._said(account_id, call, event))]
        return Turn(says, await self._then(account_id, call, sprint))

    async def _said(self, account_id: int, call: int, event: IvrCreated) -> Said | None:
        """A recording that cannot be played gives way to its text."""
        language, text = event.msg.locale, event.msg.text
        url = next((one.partition(":")[2] for one in event.msg.attachments), "")
        if url:
            try:
                sound = await recordings.fetch(self.database.tools, url)
                return Said(text=text, language=language, url=url, sound=sound)
            except BadRecording as error:
                await self.trouble(account_id, call, str(error))
        return Said(text=text, language=language) if text else None

    async def _then(self, account_id: int, call: int, sprint: Sprint) -> Keys | Ring | None:
        wait = next((event for event in reversed(sprint.events) if isinstance(event, MsgWait | DialWait)), None)
        if sprint.session.status != "waiting" or wait is None:
            return None
        if isinstance(wait, DialWait):
            number = wait.urn.partition(":")[2]
            if phones.is_extra_charged(number):
                await self.trouble(account_id, call, "Numbers that bill whoever calls them are not called.")
                number = ""
            return Ring(number=number, ring_seconds=wait.dial_limit_seconds, seconds=wait.call_limit_seconds)
        return keys(wait)


def keys(wait: MsgWait) -> Keys:
    """Without a count and a last key, # ends what is pressed. What is spoken or shown cannot be taken; keys can."""
    left = (wait.expires_on - clock.now()).total_seconds() if wait.expires_on else LONGEST_WAIT_SECONDS
    seconds = min(wait.timeout_seconds or left, max(left, 1.0), LONGEST_WAIT_SECONDS)
    hint = wait.hint or {}
    count = hint.get("count") or None
    finish = hint.get("terminated_by") or ("" if count else "#")
    return Keys(most=count, finish=finish, seconds=seconds)


async def calls_changed(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: with its call a session is over, and a flow that nobody picked up for never begins."""
    ended = {one.event.id: one.event for one in happened if one.event.status in ENDINGS}
    if not ended:
        return
    led = await tx.fetch(Led, SELECT_MANY, tx.account, list(ended))
    begun = {one.contact_id: one.session for one in led if one.session}
    await cast.lock(tx, begun)
    left = [id for id, row in (await waiting.of(tx, list(begun))).items() if row.uuid == begun[id]]
    await endings.interrupt(tx, left)
    unheard = [one for one in led if one.session is None]
    await logs.add(tx, [_entry(one, "failure", _why(ended[one.id]), ended[one.id].status) for one in unheard])


class _Line(Desk):
    """A call as the desk of its sprints: no queue waits for them."""

    async def finish(self, tx: Tx, calls: list[Claim] | None = None) -> None:
        self.finished = True


async def _sprint(database: Database, account: int, id: int, heard: Heard, seen: list[int]) -> Sprint | None:
    """`seen` fences tries: one that was written, though nobody told us so, is not followed by another."""
    desk = _Line(database, Claim(account, id, None, "flow.call", [], "system", f"call:{id}", 0, 1), database.tools)
    message: list[parts.Heard] = []
    came_of_it: list[Sprint] = []

    async def prepare(tx: Tx, stock: Stock) -> Part | None:
        led = await tx.maybe(Led, SELECT, tx.account, id)
        member = (await cast.load(tx, stock, [led.contact_id])).get(led.contact_id) if led else None
        channel = stock.channels.get(stock.channel_uuids.get(led.channel_id, "")) if led else None
        if led is None or led.is_over or member is None or channel is None:
            return None
        tx.depth = led.depth
        if isinstance(heard, Answered):
            return await _begin(tx, stock, led, member, channel)
        if member.waiting is None or member.waiting.uuid != led.session:
            return None  # somebody moved the contact; we hang up
        seen.append(member.waiting.version)
        if member.waiting.version != seen[0]:
            return None
        await running.ready(tx, stock, [member])
        if isinstance(heard, Pressed) and not message:
            message.append(await _keep(tx, led, member, heard.keys))
        return _go_on(stock, led, member, channel, heard, message[0] if message else None)

    async def close(tx: Tx, done: Done | None) -> None:
        if done is not None and done.sprint is not None:
            came_of_it[:] = [done.sprint]
            if isinstance(heard, Answered):
                await tx.run(BEGIN, tx.account, id, done.sprint.session.uuid)

    await alone.run(desk, prepare, close)
    return came_of_it[0] if came_of_it else None


async def _begin(tx: Tx, stock: Stock, led: Led, member: Member, channel: Channel) -> Part | None:
    flow = stock.flow(led.flow_id)
    if led.session is not None or flow is None or member.contact.status == "blocked":
        return None
    await running.ready(tx, stock, [], [flow.uuid])
    key = f"call:{led.id}:0"
    return running.start(stock, member, flow, led.trigger, key, start_id=led.start_id, call=_call(led, channel))


def _go_on(stock: Stock, led: Led, member: Member, channel: Channel, heard: Heard, message: parts.Heard | None) -> Part:
    assert member.waiting is not None
    resume = _resume(led, channel, member, heard, message)
    key = f"call:{led.id}:{member.waiting.version}"
    return running.resume(stock, member, resume, key, heard=message, call=_call(led, channel))


def _resume(led: Led, channel: Channel, member: Member, heard: Heard, message: parts.Heard | None) -> dict[str, Any]:
    waiting = member.waiting
    assert waiting is not None
    match heard:
        case Pressed(keys) if message is not None:
            shown = {"uuid": str(channel.uuid), "name": channel.name}
            msg = {"urn": led.urn, "text": keys, "channel": shown}
            event = {"type": "msg_received", "uuid": str(message.uuid), "created_on": message.received_at, "msg": msg}
            return {"type": "msg", "event": event}
        case Dialled(status, seconds):
            return {"type": "dial", "event": {"type": "dial_ended", "dial": {"status": status, "duration": seconds}}}
    if waiting.timeout_at is not None and waiting.timeout_at <= waiting.expires_at:
        return {"type": "wait_timeout", "event": {"type": "wait_timed_out"}}
    return {"type": "wait_expiration", "event": {"type": "wait_expired"}}


async def _keep(tx: Tx, led: Led, member: Member, keys: str) -> parts.Heard:
    assert member.waiting is not None
    to = Urn("tel", led.address)
    kept = await spoken.press(tx, led.channel_id, led.contact_id, to, keys, member.waiting.flow_id)
    return parts.Heard(kept.id, kept.uuid, led.channel_id, None, kept.received_at)


def _call(led: Led, channel: Channel) -> Call:
    return Call(str(led.uuid), Ref(str(channel.uuid), channel.name), led.urn)


def _why(event: Any) -> str:
    told = {"busy": "The line was busy.", "no_answer": "Nobody picked up."}
    return f"The flow did not begin. {event.error or told.get(event.status, 'The call failed.')}"


def _entry(led: Led, kind: str, text: str, code: str | None = None) -> Entry:
    return Entry(kind=kind, ok=False, flow_id=led.flow_id, contact_id=led.contact_id, text=text, code=code)


ENDINGS = frozenset({"completed", "busy", "no_answer", "failed", "canceled"})

_COLUMNS = """
    select f.id, m.uuid, f.contact_id, c.channel_id, c.address, f.flow_id, f.start_id, f.trigger, f.depth, f.session,
        c.ended_at is not null as is_over
    from flow_calls f
    join calls c on c.account_id = f.account_id and c.id = f.id
    join messages m on m.account_id = f.account_id and m.id = f.id
"""
SELECT = sql(f"{_COLUMNS} where f.account_id = $1 and f.id = $2")
SELECT_MANY = sql(f"{_COLUMNS} where f.account_id = $1 and f.id = any($2::bigint[]) order by f.id")

BEGIN = sql("update flow_calls set session = $3 where account_id = $1 and id = $2 and session is null")

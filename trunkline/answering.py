"""Who answers inbound messages. File them first, always; then the first rung that can answer each one does so."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from msgspec import Struct

from trunkline.ai import hearing
from trunkline.channels.base import Thread
from trunkline.contacts import consents
from trunkline.core.db import Tx, sql
from trunkline.core.errors import OutOfCredits
from trunkline.core.events import Happened
from trunkline.core.jobs import Call, Desk, job
from trunkline.core.urns import Urn
from trunkline.flows import cast, effects, listening, running
from trunkline.flows import stock as stocks
from trunkline.flows.effects import Moved
from trunkline.flows.outcomes import Done
from trunkline.flows.running import Pending
from trunkline.flows.stock import Stock
from trunkline.inbox import filing
from trunkline.inbox.threads import FiledMessage
from trunkline.messaging import channels, consenting, sending
from trunkline.messaging.events import MessageReceived
from trunkline.messaging.sending import Draft


class Asking(Struct):
    """A flow asks the outside world before it answers a message."""

    message_id: int
    stock: Stock
    pending: Pending


Rung = Callable[[Tx, Sequence[MessageReceived], list[Asking]], Awaitable[set[int]]]
"""Returns the messages that it answered; those whose answer has to wait it adds to the list, and returns them too."""


async def queue(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: one job per message, keyed by contact, so that a person's messages are answered in order."""
    for one in happened:
        answer.later(tx, msgspec.to_builtins(one.event), key=str(one.event.contact_id))


@job("message.answer", queue="inbound", together=True)
async def answer(desk: Desk) -> None:
    """File messages of different people, then let the rungs answer them, all in one transaction.

    When a flow asks the outside world, only the filing of its message is kept; the sprint goes on in memory, and
    another transaction writes what came of it. Whatever happens in between, each message is answered once.
    """
    calls = {(message := msgspec.convert(call.args[0], MessageReceived)).id: (call, message) for call in desk.calls}
    messages = [message for _, message in calls.values()]
    async with desk.tx() as tx:
        await cast.lock(tx, [message.contact_id for message in messages])
        await filing.file(tx, [_filed(message) for message in messages])
        asking = await _climb(tx, messages)
        waiting = {one.message_id for one in asking}
        answered = [id for id in calls if id not in waiting]
        await _close(desk, tx, answered, [calls[id][0] for id in answered])
    await asyncio.gather(*(_hear(desk, one, calls[one.message_id][0]) for one in asking))


async def _climb(tx: Tx, messages: Sequence[MessageReceived]) -> list[Asking]:
    """Give each message to one rung after the other until one has answered it."""
    asking: list[Asking] = []
    left = list(messages)
    for rung in RUNGS:
        answered = await rung(tx, left, asking) if left else set()
        left = [message for message in left if message.id not in answered]
    return asking


async def _hear(desk: Desk, asking: Asking, call: Call) -> None:
    """Call whom the sprint asks, and write what came of it; who was moved meanwhile is answered anew."""
    done = await running.finish(desk, asking.stock, [asking.pending])
    with contextlib.suppress(Moved):
        async with desk.tx() as tx:
            await effects.apply_later(tx, asking.stock, done)
            await _note_flows(tx, done)
            await _close(desk, tx, [asking.message_id], [call])
        return
    await answer.run(Desk(desk.database, call, desk.tools))


async def _close(desk: Desk, tx: Tx, messages: list[int], calls: list[Call]) -> None:
    if messages:
        await tx.run(HANDLED, tx.account, messages)
        await desk.finish(tx, calls)


def _filed(message: MessageReceived) -> FiledMessage:
    return FiledMessage(
        id=message.id,
        contact_id=message.contact_id,
        channel_id=message.channel_id,
        sends_as=message.sends_as,
        text=message.text,
        received_at=message.received_at,
        subject=message.subject,
        thread=msgspec.convert(message.thread, Thread) if message.thread else None,
        visitor=message.visitor,
    )


async def ignore(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """A thumbs-up is seen, not answered. Machines that answer mail never are, or two of them never stop."""
    return {message.id for message in messages if message.reaction or message.automatic}


async def opt_out(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """A stop word ends it at once, also for what is already queued."""
    said = _saying("stop", messages)
    for one in said:
        evidence = {"message": one.id, "text": one.text[:200]}
        await consenting.stop(tx, one.contact_id, one.sends_as, one.address, source="word", evidence=evidence)
    return {message.id for message in said}


async def opt_in(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """An opt-in word counts only for somebody who is opted out; otherwise it is ordinary text."""
    back = [one for one in _saying("start", messages) if await consents.suppressed(tx, one.sends_as, [one.address])]
    for one in back:
        evidence = {"message": one.id, "text": one.text[:200]}
        await consenting.start(tx, one.contact_id, one.sends_as, one.address, source="word", evidence=evidence)
    return {message.id for message in back}


async def go_on_with_flow(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """A keyword of a flow, or the answer that one waits for."""
    return await _flow(tx, messages, asking, listening.waiting_or_keyword)


async def say_who_we_are(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """HELP and INFO are answered with the brand and the way out, as long as that can be paid for."""
    known = [one for one in _saying("help", messages) if not await consents.suppressed(tx, one.sends_as, [one.address])]
    for one in known:
        name = await tx.value(str, NAME, tx.account)
        channel = await channels.with_deleted(tx, one.channel_id)
        text = f"{name}: reply to reach our team. Reply STOP to opt out."
        draft = Draft(contact_id=one.contact_id, to=Urn(one.scheme, one.address), text=text)
        with contextlib.suppress(OutOfCredits):
            await sending.queue_many(tx, channel, [draft], lane=sending.REPLY)
    return {message.id for message in known}


async def begin_flow(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """A flow for new conversations, or one that catches whatever nobody looks after."""
    return await _flow(tx, messages, asking, listening.anything_else)


async def let_assistant_answer(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """An assistant does so in a few seconds, where there is one and nobody else looks after the conversation."""
    return await hearing.hear(tx, messages)


async def leave_to_assignee(tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking]) -> set[int]:
    """A person looks after it: the conversation is open and unread."""
    return {message.id for message in messages}


def _saying(word: str, messages: Sequence[MessageReceived]) -> list[MessageReceived]:
    return [message for message in messages if message.words and consenting.word(message.text) == word]


async def _flow(
    tx: Tx, messages: Sequence[MessageReceived], asking: list[Asking], choose: listening.Choose
) -> set[int]:
    """The messages that flows took, among them those whose flow has to ask others first."""
    stock = await stocks.of(tx)
    parts = await choose(tx, stock, await listening.read(tx, [message.id for message in messages]))
    if not parts:
        return set()
    done, pending = await running.run(tx, stock, parts)
    await effects.apply(tx, stock, done)
    heard = await _note_flows(tx, done)
    for one in pending:
        if one.part.heard:
            asking.append(Asking(one.part.heard.id, stock, one))
            heard.add(one.part.heard.id)
    return heard


async def _note_flows(tx: Tx, done: Sequence[Done]) -> set[int]:
    """The messages that flows heard; which flow that was stays with them."""
    heard = {one.part.heard.id: one.part.flow_id for one in done if (one.sprint or one.part.ring) and one.part.heard}
    if heard:
        await tx.run(HEARD, tx.account, list(heard), list(heard.values()))
    return set(heard)


RUNGS: list[Rung] = [
    ignore,
    opt_out,
    opt_in,
    go_on_with_flow,
    say_who_we_are,
    begin_flow,
    let_assistant_answer,
    leave_to_assignee,
]

HANDLED = sql("""
    update messages set status = 'handled' where account_id = $1 and id = any($2::bigint[]) and status = 'received'
""")

# Answered in the same write: the row is touched once.
HEARD = sql("""
    update messages m set status = 'handled', flow_id = h.flow_id
    from unnest($2::bigint[], $3::bigint[]) as h (id, flow_id)
    where m.account_id = $1 and m.id = h.id and m.status = 'received'
""")

NAME = sql("select name from accounts where id = $1")

"""Who answers an inbound message. File it first, always; then the first rung that can answer does so."""

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec

from trunkline.channels.base import Thread
from trunkline.contacts import consents
from trunkline.core.db import Tx, sql
from trunkline.core.errors import OutOfCredits
from trunkline.core.events import Happened
from trunkline.core.jobs import job
from trunkline.core.urns import Urn
from trunkline.inbox import filing
from trunkline.inbox.threads import FiledMessage
from trunkline.messaging import channels, consenting, sending
from trunkline.messaging.events import MessageReceived
from trunkline.messaging.sending import Draft


async def queue(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: one job per message, keyed by contact, so that a person's messages are answered in order."""
    for one in happened:
        answer.later(tx, msgspec.to_builtins(one.event), key=str(one.event.contact_id))


@job("message.answer", queue="inbound")
async def answer(tx: Tx, received: dict[str, Any]) -> None:
    """File the message, then let the first rung that can answer do so."""
    message = msgspec.convert(received, MessageReceived)
    await filing.file(tx, [_filed(message)])
    for rung in RUNGS:
        if await rung(tx, message):
            break
    await tx.run(HANDLED, tx.account, message.id)


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


async def ignore_reaction(tx: Tx, message: MessageReceived) -> bool:
    """A thumbs-up is seen, not answered."""
    return message.reaction


async def ignore_automatic(tx: Tx, message: MessageReceived) -> bool:
    """Machines that answer mail are never answered, or two of them never stop."""
    return message.automatic


async def opt_out(tx: Tx, message: MessageReceived) -> bool:
    """A stop word ends it at once, also for what is already queued."""
    if not message.words or consenting.word(message.text) != "stop":
        return False
    evidence = {"message": message.id, "text": message.text[:200]}
    await consenting.stop(tx, message.contact_id, message.sends_as, message.address, source="word", evidence=evidence)
    return True


async def opt_in(tx: Tx, message: MessageReceived) -> bool:
    """An opt-in word counts only for somebody who is opted out; otherwise it is ordinary text."""
    if not message.words or consenting.word(message.text) != "start":
        return False
    if not await consents.suppressed(tx, message.sends_as, [message.address]):
        return False
    evidence = {"message": message.id, "text": message.text[:200]}
    await consenting.start(tx, message.contact_id, message.sends_as, message.address, source="word", evidence=evidence)
    return True


async def say_who_we_are(tx: Tx, message: MessageReceived) -> bool:
    """HELP and INFO are answered with the brand and the way out, as long as that can be paid for."""
    if not message.words or consenting.word(message.text) != "help":
        return False
    if await consents.suppressed(tx, message.sends_as, [message.address]):
        return False
    name = await tx.value(str, NAME, tx.account)
    channel = await channels.with_deleted(tx, message.channel_id)
    draft = Draft(
        contact_id=message.contact_id,
        to=Urn(message.scheme, message.address),
        text=f"{name}: reply to reach our team. Reply STOP to opt out.",
    )
    with contextlib.suppress(OutOfCredits):
        await sending.queue_many(tx, channel, [draft], lane=sending.REPLY)
    return True


async def leave_to_assignee(tx: Tx, message: MessageReceived) -> bool:
    """A person looks after it: the conversation is open and unread."""
    return True


RUNGS = [ignore_reaction, ignore_automatic, opt_out, opt_in, say_who_we_are, leave_to_assignee]

HANDLED = sql("update messages set status = 'handled' where account_id = $1 and id = $2 and status = 'received'")

NAME = sql("select name from accounts where id = $1")

"""Alerts: what colleagues are told about assistants that stopped, or gave a conversation to people."""

from collections.abc import Sequence

from trunkline.accounts import mailing
from trunkline.core.db import Tx
from trunkline.core.events import Happened
from trunkline.workflows import notices


async def out_of_credits(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: one notice for everybody and one mail to the owners, however many conversations wait."""
    title = "Assistants have stopped"
    body = "There are no credits left, so messages wait for people. Assistants go on as soon as there are credits."
    await notices.add(tx, title, body, icon="credits", action_url=_conversation(happened[-1]))
    await mailing.mail_owners(tx, title, f"{body}\n")


async def handed_over(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: a notice for each conversation that an assistant gave away."""
    for one in happened:
        words = f"The customer wrote: {one.event.last_message[:200]}" if one.event.last_message else ""
        await notices.add(tx, "A customer needs a person", words, icon="person", action_url=_conversation(one))


def _conversation(happened: Happened) -> str:
    return f"/conversations/{happened.event.conversation_id}"

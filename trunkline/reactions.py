"""What happens after an event: the one table. Reactions get a batch and write rows only."""

from collections.abc import Sequence

from trunkline import answering
from trunkline.campaigns import events as campaigns
from trunkline.contacts import events as contacts
from trunkline.core import live
from trunkline.core.db import Tx
from trunkline.core.events import Happened, Reactions
from trunkline.inbox import events as inbox
from trunkline.messaging import events as messaging


async def push(tx: Tx, happened: Sequence[Happened]) -> None:
    """Tell signed-in browsers what changed: kind and ids, never content."""
    await live.push(tx, [(one.event.type, live.ids_of(one.event)) for one in happened])


REACTIONS: Reactions = {
    contacts.ContactCreated: [push],
    contacts.ContactUpdated: [push],
    contacts.ContactDeleted: [push],
    contacts.ContactOptedOut: [push],
    messaging.MessageReceived: [answering.queue],
    messaging.MessagesQueued: [push],
    messaging.MessagesChanged: [push],
    messaging.ChannelCreated: [push],
    messaging.ChannelTroubled: [push],
    inbox.ConversationOpened: [push],
    inbox.ConversationReopened: [push],
    inbox.MessagesFiled: [push],
    inbox.ConversationClosed: [push],
    inbox.ConversationAssigned: [push],
    inbox.ConversationsChanged: [push],
    inbox.ConversationDeleted: [push],
    inbox.NoteAdded: [push],
    campaigns.BroadcastStarted: [push],
    campaigns.BroadcastChanged: [push],
    campaigns.BroadcastCompleted: [push],
    campaigns.BroadcastFailed: [push],
}

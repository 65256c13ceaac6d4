"""What happens after an event: the one table. Reactions get a batch and write rows only."""

from collections.abc import Sequence

from trunkline import answering
from trunkline.accounts import events as accounts
from trunkline.billing import events as billing
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
    accounts.SettingsChanged: [push],
    accounts.SubAccountCreated: [push],
    accounts.SubAccountDeleted: [push],
    accounts.MemberAdded: [push],
    accounts.MemberChanged: [push],
    billing.CreditsGranted: [push],
    billing.CreditsLow: [push],
    contacts.ContactCreated: [push],
    contacts.ContactUpdated: [push],
    contacts.ContactDeleted: [push],
    contacts.ContactsImported: [push],
    contacts.ContactOptedOut: [push],
    contacts.ContactOptedIn: [push],
    contacts.ContactStatusChanged: [push],
    contacts.GroupCreated: [push],
    contacts.GroupDeleted: [push],
    contacts.GroupMembersChanged: [push],
    contacts.TagsChanged: [push],
    contacts.CompanyStageChanged: [push],
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

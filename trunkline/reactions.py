"""What happens after an event: the one table. Reactions get a batch and write rows only."""

from collections.abc import Sequence

from trunkline import answering
from trunkline.accounts import events as accounts
from trunkline.billing import events as billing
from trunkline.campaigns import braking, moments, reached
from trunkline.campaigns import events as campaigns
from trunkline.contacts import events as contacts
from trunkline.contacts import smart
from trunkline.core import live
from trunkline.core.db import Tx
from trunkline.core.events import Happened, Reactions
from trunkline.flows import endings, facts, firing, starting
from trunkline.inbox import events as inbox
from trunkline.inbox import tickets
from trunkline.knowledge import events as knowledge
from trunkline.knowledge import processing
from trunkline.messaging import events as messaging
from trunkline.webhooks import events as webhooks
from trunkline.webhooks.deliveries import fan_out
from trunkline.workflows import events as workflows
from trunkline.workflows import triggers


async def push(tx: Tx, happened: Sequence[Happened]) -> None:
    """Tell signed-in browsers what changed: kind and ids, never content."""
    await live.push(tx, [(one.event.type, live.ids_of(one.event)) for one in happened])


REACTIONS: Reactions = {
    accounts.SettingsChanged: [smart.settings_changed, push],
    accounts.SubAccountCreated: [push],
    accounts.SubAccountDeleted: [push],
    accounts.MemberAdded: [push],
    accounts.MemberChanged: [push],
    billing.CreditsGranted: [push],
    billing.CreditsLow: [fan_out, push],
    contacts.ContactCreated: [smart.contacts_created, triggers.contacts_created, fan_out, push],
    contacts.ContactUpdated: [
        smart.contacts_changed,
        moments.contacts_changed,
        triggers.contacts_changed,
        fan_out,
        push,
    ],
    contacts.ContactDeleted: [smart.contacts_deleted, endings.let_go, fan_out, push],
    contacts.ContactsImported: [
        smart.contacts_imported,
        moments.contacts_imported,
        triggers.contacts_imported,
        fan_out,
        push,
    ],
    contacts.ContactOptedOut: [firing.opted_out, fan_out, push],
    contacts.ContactOptedIn: [firing.opted_in, push],
    contacts.ContactStatusChanged: [smart.statuses_changed, fan_out, push],
    contacts.GroupCreated: [push],
    contacts.GroupDeleted: [push],
    contacts.GroupFilled: [push],
    contacts.FieldRetyped: [smart.fields_retyped, push],
    contacts.GroupMembersChanged: [moments.members_changed, push],
    contacts.TagsChanged: [triggers.tags_changed, fan_out, push],
    contacts.CompanyStageChanged: [triggers.stages_changed, push],
    messaging.MessageReceived: [
        answering.queue,
        moments.contacts_seen,
        smart.contacts_seen,
        triggers.email_received,
    ],
    messaging.MessagesQueued: [fan_out, push],
    messaging.MessagesChanged: [braking.messages_changed, fan_out, push],
    messaging.MailsOpened: [triggers.mails_opened, fan_out, push],
    messaging.MailsClicked: [triggers.mails_clicked, fan_out, push],
    messaging.ChannelCreated: [push],
    messaging.ChannelTroubled: [push],
    inbox.ConversationOpened: [push],
    inbox.ConversationReopened: [push],
    inbox.MessagesFiled: [fan_out, push],
    inbox.ConversationClosed: [tickets.close_with_conversation, push],
    inbox.ConversationAssigned: [push],
    inbox.ConversationsChanged: [push],
    inbox.ConversationDeleted: [push],
    inbox.NoteAdded: [push],
    inbox.TicketOpened: [smart.tickets_changed, push],
    inbox.TicketClosed: [smart.tickets_changed, firing.closed_tickets, push],
    facts.FlowSaved: [push],
    facts.FlowsArchived: [push],
    facts.StartChanged: [starting.queue, push],
    facts.RunsEnded: [push],
    knowledge.DocumentSubmitted: [processing.begin, push],
    knowledge.DocumentSettled: [push],
    knowledge.DocumentChanged: [push],
    knowledge.DocumentDeleted: [processing.clear, push],
    workflows.WorkflowChanged: [push],
    workflows.WorkflowCalled: [triggers.called],
    workflows.NoticeAdded: [push],
    campaigns.BroadcastStarted: [fan_out, push],
    campaigns.BroadcastChanged: [reached.on_end, push],
    campaigns.BroadcastBraked: [push],
    campaigns.BroadcastCompleted: [reached.on_end, fan_out, push],
    campaigns.BroadcastFailed: [fan_out, push],
    webhooks.WebhookChanged: [push],
    webhooks.WebhookDisabled: [push],
}

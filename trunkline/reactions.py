"""What happens after an event: the one table. Reactions get a batch and write rows only."""

from collections.abc import Sequence

from trunkline import answering
from trunkline.accounts import events as accounts
from trunkline.ai import events as ai
from trunkline.ai import talks
from trunkline.billing import events as billing
from trunkline.billing import prices, recharges
from trunkline.campaigns import braking, closing, moments, reached
from trunkline.campaigns import events as campaigns
from trunkline.contacts import events as contacts
from trunkline.contacts import smart
from trunkline.core import clock, live, opaque
from trunkline.core.db import Tx
from trunkline.core.events import Happened, Reactions
from trunkline.flows import endings, facts, firing, phoning, starting
from trunkline.inbox import events as inbox
from trunkline.inbox import joining, tickets
from trunkline.knowledge import events as knowledge
from trunkline.knowledge import processing
from trunkline.messaging import callbook
from trunkline.messaging import events as messaging
from trunkline.webhooks import account_webhook, callbacks
from trunkline.webhooks import events as webhooks
from trunkline.webhooks.callbacks import call_back
from trunkline.webhooks.deliveries import fan_out
from trunkline.webhooks.switching import switched_off
from trunkline.workflows import alerts, triggers
from trunkline.workflows import events as workflows


async def push(tx: Tx, happened: Sequence[Happened]) -> None:
    """Tell signed-in browsers what changed: kind and ids, never content."""
    await live.push(tx, [(one.event.type, live.ids_of(one.event)) for one in happened])


async def ask_agency(tx: Tx, happened: Sequence[Happened]) -> None:
    """Tell an agency that a sub-account needs credits, in the words that it was promised."""
    vault = tx.database.tools.vault
    for one in happened:
        wanted: billing.RechargeRequested = one.event
        payload = {
            "event": "subaccount.auto_recharge",
            "idempotency_key": wanted.key,
            "sub_account": {
                "id": opaque.write(vault, "account", wanted.account_id),
                "email": wanted.email,
                "name": wanted.name,
            },
            "current_balance": wanted.balance,
            "threshold": wanted.threshold,
            "recharge_amount": wanted.amount,
            "currency": prices.CURRENCY,
            "unit_price": prices.LIST_PRICE,
            "triggered_at": clock.iso(wanted.at),
        }
        await callbacks.tell(tx, url=wanted.url, event="subaccount.auto_recharge", payload=payload)


REACTIONS: Reactions = {
    accounts.SettingsChanged: [smart.settings_changed, account_webhook.settings_changed, push],
    accounts.SubAccountCreated: [push],
    accounts.SubAccountDeleted: [closing.begin, push],
    accounts.MemberAdded: [push],
    accounts.MemberChanged: [push],
    billing.CreditsGranted: [recharges.credits_granted, push],
    billing.CreditsLow: [recharges.credits_low, fan_out, push],
    billing.RechargeRequested: [ask_agency, push],
    billing.ChannelUnpaid: [push],
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
    messaging.ChannelEventReceived: [
        firing.channel_events_received,
        moments.contacts_seen,
        smart.contacts_seen,
        push,
    ],
    messaging.MessagesQueued: [fan_out, call_back, push],
    messaging.MessagesChanged: [braking.messages_changed, callbook.messages_changed, fan_out, call_back, push],
    messaging.CallChanged: [phoning.calls_changed, callbook.calls_ended, fan_out, push],
    messaging.MailsOpened: [triggers.mails_opened, fan_out, push],
    messaging.MailsClicked: [triggers.mails_clicked, fan_out, push],
    messaging.VisitorJoined: [joining.visitors_joined],
    messaging.ChannelCreated: [push],
    messaging.ChannelTroubled: [push],
    inbox.ConversationOpened: [push],
    inbox.ConversationReopened: [push],
    inbox.MessagesFiled: [fan_out, push],
    inbox.ConversationClosed: [tickets.close_with_conversation, talks.resolved, push],
    inbox.ConversationAssigned: [push],
    inbox.ConversationsChanged: [push],
    inbox.ConversationDeleted: [push],
    inbox.NoteAdded: [push],
    inbox.PresenceChanged: [push],
    inbox.TicketOpened: [smart.tickets_changed, push],
    inbox.TicketClosed: [smart.tickets_changed, firing.closed_tickets, push],
    facts.FlowSaved: [push],
    facts.FlowsArchived: [push],
    facts.StartChanged: [starting.queue, push],
    facts.RunsEnded: [fan_out, push],
    ai.HumanAlerted: [alerts.handed_over, fan_out, push],
    ai.AssistantsOutOfCredits: [alerts.out_of_credits, fan_out, push],
    ai.ConversationSummarised: [fan_out, push],
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
    webhooks.WebhookDisabled: [switched_off, push],
}

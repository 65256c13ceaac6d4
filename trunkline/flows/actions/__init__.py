"""The 26 types of action, one file each, by the name that definitions use."""

from trunkline.flows.actions.add_contact_groups import AddContactGroups
from trunkline.flows.actions.add_contact_urn import AddContactUrn
from trunkline.flows.actions.add_input_labels import AddInputLabels
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.call_classifier import CallClassifier
from trunkline.flows.actions.call_llm import CallLlm
from trunkline.flows.actions.call_resthook import CallResthook
from trunkline.flows.actions.call_webhook import CallWebhook
from trunkline.flows.actions.enter_flow import EnterFlow
from trunkline.flows.actions.open_ticket import OpenTicket
from trunkline.flows.actions.play_audio import PlayAudio
from trunkline.flows.actions.remove_contact_groups import RemoveContactGroups
from trunkline.flows.actions.request_optin import RequestOptin
from trunkline.flows.actions.say_msg import SayMsg
from trunkline.flows.actions.send_broadcast import SendBroadcast
from trunkline.flows.actions.send_email import SendEmail
from trunkline.flows.actions.send_msg import SendMsg
from trunkline.flows.actions.set_contact_channel import SetContactChannel
from trunkline.flows.actions.set_contact_field import SetContactField
from trunkline.flows.actions.set_contact_language import SetContactLanguage
from trunkline.flows.actions.set_contact_name import SetContactName
from trunkline.flows.actions.set_contact_status import SetContactStatus
from trunkline.flows.actions.set_contact_timezone import SetContactTimezone
from trunkline.flows.actions.set_run_local import SetRunLocal
from trunkline.flows.actions.set_run_result import SetRunResult
from trunkline.flows.actions.start_session import StartSession
from trunkline.flows.actions.transfer_airtime import TransferAirtime

TYPES: dict[str, type[Action]] = {
    kind.type: kind
    for kind in (
        AddContactGroups,
        AddContactUrn,
        AddInputLabels,
        CallClassifier,
        CallLlm,
        CallResthook,
        CallWebhook,
        EnterFlow,
        OpenTicket,
        PlayAudio,
        RemoveContactGroups,
        RequestOptin,
        SayMsg,
        SendBroadcast,
        SendEmail,
        SendMsg,
        SetContactChannel,
        SetContactField,
        SetContactLanguage,
        SetContactName,
        SetContactStatus,
        SetContactTimezone,
        SetRunLocal,
        SetRunResult,
        StartSession,
        TransferAirtime,
    )
}

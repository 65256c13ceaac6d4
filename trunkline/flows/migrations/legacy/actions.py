"""Actions of legacy flows as today's."""

from collections.abc import Callable
from typing import Any

from trunkline.core.urns import SCHEMES
from trunkline.flows.migrations.legacy.dialect import as_template
from trunkline.flows.migrations.legacy.draft import Draft, by_language
from trunkline.flows.migrations.shape import array, objects, text

Action = dict[str, Any]

NEW_CONTACT = "@new_contact"


def converted(old: Action, draft: Draft) -> Action:
    """The new action. One of a type nobody knows stays as it is, for the editor to show."""
    rule = RULES.get(text(old, "type"))
    uuid = draft.uuid(old.get("uuid"))
    if rule is None:
        return old | {"uuid": uuid}
    kind, fields = rule(old, uuid, draft)
    return {"type": kind, "uuid": uuid, **fields}


def _reply(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    all_urns = {"all_urns": True} if old.get("send_all") is True else {}
    return "send_msg", _content(old, uuid, draft) | all_urns


def _send(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    recipients, _ = _recipients(old)
    return "send_broadcast", _content(old, uuid, draft) | recipients


def _content(old: Action, uuid: str, draft: Draft) -> Action:
    """Text, attachment and quick replies of a message."""
    content: Action = {"text": draft.template(uuid, "text", old.get("msg"))}
    media = by_language(old.get("media"), lambda written: draft.attachment(as_template(written)))
    if attachment := draft.text(uuid, "attachments", media):
        content["attachments"] = [attachment]
    if replies := draft.templates(uuid, "quick_replies", old.get("quick_replies")):
        content["quick_replies"] = replies
    return content


def _recipients(old: Action) -> tuple[Action, bool]:
    """Groups, contacts and expressions that name either; and whether a new contact is among them."""
    written = [variable.get("id") for variable in objects(old, "variables")]
    variables = [variable for variable in written if isinstance(variable, str)]
    fields: Action = {
        "groups": _named(old, "groups"),
        "contacts": [_reference(contact) for contact in objects(old, "contacts")],
        "legacy_vars": [as_template(variable) for variable in variables if variable != NEW_CONTACT],
    }
    return {key: many for key, many in fields.items() if many}, NEW_CONTACT in variables


def _named(old: Action, key: str) -> list[Action]:
    """Groups or labels; those given as a text are found by name when the flow runs."""
    return [_group(item) for item in array(old, key) if isinstance(item, dict | str)]


def _group(item: Action | str) -> Action:
    if isinstance(item, dict) and text(item, "uuid"):
        return _reference(item)
    return {"name_match": as_template(item if isinstance(item, str) else text(item, "name"))}


def _reference(item: Action) -> Action:
    return {"uuid": text(item, "uuid"), "name": text(item, "name")}


def _email(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    addresses = [as_template(address) for address in array(old, "emails") if isinstance(address, str)]
    subject = draft.template(uuid, "subject", old.get("subject"))
    return "send_email", {
        "addresses": addresses,
        "subject": subject,
        "body": draft.template(uuid, "body", old.get("msg")),
    }


def _language(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    return "set_contact_language", {"language": as_template(text(old, "lang"))}


def _add_group(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    return "add_contact_groups", {"groups": _named(old, "groups")}


def _remove_group(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    """Without groups it was: from all of them."""
    groups = _named(old, "groups")
    return "remove_contact_groups", {"groups": groups} if groups else {"groups": [], "all_groups": True}


def _add_label(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    return "add_input_labels", {"labels": _named(old, "labels")}


def _channel(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    channel = {"uuid": text(old, "channel"), "name": text(old, "name")}
    return "set_contact_channel", {"channel": channel if channel["uuid"] else None}


def _flow(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    """The old action left its flow for good."""
    return "enter_flow", {"flow": flow_of(old), "terminal": True}


def _trigger_flow(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    recipients, is_new = _recipients(old)
    return "start_session", {"flow": flow_of(old), **recipients} | ({"create_contact": True} if is_new else {})


def flow_of(old: dict[str, Any]) -> Action:
    flow = old.get("flow")
    return _reference(flow if isinstance(flow, dict) else {})


def _say(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    fields: Action = {"text": draft.template(uuid, "text", old.get("msg"))}
    if recording := draft.text(uuid, "audio_url", by_language(old.get("recording"), draft.media)):
        fields["audio_url"] = recording
    return "say_msg", fields


def _play(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    return "play_audio", {"audio_url": draft.media(as_template(text(old, "url")))}


def _save(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    """What is saved about a contact is a field, or one of the things that are no fields."""
    key = text(old, "field")
    value = as_template(next(iter(by_language(old.get("value")).values()), ""))
    match key:
        case "name":
            return "set_contact_name", {"name": value}
        case "first_name":
            return "set_contact_name", {"name": f"{value} @(remove_first_word(contact.name))"}
        case "language":
            return "set_contact_language", {"language": value}
        case "tel_e164":
            return "add_contact_urn", {"scheme": "tel", "path": value}
        case _ if key in SCHEMES:
            return "add_contact_urn", {"scheme": key, "path": value}
        case _:
            return "set_contact_field", {"field": {"key": key, "name": text(old, "label")}, "value": value}


def _api(old: Action, uuid: str, draft: Draft) -> tuple[str, Action]:
    method = text(old, "action") or "POST"
    return "call_webhook", webhook(method, text(old, "webhook"), old.get("webhook_headers"))


def webhook(method: str, url: str, headers: Any) -> Action:
    """The fields of a call; POST sent a description of the run."""
    written = {text(header, "name"): text(header, "value") for header in objects({"all": headers}, "all")}
    sent = {name: as_template(value) for name, value in written.items() if name}
    if method.upper() == "POST":
        sent = {"Content-Type": "application/json"} | sent
    call: Action = {"method": method.upper(), "url": as_template(url), "headers": sent}
    return call | ({"body": PAYLOAD} if method.upper() == "POST" else {})


# The same as resthooks send today.
PAYLOAD = """@(json(object(
  "contact", object(
    "uuid", contact.uuid, "name", contact.name, "urn", contact.urn, "language", contact.language
  ),
  "flow", run.flow,
  "path", run.path,
  "results", foreach_value(
    results, extract_object,
    "category", "category_localized", "created_on", "input", "name", "node_uuid", "value"
  ),
  "run", object("uuid", run.uuid, "created_on", run.created_on),
  "input", if(input, object(
    "attachments", foreach(input.attachments, attachment_parts),
    "channel", input.channel,
    "created_on", input.created_on,
    "text", input.text,
    "type", input.type,
    "urn", if(input.urn, urn_parts(input.urn), null),
    "uuid", input.uuid
  ), null),
  "channel", contact.channel
)))"""

Rule = Callable[[Action, str, Draft], tuple[str, Action]]

RULES: dict[str, Rule] = {
    "reply": _reply,
    "send": _send,
    "email": _email,
    "lang": _language,
    "save": _save,
    "add_group": _add_group,
    "del_group": _remove_group,
    "add_label": _add_label,
    "channel": _channel,
    "flow": _flow,
    "trigger-flow": _trigger_flow,
    "say": _say,
    "play": _play,
    "api": _api,
}

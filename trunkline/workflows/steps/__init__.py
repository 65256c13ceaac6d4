"""The catalogue of steps: what a workflow can do, and what it can ask."""

from trunkline.workflows.steps import (
    ai_reply,
    assign_agent,
    create_calendar_event,
    create_deal,
    email_seen,
    fields,
    grouping,
    has_tag,
    in_group,
    move_deal,
    send_email,
    send_notification,
    tagging,
    update_contact,
    wait_delay,
    webhook_call,
)
from trunkline.workflows.steps.base import Step

ACTIONS: dict[str, Step] = {
    "send_email": send_email.STEP,
    "send_notification": send_notification.STEP,
    "add_tag": tagging.ADD_TAG,
    "remove_tag": tagging.REMOVE_TAG,
    "update_contact": update_contact.STEP,
    "assign_agent": assign_agent.STEP,
    "create_deal": create_deal.STEP,
    "move_deal": move_deal.STEP,
    "wait_delay": wait_delay.STEP,
    "webhook_call": webhook_call.STEP,
    "ai_reply": ai_reply.STEP,
    "add_to_group": grouping.ADD_TO_GROUP,
    "remove_from_group": grouping.REMOVE_FROM_GROUP,
    "create_calendar_event": create_calendar_event.STEP,
}

CONDITIONS: dict[str, Step] = {
    "if_else": fields.STEP,
    "contact_field": fields.STEP,
    "has_tag": has_tag.STEP,
    "email_opened": email_seen.EMAIL_OPENED,
    "email_clicked": email_seen.EMAIL_CLICKED,
    "in_group": in_group.STEP,
}

STEPS = ACTIONS | CONDITIONS

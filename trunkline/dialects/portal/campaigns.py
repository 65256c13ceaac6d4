"""Campaigns of the portal dialect: one message for many."""

from typing import Any

from trunkline.campaigns import broadcasts, confirming
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.core import text
from trunkline.dialects.base import Conflict, Data, Invalid, Page, Paged, Tx
from trunkline.dialects.portal import shapes
from trunkline.dialects.portal.dialect import portal
from trunkline.messaging import contents


@portal.get("/campaigns", scope="read")
async def list_campaigns(tx: Tx, page: Page, query: shapes.CampaignQuery) -> Paged[shapes.CampaignOut]:
    """List campaigns, the newest first."""
    status = [{"completed": "sent"}.get(query.status, query.status)] if query.status else None
    rows, total = await broadcasts.page(
        tx, status=status, channel=query.channel, limit=page.per_page, offset=page.offset
    )
    return Paged([shapes.campaign(row) for row in rows], total)


@portal.post("/campaigns", scope="write", status=201)
async def create_campaign(tx: Tx, body: shapes.CampaignIn) -> Data[shapes.CampaignOut]:
    """Create a campaign as a draft.

    Say what by `message_template` or `template_key`; slots like `{{name}}` are filled in for each contact. Say to whom
    by `audience` or `contact_ids`; without either it is for every contact that has not opted out and has an address
    for the channel.
    """
    text.check_values(body.variables)
    content = await _content(tx, body)
    new = NewBroadcast(
        name=body.name,
        channel=body.channel,
        body="" if content.html else content.text,
        html=content.html,
        subject=content.subject,
        channel_id=body.integration_id,
        pool=body.channel == "sms" and body.integration_id is None and body.sms_routing == "platform",
        template_id=content.template_id,
        variables=body.variables,
        audience=_audience(body),
    )
    return Data(shapes.campaign(await broadcasts.create(tx, new)))


@portal.post("/campaigns/{id}/send", scope="send", status=202, bucket="send", raises=(Conflict,))
async def send_campaign(tx: Tx, id: int, body: shapes.CampaignSend) -> Data[shapes.CampaignSent]:
    """Send or schedule a campaign.

    Where the account asks for it, a campaign to more than 1,000 contacts that names no audience needs
    `confirm_all: true`.
    """
    await confirming.check(tx, id, confirmed=body.confirm_all)
    return Data(shapes.campaign_sent(await broadcasts.send(tx, id, body.scheduled_at)))


@portal.get("/campaigns/{id}/status", scope="read")
async def campaign_status(tx: Tx, id: int) -> Data[shapes.CampaignProgress]:
    """Get a campaign's delivery status and stats."""
    campaign = await broadcasts.get(tx, id)
    progress = await broadcasts.progress(tx, [campaign])
    return Data(shapes.campaign_progress(campaign, progress[id]))


async def _content(tx: Tx, body: shapes.CampaignIn) -> contents.Content:
    try:
        return await contents.read(
            tx, body.channel, template_key=body.template_key, body=body.message_template, subject=body.subject
        )
    except Invalid as error:
        # The caller wrote the text under another name.
        fields = {"message_template" if name == "body" else name: told for name, told in error.fields.items()}
        raise Invalid(fields, code=error.code) from None


def _audience(body: shapes.CampaignIn) -> dict[str, Any]:
    if body.contact_ids is not None and body.audience is not None:
        raise Invalid({"contact_ids": ["Give either audience or contact_ids, not both."]})
    if body.contact_ids is not None:
        return {"type": "contacts", "ids": body.contact_ids}
    audience = body.audience or shapes.Audience()
    if audience.type == "all":
        return {"type": "all"}
    return {"type": "group" if audience.type == "segment" else audience.type, "id": audience.id}

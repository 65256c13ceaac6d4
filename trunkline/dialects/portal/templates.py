"""Message templates of the portal dialect."""

from msgspec import UNSET

from trunkline.dialects.base import Conflict, Data, Tx
from trunkline.dialects.portal import shapes
from trunkline.dialects.portal.dialect import portal
from trunkline.messaging import templates
from trunkline.messaging.templates import Draft


@portal.get("/templates", scope="read")
async def list_templates(tx: Tx, *, channel: shapes.CampaignChannel | None = None) -> Data[list[shapes.TemplateOut]]:
    """List message templates, all or those of one channel."""
    return Data([shapes.template(row) for row in await templates.all_of(tx, channel)])


@portal.post("/templates", scope="write", status=201, raises=(Conflict,))
async def create_template(tx: Tx, body: shapes.TemplateIn) -> Data[shapes.TemplateOut]:
    """Create a message template. Key, channel and language together must be new."""
    draft = Draft(
        key=body.key,
        channel=body.channel,
        body=body.body,
        name=body.name,
        language=body.language,
        subject=body.subject,
    )
    return Data(shapes.template(await templates.create(tx, draft)))


@portal.put("/templates/{id}", also=("PATCH",), scope="write", raises=(Conflict,))
async def update_template(tx: Tx, id: int, body: shapes.TemplateChanges) -> Data[shapes.TemplateOut]:
    """Update a message template. What is left out stays."""
    kept = await templates.get(tx, id)
    values = {name: getattr(kept, name) for name in Draft.__struct_fields__}
    values |= {name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    return Data(shapes.template(await templates.update(tx, id, Draft(**values))))


@portal.delete("/templates/{id}", scope="write", status=204)
async def delete_template(tx: Tx, id: int) -> None:
    """Delete a message template. Messages that were made from it stay."""
    await templates.delete(tx, id)

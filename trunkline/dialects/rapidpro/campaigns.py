"""Campaigns: what the contacts of a group get around dates of theirs."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import Series
from trunkline.core.errors import NotFound
from trunkline.dialects.base import Answer, Call, Paged, Tx
from trunkline.dialects.rapidpro import lists, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.fields import Text, name_rules
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Groups, One
from trunkline.dialects.rapidpro.uniqueness import unique
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk

NAME = 64

FORM = {
    "name": Text("The name of the campaign.", most=NAME, rules=name_rules(NAME)),
    "group": One("The group whose contacts take part, by UUID or name.", Groups()),
}


class CampaignOut(Struct, frozen=True):
    uuid: UUID
    name: str
    archived: bool
    group: Ref
    created_on: Moment


class CampaignQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the campaign with this UUID.")] = None


class CampaignLookup(Struct):
    uuid: Annotated[str | None, Meta(description="The campaign to change; without it a new one is made.")] = None


@rapidpro.get("/campaigns.json")
async def list_campaigns(tx: Tx, walk: Walk, query: CampaignQuery) -> Paged[CampaignOut]:
    """List the campaigns of your workspace, the newest first. Archived ones are left out."""
    uuid = reading.uuid(query.uuid)
    found = [each for each in await sequences.all_of(tx) if uuid is None or each.uuid == uuid]
    page = await walk.page(lists.walked(found, _place), _place)
    return Paged([_shape(each) for each in page.rows], next=page.next, previous=page.previous)


@rapidpro.post("/campaigns.json", fields=FORM, raises=(NotFound,), answers={201: CampaignOut})
async def write_campaign(tx: Tx, call: Call, body: Body, query: CampaignLookup) -> CampaignOut | Answer[CampaignOut]:
    """Create a campaign, or change name and group of one. Another group has all its events scheduled anew."""
    uuid = reading.uuid_lookup(call)
    if uuid is None:
        given = await reading.read(tx, call, FORM, body)
        return Answer(_shape(await unique(sequences.create(tx, given["name"], given["group"].id))), 201)
    campaign = (await sequences.by_uuid(tx, [uuid])).get(uuid)
    if campaign is None or campaign.archived:
        raise NotFound("campaign", uuid)
    given = await reading.read(tx, call, FORM, body)
    return _shape(await unique(sequences.update(tx, campaign.id, name=given["name"], group_id=given["group"].id)))


def _shape(series: Series) -> CampaignOut:
    group = Ref(series.group_uuid, series.group_name)
    return CampaignOut(series.uuid, series.name, series.archived, group, moment(series.created_at))


def _place(series: Series) -> Place:
    return series.created_at, series.id

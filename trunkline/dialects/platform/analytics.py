"""Reports of the platform dialect: the workspace, its team, its use of language models."""

from trunkline.analytics import reports
from trunkline.dialects.base import Data, Tx
from trunkline.dialects.platform import analytics_shapes as shapes
from trunkline.dialects.platform.dialect import platform


@platform.get("/analytics/overview", scope="analytics", level="view", tag="Analytics")
async def show_overview(tx: Tx, query: shapes.Period) -> Data[shapes.OverviewOut]:
    """Get the figures of the workspace: conversations, contacts, campaigns, messages by day.

    `period` is 7d, 30d (the default) or 90d, `days` any number up to 90: today and the days before, in the workspace's
    time zone. What happened stays counted when the contact or the conversation is deleted later.
    """
    days = query.length
    return Data(shapes.overview(days, await reports.overview(tx, days), await reports.ai(tx, days)))


@platform.get("/analytics/team", scope="analytics", level="admin", tag="Analytics")
async def show_team(tx: Tx, query: shapes.Period) -> shapes.TeamOut:
    """Get what everybody in the team did, with the totals in `meta`. For admins and owners.

    A conversation is closed by whom it is assigned to. The response time is that of first answers to somebody who
    wrote. `satisfaction_score` is null as long as there are no ratings.
    """
    return shapes.team(query.length, await reports.team(tx, query.length))


@platform.get("/analytics/ai", scope="analytics", level="view", tag="Analytics")
async def show_ai(tx: Tx, query: shapes.Period) -> Data[shapes.AiOut]:
    """Get what language models were asked for in the period, what it cost and how long it took."""
    return Data(shapes.ai(query.length, await reports.ai(tx, query.length)))

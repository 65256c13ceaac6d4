"""The canvas: what may be drawn, and what a graph must be to work."""

from typing import Any

import pytest

from tests import canvases
from tests.canvases import canvas, step, trigger
from trunkline.contacts import groups
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, NotFound
from trunkline.workflows import definition, workflows
from trunkline.workflows.workflows import Changes

pytestmark = pytest.mark.anyio

START, TAG = trigger(), step("add_tag", tag_name="VIP")


@pytest.mark.parametrize(
    ("drawn", "field"),
    [
        ({"nodes": "x"}, "canvas_data.nodes"),
        ({"nodes": [1]}, "canvas_data.nodes.0"),
        ({"nodes": [{"type": "action"}]}, "canvas_data.nodes.0.id"),
        ({"nodes": [{**TAG, "id": "x" * 101}]}, "canvas_data.nodes.0.id"),
        ({"nodes": [TAG, TAG]}, "canvas_data.nodes.1.id"),
        ({"nodes": [{**TAG, "type": "magic"}]}, "canvas_data.nodes.0.type"),
        ({"nodes": [{**TAG, "subtype": "x" * 51}]}, "canvas_data.nodes.0.subtype"),
        ({"nodes": [{**TAG, "config": []}]}, None),
        ({"nodes": [{**TAG, "config": [1]}]}, "canvas_data.nodes.0.config"),
        ({"nodes": [{**TAG, "id": str(n)} for n in range(201)]}, "canvas_data.nodes"),
        ({"nodes": [START, TAG], "edges": [{"source": "start", "target": "nowhere"}]}, "canvas_data.edges.0.target"),
        ({"nodes": [START, TAG], "edges": [{"source": "start"}]}, "canvas_data.edges.0.target"),
        ({"nodes": [START], "edges": ["x"]}, "canvas_data.edges.0"),
        (
            {"nodes": [START, TAG], "edges": [{"source": "start", "target": "add_tag"}] * 501},
            "canvas_data.edges",
        ),
        (
            {"nodes": [START, TAG], "edges": [{"source": "start", "target": "add_tag", "condition": "maybe"}]},
            "canvas_data.edges.0.condition",
        ),
        ({"note": "x" * 600_000}, "canvas_data"),
        ({"note": "a\0b"}, "canvas_data"),
    ],
    ids=range(17),
)
def test_what_cannot_be_drawn(drawn: dict[str, Any], field: str | None) -> None:
    problems: dict[str, Any] = {}
    try:
        definition.read(drawn)
    except Invalid as refused:
        problems = refused.fields

    assert list(problems) == ([field] if field else [])


def test_editors_may_say_it_their_way() -> None:
    drawn = {
        "nodes": [{"id": 1, "type": "trigger", "subtype": "contact.created", "position": {"x": 5, "y": 7}}, TAG],
        "edges": [{"source_node_id": 1, "target_node_id": "add_tag", "sourceHandle": "out"}],
    }

    read = definition.read(drawn)

    [start, _] = read.nodes.values()
    assert (start.subtype, start.x, start.y) == ("contact_created", 5, 7)
    assert [(edge.source, edge.target, edge.condition) for edge in read.edges] == [("1", "add_tag", None)]


@pytest.mark.parametrize(
    ("drawn", "fields"),
    [
        ({}, ["canvas_data"]),
        (canvas(TAG), ["canvas_data"]),
        (canvas(START, {**START, "id": "again"}, TAG), ["canvas_data", "nodes.again"]),
        (canvas(START, TAG, edges=[]), ["nodes.add_tag"]),
        (canvas(START, TAG, edges=[("start", "add_tag", "true")]), ["nodes.start"]),
        (canvas(START, step("has_tag", tag_name="x"), TAG), ["nodes.has_tag"]),
        (canvas(START, TAG, edges=[("start", "add_tag"), ("add_tag", "start")]), ["nodes.start", "nodes.add_tag"]),
        (canvas(START, TAG, edges=[("start", "add_tag"), ("add_tag", "add_tag")]), ["nodes.add_tag"]),
        (canvas(trigger("sunrise"), TAG), ["nodes.start.subtype"]),
        (canvas(START, step("fly")), ["nodes.fly.subtype"]),
        (canvas(START, {**TAG, "subtype": "has_tag"}), ["nodes.add_tag.subtype"]),
        (canvas(START, step("add_tag")), ["nodes.add_tag.config.tag_name"]),
        (canvas(START, step("add_tag", tag_name="")), ["nodes.add_tag.config.tag_name"]),
        (canvas(START, step("send_email")), ["nodes.send_email.config.subject", "nodes.send_email.config.body"]),
        (canvas(START, step("send_email", email_template_id=1)), ["nodes.send_email.config.email_template_id"]),
        (canvas(START, step("send_notification")), ["nodes.send_notification.config.message"]),
        (
            canvas(START, step("send_notification", message="x", channel="smoke")),
            ["nodes.send_notification.config.channel"],
        ),
        (
            canvas(START, step("send_notification", message="x", action_url="javascript:x")),
            ["nodes.send_notification.config.action_url"],
        ),
        (canvas(START, step("update_contact", field="id", value=1)), ["nodes.update_contact.config.field"]),
        (canvas(START, step("assign_agent")), ["nodes.assign_agent.config.agent_id"]),
        (canvas(START, step("assign_agent", agent_id=999_999_999)), ["nodes.assign_agent.config.agent_id"]),
        (canvas(START, step("create_deal", deal_name="x", value="much")), ["nodes.create_deal.config.value"]),
        (canvas(START, step("move_deal", stage_id=999_999_999)), ["nodes.move_deal.config.stage_id"]),
        (canvas(START, step("wait_delay", duration=0)), ["nodes.wait_delay.config.duration"]),
        (canvas(START, step("wait_delay", duration=1e300, unit="weeks")), ["nodes.wait_delay.config.duration"]),
        (canvas(START, step("wait_delay", duration=1, unit="moons")), ["nodes.wait_delay.config.unit"]),
        (canvas(START, step("webhook_call", url="http://example.com/")), ["nodes.webhook_call.config.url"]),
        (canvas(START, step("webhook_call", url="https://10.0.0.1/")), ["nodes.webhook_call.config.url"]),
        (
            canvas(START, step("webhook_call", url="https://a.test/", headers={"X": "a\r\nb"})),
            ["nodes.webhook_call.config.headers.X"],
        ),
        (canvas(START, step("add_to_group", group_id=999_999_999)), ["nodes.add_to_group.config.group_id"]),
        (canvas(START, step("in_group", group_id="x")), ["nodes.in_group.config.group_id"]),
        (canvas(START, step("ai_reply", max_tokens=0)), ["nodes.ai_reply.config.max_tokens"]),
        (
            canvas(START, step("create_calendar_event", summary="x", attendees="nobody", timezone="Mars/Olympus")),
            ["nodes.create_calendar_event.config.attendees", "nodes.create_calendar_event.config.timezone"],
        ),
        (canvas(START, step("if_else", field="x", operator="smells")), ["nodes.if_else.config.operator"]),
        (canvas(START, step("email_opened", within_hours=-1)), ["nodes.email_opened.config.within_hours"]),
        (canvas(trigger("scheduled"), TAG), ["nodes.start.config.cron"]),
        (canvas(trigger("scheduled", cron="61 * * * *"), TAG), ["nodes.start.config.cron"]),
        (canvas(trigger("scheduled", cron="0 0 30 2 *"), TAG), ["nodes.start.config.cron"]),
        (canvas(trigger("scheduled", run_at="2020-01-01T00:00:00Z"), TAG), ["nodes.start.config.run_at"]),
        (canvas(trigger("campaign_opened", campaign_id=999_999_999), TAG), ["nodes.start.config.campaign_id"]),
        (canvas(trigger("deal_stage_changed", stage_id=999_999_999), TAG), ["nodes.start.config.stage_id"]),
    ],
    ids=range(41),
)
async def test_what_cannot_work_is_named(tx: Tx, drawn: dict[str, Any], fields: list[str]) -> None:
    row = await workflows.create(tx, "Draft", canvas=drawn)

    with pytest.raises(Invalid) as refused:
        await workflows.activate(tx, row.id)

    assert list(refused.value.fields) == fields
    assert (await workflows.get(tx, row.id)).status == "draft"


async def test_a_smart_group_takes_nobody_by_hand(tx: Tx) -> None:
    group = await groups.create(tx, "Smart", query="name = Ann")
    row = await workflows.create(tx, "Draft", canvas=canvas(START, step("add_to_group", group_id=group.id)))

    with pytest.raises(Invalid) as refused:
        await workflows.activate(tx, row.id)

    assert list(refused.value.fields) == ["nodes.add_to_group.config.group_id"]


async def test_the_largest_canvas_works(tx: Tx) -> None:
    steps = [step("add_tag", f"n{n}", tag_name="x") for n in range(199)]
    row = await workflows.create(tx, "Long", canvas=canvas(START, *steps))

    assert (await workflows.activate(tx, row.id)).nodes_count == 200


async def test_only_another_canvas_is_another_version(tx: Tx) -> None:
    row = await workflows.create(tx, "Draft", canvas=canvas(START, TAG))

    renamed = await workflows.update(tx, row.id, Changes(name="Other", canvas=canvas(START, TAG)))
    redrawn = await workflows.update(tx, row.id, Changes(canvas=canvas(START)))

    assert (renamed.name, renamed.version, redrawn.version) == ("Other", 1, 2)


async def test_an_active_workflow_takes_no_broken_canvas(tx: Tx) -> None:
    row = await workflows.create(tx, "Draft", canvas=canvas(START, TAG))
    await workflows.activate(tx, row.id)

    with pytest.raises(Invalid):
        await workflows.update(tx, row.id, Changes(canvas=canvas(TAG)))

    assert (await workflows.get(tx, row.id)).version == 1


async def test_a_workflow_keeps_its_address(tx: Tx) -> None:
    row = await workflows.create(tx, "Hook", canvas=canvas(trigger("webhook_received"), TAG))

    other = await workflows.update(tx, row.id, Changes(canvas=canvas(trigger("form_submitted"), TAG)))

    assert row.hook is not None
    assert (len(row.hook), other.hook) == (40, row.hook)


async def test_a_workflow_of_another_tenant_does_not_exist(database, account: int, other_account: int) -> None:
    row = await canvases.active(database, account, canvas(START, TAG))

    async with database.tx(other_account) as tx:
        for refused in (workflows.get, workflows.activate, workflows.pause, workflows.delete):
            with pytest.raises(NotFound):
                await refused(tx, row.id)
        assert await workflows.page(tx) == ([], 0)


@pytest.mark.parametrize(
    ("sort", "ascending", "names"), [("name", True, ["A", "b"]), ("created_at", False, ["b", "A"])]
)
async def test_lists_are_sorted_and_searched(tx: Tx, sort: str, ascending: bool, names: list[str]) -> None:
    for name in ("A", "b"):
        await workflows.create(tx, name)

    rows, total = await workflows.page(tx, sort=sort, ascending=ascending)
    found, _ = await workflows.page(tx, search=" B ")

    assert ([row.name for row in rows], total, [row.name for row in found]) == (names, 2, ["b"])

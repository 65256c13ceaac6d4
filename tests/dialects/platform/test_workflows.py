"""Workflows over the platform's wire: the state machine, what is shown, and inputs that no honest program sends."""

import pytest

from tests import canvases, world
from tests.canvases import canvas, step, trigger

pytestmark = pytest.mark.anyio

WHOLE = canvas(trigger(), step("add_tag", tag_name="VIP"))


async def draw(api, drawn=WHOLE, **more) -> dict:
    answer = await api.post("/workflows", json={"name": "Flow", "canvas_data": drawn, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


@pytest.mark.parametrize("trigger_name", ["contact_created", "contact.created", "Contact.Created"])
async def test_triggers_are_told_dotted(api, trigger_name):
    flow = await draw(api, canvas(trigger(trigger_name)))

    assert flow["trigger"] == "contact.created"


async def test_an_empty_draft_is_a_draft(api):
    answer = await api.post("/workflows", json={"name": " Flow "})

    flow = answer.json()["data"]
    assert (flow["name"], flow["status"], flow["trigger"], flow["nodes"]) == ("Flow", "draft", None, [])
    assert "webhook_url" not in flow


async def test_what_keeps_it_from_working_is_told_by_node(api):
    flow = await draw(api, canvas(trigger(), step("add_tag"), step("move_deal", stage_id=999_999_999)))

    answer = await api.post(f"/workflows/{flow['id']}/activate")

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"nodes.add_tag.config.tag_name", "nodes.move_deal.config.stage_id"}


async def test_the_address_of_a_workflow_is_shown(api):
    flow = await draw(api, canvas(trigger("webhook.received")))

    assert "/hooks/workflows/" in flow["webhook_url"]
    assert len(flow["webhook_url"].rpartition("/")[2]) == 40


async def test_executions_are_listed_with_their_steps(api, database, account):
    flow = await draw(api)
    await api.post(f"/workflows/{flow['id']}/activate")
    await api.post("/contacts", json={"first_name": "Ann", "email": "ann@example.com"})
    await settle(database, account, flow["id"])

    listed = (await api.get(f"/workflows/{flow['id']}/executions?per_page=1&status=completed")).json()
    shown = (await api.get(f"/workflows/{flow['id']}")).json()["data"]

    [execution] = listed["data"]
    assert (execution["status"], execution["contact"]["email"]) == ("completed", "ann@example.com")
    assert [(one["node_id"], one["type"], one["status"], one["error"]) for one in execution["steps"]] == [
        ("add_tag", "add_tag", "completed", None)
    ]
    assert (listed["meta"]["total"], shown["executions_count"]) == (1, 1)


async def settle(database, account: int, workflow: int) -> None:
    """Until the execution has ended: other tests' work lies in the same queues."""
    for _ in range(20):
        await world.react(database)
        if [status for status, _ in await canvases.executions(database, account, workflow)] == ["completed"]:
            return


@pytest.mark.parametrize("query", ["sort_by=evil;drop", "sort_dir=up", "status=purple", "page=-1&per_page=1e9"])
async def test_odd_queries_do_no_harm(api, query):
    answer = await api.get(f"/workflows?{query}")

    assert answer.status_code in (200, 422)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "Flow", "description": "x" * 1001}, "description"),
        ({"name": "Flow", "canvas_data": []}, "canvas_data"),
        ({"name": "Flow", "canvas_data": {"nodes": {}}}, "canvas_data.nodes"),
        ({"name": "Flow", "canvas_data": {"nodes": [None]}}, "canvas_data.nodes.0"),
        ({"name": "Flow", "canvas_data": {"nodes": [{"id": {}, "type": "action"}]}}, "canvas_data.nodes.0.id"),
        ({"name": "Flow", "canvas_data": {"nodes": [{"id": "a", "type": ["action"]}]}}, "canvas_data.nodes.0.type"),
        ({"name": "Flow", "canvas_data": {"edges": [[]]}}, "canvas_data.edges.0"),
        ({"name": "Flow", "canvas_data": {"edges": [{"source": "a", "target": "b"}]}}, "canvas_data.edges.0.source"),
    ],
    ids=range(13),
)
async def test_bad_bodies_are_named(api, body, field):
    answer = await api.post("/workflows", json=body)

    assert answer.status_code == 422, answer.text
    assert field in answer.json()["errors"]


async def test_ten_thousand_nodes_are_too_many(api):
    nodes = [{"id": str(n), "type": "action"} for n in range(10_000)]

    answer = await api.post("/workflows", json={"name": "Flow", "canvas_data": {"nodes": nodes}})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"tag_name": {"a": 1}}, {"tag_name": ["x"]}, {"tag_name": None}, {"tag_name": 10**30}, {"tag_name": "x" * 300},
    ],
    ids=range(5),
)  # fmt: skip
async def test_odd_configs_are_refused_at_activation(api, wrong):
    flow = await draw(api, canvas(trigger(), step("add_tag", **wrong)))

    answer = await api.post(f"/workflows/{flow['id']}/activate")

    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("subtype", "config"),
    [
        ("wait_delay", {"duration": "NaN"}), ("wait_delay", {"duration": -1}), ("in_group", {"group_id": 2**70}),
        ("assign_agent", {"agent_id": -5}), ("move_deal", {"stage_id": 2**63}),
        ("send_email", {"email_template_id": 2**64}),
        ("webhook_call", {"url": "javascript:alert(1)"}), ("webhook_call", {"url": "https://u:p@example.com/"}),
        ("create_deal", {"deal_name": "x", "value": "-1"}), ("create_deal", {"deal_name": "x", "value": "1e400"}),
        ("send_notification", {"message": "x", "notify_user_ids": ["a"]}),
        ("create_calendar_event", {"summary": "x", "start_offset_minutes": 10**12}),
    ],
    ids=range(12),
)  # fmt: skip
async def test_impossible_numbers_and_addresses_are_refused(api, subtype, config):
    flow = await draw(api, canvas(trigger(), step(subtype, **config)))

    answer = await api.post(f"/workflows/{flow['id']}/activate")

    assert answer.status_code == 422, answer.text
    assert any(field.startswith(f"nodes.{subtype}") for field in answer.json()["errors"])


@pytest.mark.parametrize("config", [{"campaign_id": 2**64}, {"campaign_id": "x"}, {"campaign_id": -1}])
async def test_impossible_triggers_are_refused(api, config):
    flow = await draw(api, canvas(trigger("campaign_opened", **config)))

    answer = await api.post(f"/workflows/{flow['id']}/activate")

    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("id", ["0", "-1", "x", "9" * 30, "999999999"])
@pytest.mark.parametrize("path", ["", "/executions"])
async def test_what_is_not_there_is_not_found(api, id, path):
    answer = await api.get(f"/workflows/{id}{path}")

    assert (answer.status_code, answer.json()) == (404, {"message": "Workflow not found."})


async def test_a_workflow_of_another_tenant_is_not_found(api, new_key, other_account):
    flow = await draw(api)
    api.headers["authorization"] = f"Bearer {await new_key(account=other_account, rate='off')}"

    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/activate"), ("GET", "/executions")):
        answer = await api.request(method, f"/workflows/{flow['id']}{path}", json={} if method == "PUT" else None)
        assert answer.status_code == 404

"""Reports over HTTP: periods, units, and who may see them."""

import pytest

pytestmark = pytest.mark.anyio

REPORTS = ("overview", "team", "ai")


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    ("query", "days"),
    [("", 30), ("period=7d", 7), ("period=90d", 90), ("days=1", 1), ("days=90", 90), ("period=7d&days=60", 7)],
)
async def test_a_period_is_asked_for_in_two_ways(api, report, query, days):
    body = (await api.get(f"/analytics/{report}?{query}")).json()

    assert {**body.get("meta", {}), **(body["data"] if report != "team" else {})}["period_days"] == days


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("period=8d", "period"),
        ("period=", "period"),
        ("period=30", "period"),
        ("period=30D", "period"),
        ("period=36500d", "period"),
        ("period=7d&period=30d", "period"),
        ("period[]=7d", "period"),
        ("days=0", "days"),
        ("days=-7", "days"),
        ("days=91", "days"),
        ("days=36500", "days"),
        ("days=99999999999999999999", "days"),
        ("days=7.5", "days"),
        ("days=7d", "days"),
        ("days=", "days"),
        ("period=7d&days=x", "days"),
    ],
)
async def test_a_period_that_is_none_is_refused(api, report, query, field):
    answer = await api.get(f"/analytics/{report}?{query}")

    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


@pytest.mark.parametrize("report", REPORTS)
async def test_reports_have_a_scope_of_their_own(api, new_key, report):
    api.headers["authorization"] = f"Bearer {await new_key(scopes=['conversations', 'contacts'])}"

    answer = await api.get(f"/analytics/{report}")

    assert (answer.status_code, answer.json()["code"]) == (403, "MISSING_SCOPE")


@pytest.mark.parametrize(
    ("role", "statuses"), [("viewer", [200, 403, 200]), ("editor", [200, 403, 200]), ("admin", [200, 200, 200])]
)
async def test_the_team_is_for_admins_to_see(api, new_key, role, statuses):
    api.headers["authorization"] = f"Bearer {await new_key(role=role, rate='off')}"

    answers = [await api.get(f"/analytics/{report}") for report in REPORTS]

    assert [answer.status_code for answer in answers] == statuses


async def test_times_are_told_in_hours_and_minutes(api, connection, account, conversation):
    """Two conversations, closed after 3 and 6 hours, one answered after 12 minutes."""
    add = "insert into daily (account_id, name, day, value) values ($1, $2, current_date, $3)"
    for name, value in {
        "conversations.closed": 2,
        "conversations.closed_seconds": 9 * 3600,
        "conversations.answered": 1,
        "conversations.answered_seconds": 720,
    }.items():
        await connection.execute(add, account, name, value)

    told = (await api.get("/analytics/overview")).json()["data"]["conversations"]

    assert (told["closed_in_period"], told["avg_resolution_hours"], told["avg_response_time_minutes"]) == (2, 4.5, 12.0)


async def test_what_was_done_through_the_api_is_counted(api, conversation):
    path = f"/conversations/{conversation['id']}"
    await api.post(f"{path}/reply", json={"body": "Here it is."})
    await api.put(path, json={"status": "closed"})

    told = (await api.get("/analytics/overview?period=7d")).json()["data"]
    [member] = (await api.get("/analytics/team?period=7d")).json()["data"]

    assert told["conversations"]["closed"] == told["conversations"]["closed_in_period"] == 1
    assert told["channel_breakdown"] == {"email": 1}
    assert member["conversations_handled"] == 1

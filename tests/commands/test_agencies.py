"""`account create --parent`, `credits statement`, `credits allowance`, `credits below`: agencies by command line."""

import csv
import io
from typing import Any

import pytest


@pytest.fixture
def agency(trunkline: Any) -> str:
    return trunkline("account", "create", "Agency", "--kind", "agency", "--json").json["uuid"]


@pytest.fixture
def client(trunkline: Any, agency: str) -> str:
    """A sub-account that started with 42 credits."""
    trunkline("account", "set", "--account", agency, "starting_credits=42")
    options = ("--parent", agency, "--email", "client@example.com", "--json")
    return trunkline("account", "create", "Client", *options).json["uuid"]


def test_a_sub_account_starts_with_what_its_agency_set(trunkline: Any, client: str) -> None:
    assert trunkline("credits", "show", "--account", client, "--json").json == {
        "balance": 42,
        "reserved": 0,
        "metered": True,
        "used_today": 0,
        "owed": 0,
    }


def test_a_statement_is_a_document_or_csv(trunkline: Any, client: str) -> None:
    trunkline("credits", "grant", 500, "--account", client, "--description", "Top-up")

    document = trunkline("credits", "statement", "--account", client, "--json").json
    rows = list(csv.DictReader(io.StringIO(trunkline("credits", "statement", "--account", client).out)))

    assert (document["closing"]["available"], document["received"]) == (542, 542)
    assert [entry["amount"] for entry in document["entries"]] == [42, 500]
    assert [row["description"] for row in rows] == ["", "", "Top-up", ""]
    assert rows[-1]["available"] == "542"


def test_a_statement_of_another_month_is_asked_for_by_name(trunkline: Any, client: str) -> None:
    document = trunkline("credits", "statement", "--account", client, "--month", "2020-02", "--json").json

    assert (document["month"], document["entries"]) == ("2020-02", [])


def test_a_wrong_month_is_refused(trunkline: Any, client: str) -> None:
    refusal = trunkline("credits", "statement", "--account", client, "--month", "may", "--json").refusal

    assert "2026-03" in refusal["message"]


def test_an_allowance_is_set_and_shown(trunkline: Any, agency: str, client: str) -> None:
    options = ("--account", agency, "--roll-over", "yes", "--json")
    made = trunkline("credits", "allowance", "client@example.com", 100, *options).json

    [shown] = trunkline("credits", "below", "--account", agency, "--json").json
    text = trunkline("credits", "below", "--account", agency).out

    assert shown == made
    assert (shown["uuid"], shown["balance"], shown["monthly_credits"], shown["roll_over"]) == (client, 142, 100, True)
    assert "client@example.com" in text


def test_only_an_agency_has_sub_accounts(trunkline: Any, acme: str) -> None:
    assert trunkline("credits", "below", "--account", acme, "--json").refusal["code"] == "not_an_agency"


def test_auto_recharge_is_set_like_all_settings(trunkline: Any, client: str, agency: str) -> None:
    trunkline("account", "set", "--account", agency, "auto_recharge_url=https://example.com/recharge")

    values = ("auto_recharge_threshold=50", "auto_recharge_amount=500")
    shown = trunkline("account", "set", "--account", client, *values, "--json").json

    assert (shown["auto_recharge_threshold"], shown["auto_recharge_amount"]) == (50, 500)

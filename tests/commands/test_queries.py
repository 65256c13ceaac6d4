"""`group create --query` and `contact count`."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def people(trunkline: Any, acme: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email,name\nann@example.com,Ann Lee\nbob@example.com,Bob Lee\nann2@example.com,Ann Bee\n")
    assert trunkline("contact", "import", file, "--account", acme).code == 0


def test_contacts_are_counted_by_a_query(trunkline: Any, acme: str, people: None) -> None:
    counted = trunkline("contact", "count", "name ~ ann AND mailto ~ example", "--account", acme, "--json").json

    assert counted["count"] == 2
    assert counted["ms"] >= 0


def test_a_query_that_cannot_be_read_is_refused(trunkline: Any, acme: str) -> None:
    refusal = trunkline("contact", "count", "beard = long", "--account", acme, "--json").refusal

    assert refusal["code"] == "unknown_property"
    assert "beard" in refusal["message"]


def test_a_group_with_a_query_is_filled_later(trunkline: Any, acme: str, people: None) -> None:
    made = trunkline("group", "create", "Anns", "--query", "name has ann", "--account", acme, "--json").json

    assert (made["query"], made["status"], made["size"]) == ('name ~ "ann"', "initializing", 0)


def test_a_group_is_not_defined_by_a_status(trunkline: Any, acme: str) -> None:
    refusal = trunkline("group", "create", "Lost", "--query", "status = blocked", "--account", acme, "--json").refusal

    assert refusal["code"] == "not_for_groups"

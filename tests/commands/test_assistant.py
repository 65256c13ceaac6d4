"""`assistant create`, `list`, `set`, `delete`."""

import re
from typing import Any
from uuid import UUID

import pytest


@pytest.fixture
def robo(trunkline: Any, acme: str) -> dict[str, Any]:
    return trunkline("assistant", "create", "Robo", "--account", acme, "--default", "--json").json


def test_an_assistant_answers_with_both_its_ids(trunkline: Any, acme: str, robo: dict[str, Any]) -> None:
    assert re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{20}", robo["id"])
    assert UUID(robo["uuid"])
    assert trunkline("assistant", "list", "--account", acme, "--json").json == [robo]


def test_all_settings_are_taken(trunkline: Any, acme: str) -> None:
    made = trunkline(
        *("assistant", "create", "Ana", "--account", acme, "--instructions", "Be kind.", "--keywords", "Preț, offer"),
        *("--knowledge", "Shop,Returns", "--tone", "friendly", "--wait", "2", "--most", "9"),
        *("--handover-text", "Wait, please.", "--json"),
    ).json

    del made["id"], made["uuid"]
    assert made == {
        "name": "Ana",
        "instructions": "Be kind.",
        "tone": "friendly",
        "keywords": ["pret", "offer"],
        "knowledge": ["Shop", "Returns"],
        "default": False,
        "active": True,
        "handover_text": "Wait, please.",
        "wait": 2,
        "most": 9,
    }


@pytest.mark.parametrize("by", ["id", "uuid"])
def test_an_assistant_is_changed_by_either_id(trunkline: Any, acme: str, robo: dict[str, Any], by: str) -> None:
    changed = trunkline(
        *(
            "assistant",
            "set",
            robo[by],
            "--account",
            acme,
            "--active",
            "no",
            "--default",
            "no",
            "--name",
            "Rob",
            "--json",
        )
    ).json

    assert (changed["name"], changed["active"], changed["default"], changed["wait"]) == ("Rob", False, False, 4)


def test_a_removed_assistant_is_gone(trunkline: Any, acme: str, robo: dict[str, Any]) -> None:
    gone = trunkline("assistant", "delete", robo["id"], "--account", acme, "--json").json

    assert gone["deleted"] is True
    assert trunkline("assistant", "list", "--account", acme, "--json").json == []


@pytest.mark.parametrize("id", ["abc123xyz", "01890000-0000-7000-8000-000000000000"])
def test_an_unknown_assistant_is_refused_with_the_way_to_find_it(trunkline: Any, acme: str, id: str) -> None:
    refusal = trunkline("assistant", "delete", id, "--account", acme, "--json").refusal

    assert refusal["code"] == "not_found"
    assert "assistant list" in refusal["message"]


def test_another_accounts_assistant_is_unknown(trunkline: Any, robo: dict[str, Any]) -> None:
    other = trunkline("account", "create", "Other", "--json").json["uuid"]

    assert trunkline("assistant", "delete", robo["id"], "--account", other, "--json").refusal["code"] == "not_found"

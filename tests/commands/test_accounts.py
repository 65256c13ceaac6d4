"""`account`, `user`, `key`, `credits`: the tenants, who works in them, and what they pay with."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest

NOBODY = "01890000-0000-7000-8000-000000000000"


def test_an_account_is_made_with_its_public_id(trunkline: Any) -> None:
    made = trunkline("account", "create", "Initech", "--timezone", "Europe/Bucharest", "--json").json

    assert made["name"] == "Initech"
    assert isinstance(made["id"], int)
    assert UUID(made["uuid"])


def test_an_agency_and_its_sub_account(trunkline: Any) -> None:
    agency = trunkline("account", "create", "Agency", "--kind", "agency", "--json").json["uuid"]

    sub = trunkline("account", "create", "Sub", "--parent", agency, "--email", "sub@example.com", "--json").json

    assert sub["kind"] == "workspace"
    assert trunkline("credits", "show", "--account", sub["uuid"], "--json").json["metered"] is True


def test_a_forgotten_password_gets_a_link(trunkline: Any, acme: str) -> None:
    trunkline("user", "create", "lost@example.com", "--account", acme, "--role", "agent")

    made = trunkline("user", "password", "lost@example.com", "--json").json

    assert re.search(r"^https?://.+/reset/form\?token=trr_\w+$", made["url"])


def test_a_stranger_gets_no_link(trunkline: Any, acme: str) -> None:
    refusal = trunkline("user", "password", "nobody@example.com", "--json").refusal

    assert refusal["code"] == "not_found"


def test_a_wrong_timezone_is_refused(trunkline: Any) -> None:
    refusal = trunkline("account", "create", "X", "--timezone", "Mars/Olympus", "--json").refusal

    assert refusal["code"] == "validation_failed"
    assert "timezone" in refusal["message"]


def test_settings_are_set_and_shown(trunkline: Any, acme: str) -> None:
    trunkline("account", "set", "--account", acme, "anon=yes", "languages=eng,fra", "rate.v2=10/second")

    shown = trunkline("account", "show", "--account", acme, "--json").json

    assert (shown["anon"], shown["languages"], shown["rate.v2"]) == (True, ["eng", "fra"], "10/second")
    assert shown["webhook_secret"].startswith("whsec_")


def test_an_unknown_setting_is_refused_with_the_known_ones(trunkline: Any, acme: str) -> None:
    refusal = trunkline("account", "set", "--account", acme, "colour=red", "--json").refusal

    assert "starting_credits" in refusal["message"]


def test_an_unknown_account_is_refused_with_the_way_to_find_it(trunkline: Any) -> None:
    refusal = trunkline("account", "show", "--account", NOBODY, "--json").refusal

    assert refusal["code"] == "not_found"
    assert "trunkline account list" in refusal["message"]


def test_accounts_are_listed(trunkline: Any, acme: str) -> None:
    listed = trunkline("account", "list", "--json").json

    assert acme in [account["uuid"] for account in listed]


def test_a_password_is_made_and_shown_once(trunkline: Any, acme: str, unique: str) -> None:
    email = f"bogdan-{unique}@example.com"

    made = trunkline("user", "create", email, "--account", acme, "--role", "agent", "--json").json

    assert len(made["password"]) >= 15
    assert made["email"] == email
    assert "password" not in trunkline("user", "list", "--account", acme, "--json").json[0]


def test_a_short_password_is_refused(trunkline: Any, acme: str, unique: str) -> None:
    outcome = trunkline(
        "user", "create", f"c-{unique}@example.com", "--account", acme, "--role", "agent", "--password", "short"
    )

    assert outcome.code == 1
    assert "15" in outcome.err


def test_a_member_can_be_changed(trunkline: Any, acme: str, ana: str, unique: str) -> None:
    trunkline("user", "create", f"second-{unique}@example.com", "--account", acme, "--role", "owner")

    changed = trunkline("user", "set", ana, "--account", acme, "--role", "viewer", "--active", "no", "--json").json

    assert (changed["role"], changed["active"]) == ("viewer", False)


def test_a_stranger_is_no_member(trunkline: Any, acme: str) -> None:
    refusal = trunkline("user", "set", "dana@example.com", "--account", acme, "--role", "agent", "--json").refusal

    assert "trunkline user list" in refusal["message"]


@pytest.mark.parametrize("dialect", ["platform", "developer", "rapidpro", "connector", "portal"])
def test_a_key_is_of_its_dialect(trunkline: Any, acme: str, ana: str, dialect: str) -> None:
    made = trunkline("key", "create", "--account", acme, "--user", ana, "--dialect", dialect, "--json").json

    assert re.fullmatch(rf"trk_{dialect}_[0-9A-Za-z]{{38}}", made["key"])
    assert (made["dialect"], made["scopes"]) == (dialect, ["*"])


def test_a_key_may_be_a_token_that_programs_have(trunkline: Any, acme: str, ana: str) -> None:
    token = f"{uuid4().hex}01234567"

    made = trunkline(
        *("key", "create", "--account", acme, "--user", ana, "--dialect", "rapidpro", "--token", token, "--json")
    ).json

    assert made["key"] == token


def test_a_key_has_the_scopes_that_were_named(trunkline: Any, acme: str, ana: str) -> None:
    made = trunkline(
        *("key", "create", "--account", acme, "--user", ana, "--dialect", "portal"),
        *("--scopes", "read,send", "--rate-limit", "5/second", "--json"),
    ).json

    assert (made["scopes"], made["rate_limit"]) == (["read", "send"], "5/second")


def test_a_developer_key_may_be_kept_from_addresses_of_visitors(trunkline: Any, acme: str, ana: str) -> None:
    make = ("key", "create", "--account", acme, "--user", ana, "--dialect", "developer", "--json")

    made = [
        trunkline(*make, *more).json["scopes"] for more in ((), ("--scopes", "read"), ("--scopes", "read,visitor-ip"))
    ]

    assert made == [["*"], ["read"], ["read", "visitor-ip"]]


def test_a_revoked_key_is_not_listed_any_more(trunkline: Any, acme: str, ana: str) -> None:
    key = trunkline("key", "create", "--account", acme, "--user", ana, "--dialect", "portal", "--json").json["key"]

    revoked = trunkline("key", "revoke", key, "--json").json

    assert revoked["revoked"].endswith(key[-4:])
    assert trunkline("key", "list", "--account", acme, "--json").json == []


def test_an_unknown_key_is_refused_and_not_repeated(trunkline: Any) -> None:
    outcome = trunkline("key", "revoke", "trk_portal_" + "x" * 38)

    assert outcome.code == 1
    assert "xxxx" not in outcome.err


def test_credits_are_granted_and_shown(trunkline: Any, acme: str) -> None:
    granted = trunkline("credits", "grant", "--account", acme, 500, "--json").json

    assert (granted["balance"], granted["metered_now"]) == (500, True)
    assert trunkline("credits", "show", "--account", acme, "--json").json["balance"] == 500


def test_the_first_grant_says_that_sending_costs_from_now_on(trunkline: Any, acme: str) -> None:
    said = trunkline("credits", "grant", "--account", acme, 500).out

    assert "metered" in said


def test_nothing_cannot_be_granted(trunkline: Any, acme: str) -> None:
    assert trunkline("credits", "grant", "--account", acme, 0).code == 1


def test_message_stats_name_every_state(trunkline: Any, acme: str) -> None:
    counted = trunkline("message", "stats", "--account", acme, "--json").json

    assert {"queued", "sending", "errored", "unknown", "sent", "received"} <= set(counted)


@pytest.mark.parametrize("change", [("--role", "agent"), ("--active", "no")])
def test_the_last_owner_stays(trunkline: Any, acme: str, ana: str, change: tuple[str, str]) -> None:
    refusal = trunkline("user", "set", ana, "--account", acme, *change, "--json").refusal

    assert refusal["code"] == "last_owner"
    assert "somebody else" in refusal["message"]

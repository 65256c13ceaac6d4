"""`channel`, `template`, `group`, `company`, `contact import`, `broadcast`, `dead`, `release`."""

from pathlib import Path
from typing import Any


def test_a_channel_answers_with_address_and_secret(trunkline: Any, acme: str) -> None:
    made = trunkline(
        *("channel", "create", "simulator", "--account", acme, "--name", "Phone", "--address", "+15550100"),
        *("--set", "as=whatsapp", "--set", "latency_ms=5", "--json"),
    ).json

    assert made["kind"] == "simulator"
    assert made["sends_as"] == "whatsapp"
    assert made["callback_url"].endswith(f"/c/simulator/{made['uuid']}/")
    assert len(made["secret"]) >= 32


def test_a_channel_says_the_number_by_which_apis_know_it(trunkline: Any, acme: str) -> None:
    create = ("channel", "create", "simulator", "--account", acme, "--address", "+15550100")

    said = trunkline(*create, "--name", "Phone").out
    other = trunkline(*create, "--name", "Other", "--json").json

    assert f"\nNumber: {other['id'] - 1}\n" in said


def test_the_public_url_stands_before_callbacks(trunkline: Any, acme: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("TRUNKLINE_PUBLIC_URL", "https://chat.example.com/")

    made = trunkline("channel", "create", "simulator", "--account", acme, "--name", "P", "--address", "1", "--json")

    assert made.json["callback_url"].startswith("https://chat.example.com/c/simulator/")


def test_a_channel_belongs_to_somebody(trunkline: Any, acme: str) -> None:
    neither = trunkline("channel", "create", "simulator", "--name", "P")
    both = trunkline("channel", "create", "simulator", "--name", "P", "--pool", "--account", acme)

    assert (neither.code, both.code) == (2, 2)


def test_an_unknown_channel_setting_is_refused_with_the_known_ones(trunkline: Any, acme: str) -> None:
    refusal = trunkline(
        "channel", "create", "simulator", "--account", acme, "--name", "P", "--set", "color=red", "--json"
    ).refusal

    assert "latency_ms" in refusal["message"]


def test_a_channel_is_disconnected_once(trunkline: Any, acme: str) -> None:
    made = trunkline("channel", "create", "simulator", "--account", acme, "--name", "P", "--json").json

    first = trunkline("channel", "delete", made["uuid"], "--account", acme, "--json")
    again = trunkline("channel", "delete", made["uuid"], "--account", acme, "--json")

    assert first.json["deleted"] is True
    assert again.refusal["code"] == "not_found"


def test_the_operators_channels_are_listed_and_disconnected(trunkline: Any, acme: str, unique: str) -> None:
    made = trunkline("channel", "create", "simulator", "--pool", "--name", unique, "--json").json

    listed = trunkline("channel", "list", "--pool", "--json").json
    of_acme = trunkline("channel", "delete", made["uuid"], "--account", acme, "--json")
    deleted = trunkline("channel", "delete", made["uuid"], "--pool", "--json")

    assert made["uuid"] in [one["uuid"] for one in listed]
    assert of_acme.refusal["code"] == "not_found"
    assert deleted.json["deleted"] is True


def test_another_accounts_channel_does_not_exist(trunkline: Any, acme: str) -> None:
    made = trunkline("channel", "create", "simulator", "--account", acme, "--name", "P", "--json").json
    other = trunkline("account", "create", "Other", "--json").json["uuid"]

    refused = trunkline("channel", "delete", made["uuid"], "--account", other, "--json")

    assert refused.refusal["code"] == "not_found"


def test_a_template_knows_its_variables(trunkline: Any, acme: str) -> None:
    made = trunkline(
        "template", "create", "hi", "--account", acme, "--channel", "sms", "--body", "Hi {{name}}", "--json"
    ).json

    assert made["variables"] == ["name"]


def test_a_template_is_not_made_twice(trunkline: Any, acme: str) -> None:
    words = ("template", "create", "hi", "--account", acme, "--channel", "sms", "--body", "Hi")
    trunkline(*words)

    assert trunkline(*words, "--json").refusal["code"] == "template_exists"


def test_groups_and_companies_are_made(trunkline: Any, acme: str) -> None:
    group = trunkline("group", "create", "VIP", "--account", acme, "--json").json
    company = trunkline("company", "create", "Globex", "--account", acme, "--json").json

    assert (group["name"], company["name"]) == ("VIP", "Globex")
    assert trunkline("group", "create", "vip", "--account", acme, "--json").refusal["code"] == "group_exists"


def test_contacts_are_imported_into_a_group(trunkline: Any, acme: str, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email,phone\nAna,ana@example.com,+15550100101\nBogdan,bogdan@example.com,\nNobody,,\n")
    trunkline("group", "create", "VIP", "--account", acme)

    report = trunkline("contact", "import", file, "--account", acme, "--group", "VIP", "--json").json

    assert (report["created"], report["imported"], report["skipped"]) == (2, 2, 1)
    assert trunkline("contact", "import", file, "--account", acme, "--json").json["updated"] == 2


def test_a_file_that_is_not_there_is_refused(trunkline: Any, acme: str, tmp_path: Path) -> None:
    outcome = trunkline("contact", "import", tmp_path / "none.csv", "--account", acme)

    assert outcome.code == 1
    assert "No such file" in outcome.err


def test_an_unknown_broadcast_is_refused(trunkline: Any, acme: str) -> None:
    refusals = [trunkline("broadcast", "pause", id, "--json").refusal for id in ("99999999", "nonsense")]

    assert [refusal["code"] for refusal in refusals] == ["not_found", "not_found"]


def test_dead_letters_are_listed_and_unknown_ones_refused(trunkline: Any) -> None:
    assert isinstance(trunkline("dead", "list", "--json").json, list)
    assert trunkline("dead", "replay", 99999999, "--json").refusal["code"] == "not_found"
    assert trunkline("dead", "discard", 99999999, "--json").refusal["code"] == "not_found"


def test_nothing_is_held(trunkline: Any) -> None:
    assert trunkline("release", "--json").json == {"held": False, "was_held": False}


def test_the_database_is_up_to_date(trunkline: Any) -> None:
    assert trunkline("migrate", "--json").json["applied"] == []


def test_the_doctor_looks_at_everything(trunkline: Any, acme: str) -> None:
    trunkline("channel", "create", "simulator", "--account", acme, "--name", "P")

    found = trunkline("doctor", "--json")

    checks = {check["check"]: check["state"] for check in found.json["checks"]}
    assert {"disk", "public url", "egress", "database", "extension", "clock", "workers"} <= set(checks)


def test_the_doctor_fails_on_a_setting_that_cannot_work(trunkline: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("TRUNKLINE_PUBLIC_URL", "ftp://example.com/path")

    outcome = trunkline("doctor", "--json")

    assert outcome.code == 1
    assert '"fail"' in outcome.out


def test_the_doctor_knows_a_foreign_secret(trunkline: Any, acme: str, monkeypatch: Any) -> None:
    trunkline("channel", "create", "simulator", "--account", acme, "--name", "P")
    monkeypatch.setenv("TRUNKLINE_SECRET", "another secret of more than sixteen bytes")

    outcome = trunkline("doctor")

    assert outcome.code == 1
    assert "fail secret" in outcome.out


def test_the_doctor_says_that_no_model_is_configured(trunkline: Any, acme: str) -> None:
    checks = {check["check"]: check for check in trunkline("doctor", "--json").json["checks"]}

    assert checks["ai"]["state"] == "ok"
    assert "No model" in checks["ai"]["message"]


def test_the_doctor_misses_a_model_that_does_not_answer(trunkline: Any, acme: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("TRUNKLINE_AI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("TRUNKLINE_AI_MODEL", "small")

    outcome = trunkline("doctor")

    assert outcome.code == 1
    assert "cannot be reached" in outcome.out

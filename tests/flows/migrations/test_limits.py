"""Flow spec 13.2.0, 13.6.0, 13.6.1, 14.0.0 and 14.2.0: languages, names and expiries that fit."""

from decimal import Decimal

import pytest

from trunkline.flows.migrations import migrate

LONG = "a" * 70


@pytest.mark.parametrize("language", ["base", "", None, "en", "e1g", "én", 5, ["eng"]])
def test_13_2_no_code_of_a_language_is_und(flow, language):
    assert migrate(flow("13.1.0", language=language), "13.2.0")["language"] == "und"


def test_13_2_a_missing_language_is_und(flow):
    assert migrate(flow("13.1.0"), "13.2.0")["language"] == "und"


@pytest.mark.parametrize("language", ["eng", "und", "ENG"])
def test_13_2_codes_stay(flow, language):
    assert migrate(flow("13.1.0", language=language), "13.2.0")["language"] == language


@pytest.mark.parametrize("language", ["base", "eng"])
def test_13_2_there_are_no_translations_to_und(flow, language):
    localization = {"und": {"a1": {"text": ["x"]}}, "spa": {"a1": {"text": ["y"]}}, "base": {}}

    migrated = migrate(flow("13.1.0", language=language, localization=localization), "13.2.0")

    assert migrated["localization"] == {"spa": {"a1": {"text": ["y"]}}, "base": {}}


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("Short", "Short"),
        (" Short ", " Short "),
        ("a" * 64, "a" * 64),
        ("a" * 65, "a" * 64),
        ("a" * 63 + " bcd", "a" * 63),
        ("  " + "a" * 70, "a" * 64),
        # 80 bytes are too long, 40 characters are not
        ("é" * 40, "é" * 40),
        ("é" * 40 + " ", "é" * 40),
        ("é" * 66, "é" * 64),
        (None, None),
        (5, 5),
    ],
)
def test_13_6_names_of_results(flow, acting, splitting, name, cut):
    saved = acting({"type": "set_run_result", "name": name}, {"type": "call_webhook", "result_name": name})
    split = splitting(None, "@input.text", result_name=name)

    migrated = migrate(flow("13.5.0", saved, split), "13.6.0")

    cut_actions = acting({"type": "set_run_result", "name": cut}, {"type": "call_webhook", "result_name": cut})
    assert migrated["nodes"] == [cut_actions, splitting(None, "@input.text", result_name=cut)]


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("x" * 36, "x" * 36),
        ("x" * 37, "x" * 36),
        ("x" * 35 + " yz", "x" * 35),
        ("ü" * 30, "ü" * 30),
        ("ü" * 40, "ü" * 36),
        ("", ""),
    ],
)
def test_13_6_names_of_categories(flow, splitting, name, cut):
    action = {"type": "set_run_result", "uuid": "a1", "name": "Age", "category": name}
    categories = [{"uuid": "k1", "name": name}]

    migrated = migrate(flow("13.5.0", splitting(action, "", categories=categories)), "13.6.0")["nodes"][0]

    assert migrated["actions"][0] == {**action, "category": cut}
    assert migrated["router"]["categories"] == [{"uuid": "k1", "name": cut}]


def test_13_6_names_of_other_things_stay(flow, acting):
    node = acting({"type": "set_contact_name", "name": LONG}, {"type": "vendor", "name": LONG, "category": LONG})

    assert migrate(flow("13.5.0", node), "13.6.0")["nodes"] == [node]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"@results.{LONG}", f"@results.{'a' * 64}"),
        (f"@results.{LONG}.category", f"@results.{'a' * 64}.category"),
        (f"@(upper( results.{LONG} ))", f"@(upper( results.{'a' * 64} ))"),
        (f'@(results["{LONG}"].value)', f'@(results["{"a" * 64}"].value)'),
        (f"@(RESULTS . {LONG}[0])", f"@(RESULTS . {'a' * 64}[0])"),
        (f"@results.{'é' * 65}", f"@results.{'é' * 64}"),
        (f"@child.results.{LONG}", f"@child.results.{'a' * 64}"),
        (f"@(parent.results.{LONG}.category)", f"@(parent.results.{'a' * 64}.category)"),
        (f"@results.{'a' * 64}", f"@results.{'a' * 64}"),
        (f"@results.age.{LONG}", f"@results.age.{LONG}"),
        (f"@fields.{LONG}", f"@fields.{LONG}"),
        (f"@webhook.results.{LONG}", f"@webhook.results.{LONG}"),
        (f"@(x.child.results.{LONG})", f"@(x.child.results.{LONG})"),
        (f"@(results[{LONG}])", f"@(results[{LONG}])"),
        (f"@@results.{LONG}", f"@@results.{LONG}"),
        (f"@(results & {LONG})", f"@(results & {LONG})"),
        ("@results", "@results"),
        ("@(results.)", "@(results.)"),
    ],
)
def test_13_6_1_lookups_of_results_whose_names_were_cut(flow, splitting, before, after):
    action = {"type": "send_msg", "uuid": "a1", "text": before, "template_variables": [before]}
    localization = {"spa": {"a1": {"text": [before], "template_variables": [before]}}}

    migrated = migrate(flow("13.6.0", splitting(action, before), localization=localization), "13.6.1")

    done = {"type": "send_msg", "uuid": "a1", "text": after, "template_variables": [after]}
    assert migrated["nodes"] == [splitting(done, after)]
    assert migrated["localization"] == {"spa": {"a1": {"text": [after], "template_variables": [after]}}}


@pytest.mark.parametrize(
    ("kind", "minutes", "capped"),
    [
        ("messaging", 20161, 20160),
        ("messaging", 20160, 20160),
        ("messaging", 0, 0),
        ("messaging", Decimal("30000.5"), 20160),
        ("voice", 16, 15),
        ("voice", 5, 5),
        ("messaging_background", 1, 0),
        ("messaging_offline", 4320, 0),
        ("messaging", None, None),
        ("messaging", "99999", "99999"),
        ("messaging", True, True),
    ],
)
def test_14_0_expiry(flow, kind, minutes, capped):
    migrated = migrate(flow("13.6.1", type=kind, expire_after_minutes=minutes), "14.0.0")

    assert migrated["expire_after_minutes"] == capped


def test_14_0_an_expiry_that_is_not_there_stays_away(flow):
    assert "expire_after_minutes" not in migrate(flow("13.6.1", type="messaging"), "14.0.0")


@pytest.mark.parametrize(("name", "named"), [("", "Match"), (None, "Match"), ("Other", "Other"), (" ", " ")])
def test_14_0_categories_without_a_name(flow, splitting, name, named):
    node = splitting(None, "", categories=[{"uuid": "k1", "name": name}])

    migrated = migrate(flow("13.6.1", node), "14.0.0")

    assert migrated["nodes"][0]["router"]["categories"] == [{"uuid": "k1", "name": named}]


def test_14_2_languages_that_are_no_codes_go(flow):
    localization = {"spa": {"a": 1}, "base": {}, "": {}, "es": {}, "und": {}, "e1s": {}}

    migrated = migrate(flow("14.1.0", localization=localization), "14.2.0")

    assert migrated["localization"] == {"spa": {"a": 1}, "und": {}}

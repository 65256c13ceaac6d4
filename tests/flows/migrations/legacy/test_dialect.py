"""Old expressions in the new dialect: names, functions, operators, and templates around them."""

import re

import pytest

from trunkline.expressions import functions
from trunkline.expressions.parser import parse
from trunkline.flows.migrations.legacy.dialect import Unreadable, as_expression, as_template

NAMES = [
    # the contact
    ("contact", "contact"),
    ("contact.uuid", "contact.uuid"),
    ("contact.id", "contact.id"),
    ("contact.name", "contact.name"),
    ("contact.first_name", "contact.first_name"),
    ("contact.language", "contact.language"),
    ("contact.created_on", "contact.created_on"),
    ("contact.groups", 'join(foreach(contact.groups, extract, "name"), ",")'),
    ("contact.tel", "format_urn(urns.tel)"),
    ("contact.tel_e164", 'default(urn_parts(urns.tel).path, "")'),
    ("contact.tel.display", "format_urn(urns.tel)"),
    ("contact.tel.path", "urn_parts(urns.tel).path"),
    ("contact.tel.scheme", "urn_parts(urns.tel).scheme"),
    ("contact.tel.urn", "urns.tel"),
    ("contact.mailto", 'default(urn_parts(urns.mailto).path, "")'),
    ("contact.twitter", 'default(urn_parts(urns.twitter).path, "")'),
    ("contact.facebook.display", "format_urn(urns.facebook)"),
    ("contact.telegram.path", "urn_parts(urns.telegram).path"),
    ("contact.viber.urn", "urns.viber"),
    ("contact.gender", "fields.gender"),
    ("contact.1st_child", 'fields["1st_child"]'),
    ("CONTACT.Name", "contact.name"),
    # results
    ("flow", "results"),
    ("flow.age", "results.age"),
    ("flow.age.value", "results.age.value"),
    ("flow.age.category", "results.age.category_localized"),
    ("flow.age.text", "results.age.input"),
    ("flow.age.time", "results.age.created_on"),
    ("flow.age.label", "results.age.name"),
    ("flow.2nd_try.category", 'results["2nd_try"].category_localized'),
    ("flow.contact", "contact"),
    ("flow.contact.tel", "format_urn(urns.tel)"),
    ("flow.contact.gender", "fields.gender"),
    # other runs
    ("parent", "parent"),
    ("parent.age", "parent.results.age"),
    ("parent.age.category", "parent.results.age.category_localized"),
    ("parent.contact", "parent.contact"),
    ("parent.contact.name", "parent.contact.name"),
    ("parent.contact.gender", "parent.fields.gender"),
    ("parent.contact.tel", "format_urn(parent.urns.tel)"),
    ("child", "child"),
    ("child.age", "child.results.age"),
    ("child.age.text", "child.results.age.input"),
    ("child.contact.tel_e164", 'default(urn_parts(child.urns.tel).path, "")'),
    # what was said, through which channel, and what came along
    ("step", "input"),
    ("step.value", "input"),
    ("step.text", "input.text"),
    ("step.time", "input.created_on"),
    ("step.attachments", 'foreach(foreach(input.attachments, attachment_parts), extract, "url")'),
    ("step.attachments.0", "attachment_parts(input.attachments.0).url"),
    ("step.contact", "contact"),
    ("step.contact.gender", "fields.gender"),
    ("channel", "contact.channel.address"),
    ("channel.name", "contact.channel.name"),
    ("channel.tel", "contact.channel.address"),
    ("channel.tel_e164", "contact.channel.address"),
    ("extra", "legacy_extra"),
    ("extra.order", "legacy_extra.order"),
    ("extra.order.lines.0.name", "legacy_extra.order.lines.0.name"),
    ("extra.cells.0.1", 'legacy_extra.cells["0"].1'),
    # dates
    ("date", "now()"),
    ("date.now", "now()"),
    ("date.today", "format_date(today())"),
    ("date.tomorrow", 'format_date(datetime_add(now(), 1, "D"))'),
    ("date.yesterday", 'format_date(datetime_add(now(), -1, "D"))'),
    # not a name of the old context
    ("payment.sum", "payment.sum"),
]

FUNCTIONS = [
    # text
    ("CHAR(65)", "char(65)"),
    ("CLEAN(flow.x)", "clean(results.x)"),
    ("CODE(flow.x)", "code(results.x)"),
    ('CONCATENATE("a", flow.x, 1)', '"a" & results.x & 1'),
    ("FIXED(flow.x)", "format_number(results.x, 2)"),
    ("FIXED(flow.x, 1)", "format_number(results.x, 1)"),
    ("FIXED(flow.x, 1, TRUE)", "format_number(results.x, 1, false)"),
    ("FIXED(flow.x, 1, FALSE())", "format_number(results.x, 1, true)"),
    ("FIXED(flow.x, 1, flow.y)", "format_number(results.x, 1, if(results.y, false, true))"),
    ("LEFT(flow.x, 2)", "text_slice(results.x, 0, 2)"),
    ("LEN(flow.x)", "text_length(results.x)"),
    ("LOWER(flow.x)", "lower(results.x)"),
    ("PROPER(flow.x)", "title(results.x)"),
    ('REPT("*", 3)', 'repeat("*", 3)'),
    ("RIGHT(flow.x, 2)", "text_slice(results.x, -2)"),
    ("RIGHT(flow.x, 1 + 1)", "text_slice(results.x, -(1 + 1))"),
    ('SUBSTITUTE(flow.x, "a", "b")', 'replace(results.x, "a", "b")'),
    ("UNICHAR(65)", "char(65)"),
    ("UNICODE(flow.x)", "code(results.x)"),
    ("UPPER(flow.x)", "upper(results.x)"),
    ("TRIM(flow.x)", "trim(results.x)"),
    # dates
    ("DATE(2020, 1, 31)", "date_from_parts(2020, 1, 31)"),
    ('DATEDIF(flow.x, TODAY(), "d")', 'datetime_diff(results.x, today(), "D")'),
    ("DATEDIF(flow.x, flow.y, flow.unit)", "datetime_diff(results.x, results.y, upper(results.unit))"),
    ("DATEVALUE(flow.x)", "date(results.x)"),
    ("DAY(flow.x)", 'format_date(results.x, "D")'),
    ("DAYS(flow.end, flow.start)", 'datetime_diff(results.start, results.end, "D")'),
    ("EDATE(flow.x, 2)", 'datetime_add(results.x, 2, "M")'),
    ("EPOCH(flow.x)", "epoch(results.x)"),
    ("FORMAT_DATE(flow.x)", "format_datetime(results.x)"),
    ("HOUR(flow.x)", 'format_datetime(results.x, "t")'),
    ("MINUTE(flow.x)", 'format_datetime(results.x, "m")'),
    ("MONTH(flow.x)", 'format_date(results.x, "M")'),
    ("NOW()", "now()"),
    ("SECOND(flow.x)", 'format_datetime(results.x, "s")'),
    ("TIME(10, 30, 0)", "time_from_parts(10, 30, 0)"),
    ("TIMEVALUE(flow.x)", "time(results.x)"),
    ("TODAY()", "today()"),
    ("WEEKDAY(flow.x)", "weekday(results.x) + 1"),
    ("YEAR(flow.x)", 'format_date(results.x, "YYYY")'),
    # numbers
    ("ABS(flow.x)", "abs(results.x)"),
    ("AVERAGE(1, flow.x)", "mean(1, results.x)"),
    ("EXP(2)", "2.718281828459045 ^ 2"),
    ("INT(flow.x)", "round_down(results.x)"),
    ("MAX(1, flow.x)", "max(1, results.x)"),
    ("MIN(1, flow.x)", "min(1, results.x)"),
    ("MOD(flow.x, 2)", "mod(results.x, 2)"),
    ("POWER(flow.x, 2)", "results.x ^ 2"),
    ("RAND()", "rand()"),
    ("RANDBETWEEN(1, 6)", "rand_between(1, 6)"),
    ("ROUND(flow.x, 1)", "round(results.x, 1)"),
    ("ROUNDDOWN(flow.x, 1)", "if(results.x < 0, round_up(results.x, 1), round_down(results.x, 1))"),
    ("ROUNDUP(flow.x, 0)", "if(results.x < 0, round_down(results.x), round_up(results.x))"),
    ("TRUNC(1.5)", "round_down(1.5)"),
    ("SUM(1, flow.x, 3)", "1 + results.x + 3"),
    ("SUM(flow.x)", "results.x"),
    # logic
    ("AND(flow.x = 1, TRUE)", "and(results.x = 1, true)"),
    ("FALSE()", "false"),
    ('IF(flow.x = 1, "a", "b")', 'if(results.x = 1, "a", "b")'),
    ('IF(flow.x = 1, "a")', 'if(results.x = 1, "a", false)'),
    ("IF(flow.x = 1)", "if(results.x = 1, 0, false)"),
    ("OR(flow.x = 1, FALSE)", "or(results.x = 1, false)"),
    ("TRUE()", "true"),
    # what messages need
    ("FIELD(flow.x, 2)", 'field(results.x, 1, " ")'),
    ('FIELD(flow.x, flow.n, ",")', 'field(results.x, results.n - 1, ",")'),
    ("FIRST_WORD(flow.x)", "word(results.x, 0)"),
    ("FORMAT_LOCATION(flow.x)", "format_location(results.x)"),
    ("PERCENT(0.5)", "percent(0.5)"),
    ("READ_DIGITS(contact.tel_e164)", 'read_chars(default(urn_parts(urns.tel).path, ""))'),
    ('REGEX_GROUP(flow.x, "(\\d+)", 1)', 'regex_match(results.x, "(\\\\d+)", 1)'),
    ("REMOVE_FIRST_WORD(flow.x)", "remove_first_word(results.x)"),
    ("URL_ENCODE(flow.x)", "url_encode(results.x)"),
    ("WORD(flow.x, 2)", "word(results.x, 1)"),
    ("WORD(flow.x, -1)", "word(results.x, -1)"),
    ("WORD(flow.x, flow.n)", "word(results.x, results.n - 1)"),
    ("WORD(flow.x, 2, TRUE)", 'word(results.x, 1, " ")'),
    ("WORD(flow.x, 2, FALSE)", "word(results.x, 1)"),
    ("WORD_COUNT(flow.x)", "word_count(results.x)"),
    ("WORD_COUNT(flow.x, TRUE)", 'word_count(results.x, " ")'),
    ("WORD_COUNT(flow.x, flow.y)", 'word_count(results.x, if(results.y, " ", null))'),
    ("WORD_SLICE(flow.x, 2)", "word_slice(results.x, 1)"),
    ("WORD_SLICE(flow.x, 2, 0)", "word_slice(results.x, 1)"),
    ("WORD_SLICE(flow.x, 2, 4)", "word_slice(results.x, 1, 3)"),
    ("WORD_SLICE(flow.x, 2, 0, TRUE)", 'word_slice(results.x, 1, -1, " ")'),
]

OPERATORS = [
    ("1 + 2 * 3", "1 + 2 * 3"),
    ("(1 + 2) * 3", "(1 + 2) * 3"),
    ("((1))", "1"),
    ("1 - (2 - 3)", "1 - (2 - 3)"),
    ("8 / 4 / 2", "8 / 4 / 2"),
    ("8 / (4 / 2)", "8 / (4 / 2)"),
    ("-2 ^ 2", "-2 ^ 2"),
    ("-(2 ^ 2)", "-(2 ^ 2)"),
    ("--1", "--1"),
    ("2 ^ 3 ^ 2", "2 ^ 3 ^ 2"),
    ("2 ^ -1", "2 ^ -1"),
    ("flow.x<>1", "results.x != 1"),
    ('flow.x="a""b"', r'results.x = "a\"b"'),
    ('"a\\b"', r'"a\\b"'),
    ('""', '""'),
    ("flow.x >= 1", "results.x >= 1"),
    ('flow.x & "a" = "b"', 'results.x & "a" = "b"'),
    ('(flow.x & "a") = "b"', '(results.x & "a") = "b"'),
    ("tRue", "true"),
    ("SUM(1, 2) * 3", "(1 + 2) * 3"),
    ("3 - SUM(1, 2)", "3 - (1 + 2)"),
    ('LEN(CONCATENATE("a", "b"))', 'text_length("a" & "b")'),
    # sums of what may be dates
    ("TODAY() + 7", "legacy_add(today(), 7)"),
    ("TODAY() - 7", "legacy_add(today(), -7)"),
    ("7 + TODAY()", "legacy_add(today(), 7)"),
    ("date.today + 1", "legacy_add(format_date(today()), 1)"),
    ("contact.due + flow.days", "legacy_add(fields.due, results.days)"),
    ("flow.x + 1", "legacy_add(results.x, 1)"),
    ("flow.x + 1 + 2", "legacy_add(legacy_add(results.x, 1), 2)"),
    ("LEN(flow.x) + 1", "text_length(results.x) + 1"),
    ("LEN(flow.x) - 1", "text_length(results.x) - 1"),
    ("TODAY() < contact.due", "epoch(today()) < epoch(fields.due)"),
    ("flow.x < 5", "results.x < 5"),
]

BROKEN = [
    "",
    "1 +",
    "* 1",
    "(1",
    "1)",
    "a b",
    "1,2",
    "LEN(",
    "LEN(1",
    "LEN(1,)",
    "LEN(,1)",
    '"a',
    "a..b",
    "1 ! 2",
    "a.",
    "+1",
]


@pytest.mark.parametrize(("old", "new"), [*NAMES, *FUNCTIONS, *OPERATORS])
def test_expressions(old, new):
    assert as_expression(old).source == new


@pytest.mark.parametrize("new", [new for _, new in [*NAMES, *FUNCTIONS, *OPERATORS]])
def test_new_expressions_are_ones_of_today(new):
    parse(new)

    called = re.findall(r"(\w+)\(", re.sub(r'"[^"]*"', "", new))
    assert [name for name in called if functions.find(name) is None] == []


@pytest.mark.parametrize("old", BROKEN)
def test_what_is_no_expression(old):
    with pytest.raises(Unreadable):
        as_expression(old)


@pytest.mark.parametrize("old", ["(" * 101 + "1" + ")" * 101, "LEN(" * 2000, "(" * 20000])
def test_what_is_too_deep(old):
    with pytest.raises(Unreadable):
        as_expression(old)


def test_a_long_sum_is_no_trouble():
    assert as_expression("+".join("1" * 3000)).source == " + ".join("1" * 3000)


@pytest.mark.parametrize(
    "old", ["LEFT(flow.x)", "WORD(flow.x)", "DATEDIF(flow.x, 1)", "SUM()", "EDATE(flow.x)", "IF()"]
)
def test_too_few_arguments_are_left_to_fail_when_the_flow_runs(old):
    name = old.partition("(")[0].lower()

    assert as_expression(old).source == name + old[len(name) :].replace("flow", "results")


def test_a_function_nobody_knows_keeps_its_name():
    assert as_expression("STDEV(flow.x, 1)").source == "stdev(results.x, 1)"


TEMPLATES = [
    ("", ""),
    ("Hi @contact!", "Hi @contact!"),
    ("Hi @contact.first_name, you are @flow.age.", "Hi @contact.first_name, you are @results.age."),
    ("@contact.tel", "@(format_urn(urns.tel))"),
    ("@CONTACT.tel", "@(format_urn(urns.tel))"),
    ("@(contact.gender)", "@(fields.gender)"),
    ("@(UPPER(flow.x))@(LEN(flow.y))", "@(upper(results.x))@(text_length(results.y))"),
    ('@(IF(flow.x = ")", "(", "@flow.x"))', '@(if(results.x = ")", "(", "@flow.x"))'),
    ('@("say ""hi""")', r'@("say \"hi\"")'),
    ("@extra.0.name and @extra.1a", '@legacy_extra.0.name and @(legacy_extra["1a"])'),
    # what was plain text stays plain text
    ("joe@example.com", "joe@example.com"),
    ("joe@fields.com", "joe@@fields.com"),
    ("@results, @Input.text", "@@results, @@Input.text"),
    ("@@contact", "@@contact"),
    ("@twitter_handle", "@twitter_handle"),
    ("@ 5 @", "@ 5 @"),
    ("@new_contact", "@new_contact"),
    # what cannot be read stays as it is
    ("@(flow.x +) @flow.x", "@(flow.x +) @results.x"),
    ("@(flow.x", "@(flow.x"),
    ('@("a', '@("a'),
    ("@()", "@()"),
]


@pytest.mark.parametrize(("old", "new"), TEMPLATES)
def test_templates(old, new):
    assert as_template(old) == new

"""Contents: from a template or a text to what is said."""

import pytest

from trunkline.core.errors import Invalid
from trunkline.messaging import contents, templates
from trunkline.messaging.contents import Content, Unfit
from trunkline.messaging.templates import Draft

pytestmark = pytest.mark.anyio


def test_all_missing_variables_are_named_once():
    content = Content("email", "{{a}} {{b}}", "<p>{{b}} {{c}}</p>", "{{d}} {{a}}")

    with pytest.raises(Unfit) as caught:
        content.render({"c": 1})

    assert (caught.value.field, caught.value.message) == ("variables", "Missing variables: d, a, b.")


@pytest.mark.parametrize(
    ("values", "code"), [({"a": ""}, "empty_message"), ({"a": "  "}, "empty_message"), ({"a": "x" * 1601}, "too_long")]
)
def test_too_much_and_nothing_are_unfit(values, code):
    with pytest.raises(Unfit) as caught:
        Content("sms", "{{a}}").render(values)

    assert (caught.value.code, caught.value.field) == (code, "body")


def test_subjects_stay_on_one_line_and_html_is_escaped():
    said = Content("email", "Hi {{a}}", "<p>Hi {{a}}</p>", "Hi {{a}}").render({"a": "<x>\r\nBcc: y"})

    assert said.html == "<p>Hi &lt;x&gt;\r\nBcc: y</p>"
    assert (said.text, said.subject) == ("Hi <x>\r\nBcc: y", "Hi <x> Bcc: y")


async def test_a_template_brings_its_subject(tx):
    made = await templates.create(tx, Draft(key="sale", channel="email", subject="Off {{n}}", body="<p>Hi</p>"))

    content = await contents.read(tx, "email", template_key="sale")
    other = await contents.read(tx, "email", template_key="sale", subject="Mine")

    assert content == Content("email", "Hi", "<p>Hi</p>", "Off {{n}}", made.id)
    assert other.subject == "Mine"


@pytest.mark.parametrize(
    ("html", "heading"),
    [
        ("<h2 class='x'>Spring\n <b>Sale</b> &amp; more</h2><h1>No</h1>", "Spring Sale & more"),
        ("<h1></h1><p>x</p>", ""),
        ("<h1>open", ""),
        ("plain", ""),
        ("<h1>" * 100_000, ""),
    ],
    ids=range(5),
)
def test_the_first_heading_is_found(html, heading):
    assert contents.heading(html) == heading


@pytest.mark.parametrize("given", [{}, {"body": " "}, {"template_key": "a", "body": "b"}, {"body": "x" * 1601}])
async def test_one_source_is_needed(tx, given):
    with pytest.raises(Invalid) as caught:
        await contents.read(tx, "sms", **given)

    assert list(caught.value.fields) == ["body"]

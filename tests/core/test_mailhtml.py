"""HTML of mail: nothing harmful is left, nothing that it looks like is lost, and it is made ready once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import mailhtml
from trunkline.core.errors import Invalid

LAYOUT = (
    '<table width="600" cellpadding="0" cellspacing="0" align="center" bgcolor="#ffffff"><tbody><tr>'
    '<td style="padding:8px" valign="top"><font face="Arial" size="2">Hi {{first_name|there}}</font>'
    '<img src="https://x.test/a.png" width="40" alt="Logo" border="0"></td></tr></tbody></table>'
)


@pytest.mark.parametrize(
    "html",
    [
        LAYOUT,
        '<!--[if mso]><table><tr><td><![endif]--><p class="a">x</p><!--[if mso]></td></tr></table><![endif]-->',
        "<!--[if !mso]><!--><b>x</b><!--<![endif]-->",
        "<style>p{color:red} @media (max-width:600px){p{font-size:9px}}</style><p>x</p>",
        '<a href="https://x.test/?a=1&amp;b={{code|none}}">x</a><a href="{{link}}">y</a><a href="#top">z</a>',
        '<a href="mailto:a@x.test">x</a><a href="tel:+40740111222">y</a>',
        "",
    ],
)
def test_what_mail_programs_show_stays(html: str) -> None:
    assert mailhtml.clean(html) == html


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>a</p><script>x()</script>", "<p>a</p>"),
        ('<p onclick="x()">a</p>', "<p>a</p>"),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href="/here">a</a>', "<a>a</a>"),
        ('<img src="data:text/html,x" onerror="x()">', "<img>"),
        ('<form action="https://x.test"><input name="a">a</form>', "a"),
        ('<iframe src="https://x.test"></iframe>a', "a"),
        ('<p style="width:expression(x())">a</p>', "<p>a</p>"),
        ('<table background="javascript:x()"><tbody></tbody></table>', "<table><tbody></tbody></table>"),
        ("<title>t</title><meta http-equiv=refresh content='0;url=https://x.test'>a", "a"),
        ("<textarea><p>a</p></textarea>b", "b"),
    ],
)
def test_what_could_do_something_goes(html: str, left: str) -> None:
    assert mailhtml.clean(html) == left


def test_a_document_leaves_its_body_behind() -> None:
    page = '<!doctype html><html><head><title>x</title></head><body bgcolor="red" onload="x()"><p>a</p></body></html>'

    assert mailhtml.clean(page) == '<div bgcolor="red"><p>a</p></div>'


def test_absurd_markup_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        mailhtml.clean("<b>" * 10_002, "html_body")

    assert list(refused.value.fields) == ["html_body"]


PIECES = [*"<>/!-\"'=ab {}&;", "<style>", "</style>", "<svg>", "<math>", "<body", "<script", "-->", "<!--", "<a href="]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_cleaning_twice_is_cleaning_once(pieces: list[str]) -> None:
    html = "".join(pieces)

    once = mailhtml.clean(html)

    assert mailhtml.clean(once) == once


def test_styles_are_moved_into_the_elements() -> None:
    html = "<style>p{color:red} @media (max-width:600px){p{font-size:9px}}</style><p>a</p>"

    letter = mailhtml.letter(html, "")

    assert '<p style="color: red;">a</p>' in (letter.html or "")
    assert "@media (max-width:600px)" in (letter.html or "")


def test_text_is_made_of_html_with_its_addresses() -> None:
    letter = mailhtml.letter('<h1>Sale</h1><p>Hi {{name}}, <a href="https://x.test/a">look</a></p>', "")

    lines = [line for line in letter.text.splitlines() if line]
    assert lines == ["Sale", "Hi {{name}}, [look](https://x.test/a)", "[Unsubscribe]({{unsubscribe_url}})"]


def test_a_text_of_the_author_stays_and_gets_a_way_out() -> None:
    letter = mailhtml.letter("<p>Long</p>", "Short")

    assert letter.text == "Short\n\nUnsubscribe: {{unsubscribe_url}}"


def test_a_way_out_of_the_author_is_enough() -> None:
    letter = mailhtml.letter('<p><a href="{{unsubscribe_url}}">Bye</a></p>', "Bye: {{ unsubscribe_url }}")

    assert (letter.html or "").count("unsubscribe_url") == 1
    assert letter.text == "Bye: {{ unsubscribe_url }}"


def test_the_preview_stands_first_and_unseen() -> None:
    letter = mailhtml.letter("<p>a</p>", "", preview="50% < 100% {{name}}")

    before, _, _ = (letter.html or "").partition("<p>a</p>")
    assert "display:none" in before
    assert "50% &lt; 100% {{name}}" in before


def test_each_address_gets_one_number() -> None:
    html = "".join(f'<a href="{url}">x</a>' for url in ("https://x.test/a", "https://y.test", "https://x.test/a"))

    letter = mailhtml.letter(html, "")

    assert letter.links == ["https://x.test/a", "https://y.test"]
    assert [(letter.html or "").count(f'href="{{{{track.{n}}}}}"') for n in (1, 2)] == [2, 1]


@pytest.mark.parametrize(
    "url",
    [
        "mailto:a@x.test", "{{link}}", "https://{{host}}/a", "https://x{{y}}.test/a", "https://x.test{{path}}",
        "https://a@{{host}}", "http://{{a}}@x.test/", "#top", "https://x.test\\@{{h}}/",
    ],
)  # fmt: skip
def test_an_address_whose_site_is_not_fixed_is_left_alone(url: str) -> None:
    letter = mailhtml.letter(f'<a href="{url}">x</a>', "")

    assert letter.links == []


def test_without_tracking_links_lead_where_they_say() -> None:
    letter = mailhtml.letter('<a href="https://x.test/a">x</a>', "", tracked=False)

    assert 'href="https://x.test/a"' in (letter.html or "")
    assert ("track." in (letter.html or ""), letter.links) == (False, [])


def test_a_mail_of_text_has_no_picture() -> None:
    letter = mailhtml.letter(None, "Hello\n")

    assert letter == mailhtml.Letter(None, "Hello\n\nUnsubscribe: {{unsubscribe_url}}")

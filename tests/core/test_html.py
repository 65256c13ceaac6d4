"""HTML from people: nothing in it may run, and nothing of the text may be lost."""

import pytest

from trunkline.core.html import MAX_TAGS, clean_html, to_text


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" jAvAsCrIpT:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<svg><a xlink:href="javascript:alert(1)"/></svg>',
        "<iframe src='https://evil.test'></iframe>",
        "<style>@import 'https://evil.test'</style>",
        '<p style="background:url(https://evil.test)">x</p>',
        '<form action="https://evil.test"><input name=a></form>',
        '<base href="https://evil.test">',
        "<object data=x></object><embed src=x>",
        '<meta http-equiv="refresh" content="0;url=https://evil.test">',
        '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
        "<!--[if IE]><script>alert(1)</script><![endif]-->",
    ],
)
def test_nothing_dangerous_survives(attack):
    clean = clean_html(attack).lower()

    for word in ("script", "onerror", "evil", "data:", "<form", "<iframe", "<object", "<svg", "style"):
        assert word not in clean


@pytest.mark.parametrize("link", ["http://a.test/", "https://a.test/", "mailto:jane@a.test", "tel:+15557654321"])
def test_links_that_people_use_stay(link):
    assert f'href="{link}"' in clean_html(f'<a href="{link}">x</a>')


@pytest.mark.parametrize("link", ["ftp://a.test/", "file:///etc/passwd", "/logout", "//evil.test/", "sms:+1555"])
def test_other_addresses_go(link):
    assert "href" not in clean_html(f'<a href="{link}">x</a>')


def test_formatting_stays():
    html = "<p>Hello <strong>Jane</strong>,<br>see <em>below</em>:</p><ul><li>one</li></ul>"

    assert clean_html(html) == html


def test_cleaning_twice_is_cleaning_once():
    once = clean_html("<p>1 < 2 &amp; <b>3</p>")

    assert clean_html(once) == once


def test_absurd_markup_becomes_text():
    html = "<div>" * (MAX_TAGS + 1) + "<script>alert(1)</script>1 &lt; 2 &lt;img src=x onerror=alert(1)&gt;"

    assert clean_html(html) == "1 &lt; 2 &lt;img src=x onerror=alert(1)&gt;"


def test_text_is_laid_out():
    html = "<p>Hello <b>Jane</b>,</p><ul><li>one</li><li>two</li></ul><script>no()</script>"

    text = to_text(html)

    assert [line.strip() for line in text.splitlines() if line.strip()] == ["Hello Jane,", "* one", "* two"]


@pytest.mark.parametrize("html", ["", "  \n", "<p></p>", "<img src=x>"])
def test_nothing_is_nothing(html):
    assert to_text(html) == ""


def test_deep_nesting_keeps_its_text():
    assert to_text("<div>" * 5000 + "at the bottom") == "at the bottom"


def test_entities_are_read():
    assert to_text("<p>Fish &amp; chips &#128077;</p>") == "Fish & chips \U0001f44d"

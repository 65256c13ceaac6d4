"""MJML into HTML."""

import pytest

from trunkline.core import mjml
from trunkline.core.errors import Invalid

TEXT = "<mj-section><mj-column><mj-text>Hi {{name}}</mj-text></mj-column></mj-section>"


def test_slots_stay_and_nothing_is_asked_from_elsewhere() -> None:
    html = mjml.html(f"<mjml><mj-body>{TEXT}</mj-body></mjml>")

    assert "Hi {{name}}" in html
    assert "fonts.googleapis" not in html


@pytest.mark.parametrize(
    "source",
    ["", "words", "<mjml>", '<mjml><mj-body><mj-include path="/etc/passwd"/></mj-body></mjml>'],
)
def test_what_cannot_be_read_says_so(source: str) -> None:
    with pytest.raises(Invalid) as refused:
        mjml.html(source)

    assert "mjml" in refused.value.fields


def test_endless_nesting_is_refused() -> None:
    with pytest.raises(Invalid, match="inside each other"):
        mjml.html("<mjml><mj-body><mj-raw>" + "<div>" * 20_000)


def test_many_line_breaks_are_no_nesting() -> None:
    html = mjml.html(f"<mjml><mj-body><mj-raw>{'<br>' * 2000}</mj-raw></mj-body></mjml>")

    assert html.count("<br") >= 2000

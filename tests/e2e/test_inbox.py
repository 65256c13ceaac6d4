"""The inbox: reading and answering with two browsers, by keyboard, on a phone, and with texts that mean no good."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

SECOND = 3_000
"""What must be seen at once, on a busy machine."""


def phone_writes(workspace, *texts: str, sender: str = "+40722000111") -> Any:
    channel = workspace.channel(**{"as": "sms"})
    for text in texts:
        workspace.hear(channel, sender, text)
    return channel


def opened(page: Page, text: str) -> None:
    page.locator(".row", has_text=text).click()
    expect(page.locator(".composer textarea")).to_be_visible()


def test_two_browsers_answer_one_text_message(workspace, visit, accessible, tmp_path: Path) -> None:
    bogdan = workspace.member(name="Bogdan")
    ana_page: Page = visit(workspace.email, "/inbox")
    bogdan_page: Page = visit(bogdan, "/inbox")
    expect(ana_page.locator("text=Nothing to do here.")).to_be_visible()

    phone_writes(workspace, "Where is my order?")
    for page in (ana_page, bogdan_page):
        expect(page.locator(".row")).to_contain_text("Where is my order?", timeout=SECOND)
    opened(ana_page, "Where is my order?")
    opened(bogdan_page, "Where is my order?")
    expect(ana_page.locator(".present")).to_contain_text("Bogdan looks at this too.", timeout=SECOND)
    bogdan_page.fill(".composer textarea", "It left")
    expect(ana_page.locator(".present")).to_contain_text("Bogdan is answering now.", timeout=SECOND)
    accessible(ana_page)

    bogdan_page.press(".composer textarea", "Control+Enter")
    expect(ana_page.locator(".entry.out .text")).to_have_text("It left", timeout=SECOND)
    expect(ana_page.locator(".entry.out")).to_contain_text("Bogdan")
    ana_page.screenshot(path=tmp_path / "inbox.png")

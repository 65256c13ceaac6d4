"""Steps that tests of the inbox take in a browser: somebody writes, a conversation is opened, something is answered."""

import itertools
from typing import Any

from playwright.sync_api import Page, expect

SECOND = 3_000
"""What must be seen at once, on a busy machine."""
WIDE = {"width": 1600, "height": 900}
"""Where all panes have room."""
NUMBERS = itertools.count(1)
ION, ZOE = "+40722000111", "+40722000222"


def phone_writes(workspace: Any, *texts: str, sender: str = ION, plays: str = "sms", **settings: object) -> Any:
    """Somebody writes to a new telephone number of the workspace; the channel."""
    channel = workspace.channel(name=f"Number {next(NUMBERS)}", **{"as": plays}, **settings)
    for text in texts:
        workspace.hear(channel, sender, text)
    return channel


def opened(page: Page, text: str) -> None:
    page.locator(".row", has_text=text).click()
    expect(page.locator(".composer textarea")).to_be_visible()


def answer(page: Page, text: str) -> None:
    page.fill(".composer textarea", text)
    page.press(".composer textarea", "Control+Enter")
    expect(page.locator(".entry.out:not(.waiting) .text").last).to_have_text(text)


def away(page: Page) -> None:
    """Out of the composer, so that the next key belongs to the conversation."""
    page.locator(".log").focus()


def contact(workspace: Any, phone: str = ION, **named: object) -> int:
    """Somebody whom the workspace knows already; their id."""
    with workspace.api("portal") as api:
        made = api.post("/api/v1/integrations/contacts", json={"phone": phone, **named})
        assert made.status_code < 300, made.text
    with workspace.api() as api:
        return api.get("/api/v1/contacts", params={"search": phone}).json()["data"][0]["id"]

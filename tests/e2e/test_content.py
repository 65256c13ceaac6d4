"""What is written once and used often, and the numbers of a workspace."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

SHELVES = [
    ("templates", {"key": "hello", "body": "Hi {{name}}"}, "hello"),
    ("canned", {"title": "Hours", "body": "<script>alert(1)</script>We open at 9."}, "Hours"),
    ("tags", {"name": "vip"}, "vip"),
    ("labels", {"name": "praise"}, "praise"),
    ("fields", {"label": "Plan"}, "Plan"),
    ("globals", {"name": "Site", "value": "example.com"}, "Site"),
    ("topics", {"name": "Billing"}, "Billing"),
]


@pytest.mark.parametrize(("shelf", "typed", "shown"), SHELVES)
def test_a_thing_is_made_changed_and_kept(workspace, visit, accessible, shelf, typed, shown) -> None:
    page: Page = visit(workspace.email, f"/content/{shelf}")

    for name, value in typed.items():
        page.fill(f"#{name}", value)
    page.click("main button:has-text('Save')")
    page.click(f"tbody a:has-text('{shown}')")
    page.click("main button:has-text('Save')")

    expect(page.locator(f"tbody tr:has-text('{shown}')")).to_have_count(1)
    accessible(page)


def test_knowledge_is_read_while_one_watches(workspace, visit, accessible, tmp_path: Path) -> None:
    page: Page = visit(workspace.email, "/content/knowledge")

    page.fill("#question", "When do you open?")
    page.fill("#answer", "At nine, every day.")
    page.click("details[open] button")

    expect(page.locator("tbody tr .tag.good")).to_have_text("ready", timeout=15_000)
    accessible(page)
    page.screenshot(path=tmp_path / "knowledge.png", full_page=True)


def test_numbers_are_shown_as_plots_and_as_tables(workspace, visit, accessible, tmp_path: Path) -> None:
    phone = workspace.channel()
    workspace.hear(phone, "+40722000555", "Hello")
    page: Page = visit(workspace.email, "/analytics")

    expect(page.locator("main .plot svg rect")).not_to_have_count(0)
    page.screenshot(path=tmp_path / "analytics.png", full_page=True)
    accessible(page)

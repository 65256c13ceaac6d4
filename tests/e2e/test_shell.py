"""What surrounds every page: the menu, the palette, keys, colours, languages."""

import re

from playwright.sync_api import Page, expect


def test_keys_lead_to_pages_and_the_help_names_them(workspace, visit) -> None:
    page: Page = visit(workspace.email, "/me")

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("t")

    expect(page).to_have_url(re.compile("/status$"))


def test_the_palette_finds_a_page_by_its_name(workspace, visit) -> None:
    page: Page = visit(workspace.email, "/me")

    page.keyboard.press("Control+k")
    page.keyboard.type("stat")
    expect(page.locator("#palette-list li")).to_have_count(1)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/status$"))


def test_colours_and_language_are_kept(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/me")

    page.select_option("#theme", "dark")
    page.select_option("#language", "ro")
    page.click("main button")

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "ro")
    accessible(page)


def test_on_a_phone_the_menu_opens_and_nothing_is_wider_than_the_screen(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/status", viewport={"width": 390, "height": 844})

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click(".bar [data-toggles=side]")
    expect(page.locator(".menu")).to_be_visible()
    accessible(page)


def test_the_pages_of_the_shell_have_no_grave_faults(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/status")
    accessible(page)
    page.goto("/me")
    accessible(page)

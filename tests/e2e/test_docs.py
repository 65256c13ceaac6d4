"""The pages about the APIs: a reader finds an endpoint, copies a call, sends one."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize(
    ("dialect", "form", "endpoint"),
    [
        ("platform", "Try It", "GET /contacts"),
        ("portal", "API Tester", "GET /onboarding"),
        ("developer", "Try it", "GET /contacts"),
        ("connector", "Try it", "GET /lists"),
        ("rapidpro", "API Explorer", "GET /workspace.json"),
    ],
)
def test_a_request_is_tried_with_a_key(workspace, visit, accessible, tmp_path: Path, dialect, form, endpoint) -> None:
    page: Page = visit(workspace.email, f"/docs/{dialect}")
    expect(page.locator("#try-title")).to_have_text(form)
    expect(page.locator(".endpoint pre").first).to_contain_text(workspace.house.url)

    page.fill("#try-token", workspace.key(dialect))
    page.select_option("#try-endpoint", label=endpoint)
    page.click("#try-it button")

    expect(page.locator("#try-status")).to_have_text(re.compile("^200"))
    assert page.evaluate("JSON.stringify([localStorage, sessionStorage])") == "[{},{}]"
    page.screenshot(path=tmp_path / f"{dialect}.png")
    accessible(page)


def test_the_index_names_all_five(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/docs")

    expect(page.locator("article li")).to_have_count(5)
    accessible(page)


def test_endpoints_are_found_by_typing(workspace, visit) -> None:
    page: Page = visit(workspace.email, "/docs/platform")

    page.fill("[data-narrows]", "sentiment")

    expect(page.locator("#endpoints ol li:visible")).to_have_count(1)


def test_the_explorer_asks_as_who_is_signed_in(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/api/v2/explorer/")
    page.select_option("#try-endpoint", label="POST /groups.json")
    page.fill("#try-body", '{"name": "Reporters"}')

    page.click("#try-it button")

    expect(page.locator("#try-status")).to_have_text(re.compile("^201"))
    expect(page.locator("#try-text")).to_contain_text('"name": "Reporters"')
    accessible(page)

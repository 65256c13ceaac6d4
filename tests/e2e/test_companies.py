"""Companies and their pipeline; importing a spreadsheet."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

CSV = """Full Name,Mobile,E-mail,Shoe size
Ion Pop,+40722100001,ion@example.com,43
=cmd(),+40722100002,,41
Nobody,,no address,40
"""


def test_a_company_is_dragged_through_the_pipeline(workspace, visit, accessible, tmp_path: Path) -> None:
    page: Page = visit(workspace.email, "/companies")
    page.fill("#name", "Acme <b>")
    page.click("main button:has-text('Save')")
    page.select_option("#stage", index=1)
    page.fill("#deal_value", "1200")
    page.click("main button:has-text('Save')")
    accessible(page)

    page.goto("/companies/pipeline")
    accessible(page)
    page.locator("[data-company]").drag_to(page.locator("[data-stage] ol").nth(2))

    expect(page.locator("[data-stage]").nth(2).locator("[data-company]")).to_have_count(1)
    expect(page.locator("[data-stage]").nth(2).locator("h2")).to_contain_text("1,200")
    page.screenshot(path=tmp_path / "board.png")
    page.goto("/companies")
    accessible(page)
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_spreadsheet_is_checked_and_imported(workspace, visit, accessible, tmp_path: Path) -> None:
    sheet = tmp_path / "people.csv"
    sheet.write_text(CSV)
    page: Page = visit(workspace.email, "/contacts/import")
    accessible(page)
    page.set_input_files("#file", sheet)
    page.click("main button:has-text('Next')")
    page.select_option("[aria-label='Column Mobile']", "phone")
    accessible(page)
    page.click("button:has-text('Check first')")
    expect(page.locator("#progress .banner")).to_contain_text("nothing is written yet", timeout=20_000)
    page.reload()
    page.screenshot(path=tmp_path / "checked.png", full_page=True)

    page.fill("#tag", "imported")
    page.click("button:text-is('Import')")

    expect(page.locator("#progress .banner")).to_contain_text("2 new contacts", timeout=20_000)
    expect(page.locator("#progress .banner")).to_contain_text("1 row left out")
    page.goto("/contacts")
    expect(page.locator("#found tbody tr")).to_have_count(2)
    expect(page.locator("#found tbody")).to_contain_text("=cmd()")
    expect(page).to_have_url(re.compile("/contacts"))

"""Looking after contacts: finding, reading, changing one and many."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect


def test_a_contact_is_made_found_changed_and_deleted(workspace, visit, accessible, tmp_path: Path) -> None:
    page: Page = visit(workspace.email, "/contacts")
    accessible(page)
    page.click("text=New contact")
    page.fill("#name", "<b>Zoe</b> \u202eevil")
    page.fill("#email", "zoe@example.com")
    page.fill("#phone", "+40722000111")
    page.click("main button:has-text('Save')")
    expect(page.locator("h1")).to_contain_text("<b>Zoe</b>")

    page.fill("[name=tag]", "vip")
    page.click("form[action$='/tags'] button:has-text('Add')")
    page.fill("[name=note]", "Likes tea")
    page.click("form[action$='/notes'] button")
    expect(page.locator("text=Likes tea")).to_be_visible()
    accessible(page)
    page.screenshot(path=tmp_path / "contact.png", full_page=True)

    page.goto("/contacts")
    page.fill("[name=search]", "zoe@")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("search=zoe"))
    page.screenshot(path=tmp_path / "contacts.png", full_page=True)
    page.check("#found tbody [name=id]")
    page.click("button:has-text('Delete')")
    page.click("#sure button[value=yes]")
    expect(page.locator(".toast")).to_have_text("1 contact deleted.")


def test_a_refused_form_keeps_what_was_typed(workspace, visit, accessible) -> None:
    page: Page = visit(workspace.email, "/contacts/new")

    page.fill("#name", "Zoe")
    page.fill("#phone", "12")
    page.click("main button:has-text('Save')")

    expect(page.locator("#phone-problem")).to_be_visible()
    expect(page.locator("#name")).to_have_value("Zoe")
    accessible(page)


def test_a_query_that_cannot_be_read_says_why_and_a_good_one_finds(workspace, visit) -> None:
    workspace.api("portal").post("/api/v1/integrations/contacts", json={"name": "Ion", "phone": "+40722000222"})
    page: Page = visit(workspace.email, "/contacts")

    page.click("summary")
    page.fill("[name=query]", "name = ")
    expect(page.locator("#found .banner")).to_be_visible()
    page.fill("[name=query]", 'name = "Ion"')

    expect(page.locator("#found tbody tr")).to_have_count(1)


def test_what_the_filters_leave_can_be_taken_along(workspace, visit) -> None:
    api = workspace.api("portal")
    for name, phone in (("Ion", "+40722000661"), ("Zoe", "+40722000662")):
        api.post("/api/v1/integrations/contacts", json={"name": name, "phone": phone})
    page: Page = visit(workspace.email, "/contacts?search=Zoe")

    with page.expect_download() as taken:
        page.click("text=Export")

    rows = taken.value.path().read_text().splitlines()
    assert len(rows) == 2
    assert "+40722000662" in rows[1]


def test_all_that_the_filters_leave_are_tagged_and_it_is_undone(workspace, visit, accessible, tmp_path: Path) -> None:
    people = "name,email\n" + "".join(f"Ann {n},ann{n}@example.com\n" for n in range(1, 1101))
    imported = tmp_path / "people.csv"
    imported.write_text(people)
    page: Page = visit(workspace.email, "/contacts/import")
    page.set_input_files("#file", imported)
    page.click("main button:has-text('Next')")
    page.click("main button:text-is('Import')")
    expect(page.locator("#progress")).to_contain_text("1,100 new contacts", timeout=30_000)

    page.goto("/contacts")
    page.check("[data-all]")
    page.check("[data-every]")
    page.fill(".choice [name=tag]", "everybody")
    expect(page.locator(".choice")).to_contain_text("All 1,100 contacts that the filters leave")
    accessible(page)
    page.screenshot(path=tmp_path / "choice.png")
    page.click("button:has-text('Add tag')")
    expect(page.locator("#doing")).to_contain_text("1,100 contacts tagged.", timeout=30_000)
    expect(page.locator("#found tbody tr").first).to_contain_text("everybody")
    accessible(page)
    page.screenshot(path=tmp_path / "tagged.png")

    page.click("#doing button:has-text('Undo')")
    expect(page.locator("#doing")).to_contain_text("1,100 contacts are as before.", timeout=30_000)
    expect(page.locator("#found tbody tr").first).not_to_contain_text("everybody")
    page.click("text=Bulk actions")
    expect(page.locator("#actions")).to_contain_text("Undone.")
    accessible(page)
    page.screenshot(path=tmp_path / "actions.png")

    page.goto("/contacts")
    page.check("[data-all]")
    page.check("[data-every]")
    page.click("button:has-text('Delete all')")
    expect(page.locator("#sure h2")).to_have_text("Delete all 1,100 contacts? This cannot be undone.")


def test_a_group_by_query_fills_itself(workspace, visit, accessible) -> None:
    workspace.api("portal").post("/api/v1/integrations/contacts", json={"name": "Ion", "phone": "+40722000333"})
    page: Page = visit(workspace.email, "/contacts/groups")

    page.fill("#name", "Ions")
    page.fill("#query", 'name = "Ion"')
    page.click("main button:has-text('Save')")

    expect(page.locator("tr:has-text('Ions') td.number")).to_have_text("1")
    accessible(page)

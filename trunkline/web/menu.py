"""The menu: where one can go, in the order of daily use."""

from typing import Any

from msgspec import Struct

from trunkline.accounts.roles import Level


class Entry(Struct, frozen=True):
    """`section` is the pages' own name, `key` what is typed after `g` to go there."""

    section: str
    path: str
    title: str
    icon: str
    key: str
    level: Level = "view"


ENTRIES = [
    Entry("inbox", "/inbox", "Inbox", "inbox", "i"),
    Entry("contacts", "/contacts", "Contacts", "people", "c"),
    Entry("companies", "/companies", "Companies", "building", "o"),
    Entry("campaigns", "/campaigns", "Campaigns", "megaphone", "m"),
    Entry("flows", "/flows", "Flows", "flow", "f"),
    Entry("phones", "/phones", "Phone wall", "phone", "p", "interact"),
    Entry("content", "/content", "Content", "book", "k"),
    Entry("analytics", "/analytics", "Analytics", "chart", "a"),
    Entry("agency", "/agency", "Sub-accounts", "agency", "b", "admin"),
    Entry("settings", "/settings", "Settings", "gear", "s"),
    Entry("status", "/status", "Status", "pulse", "t"),
]


def of(visit: Any) -> list[Entry]:
    """What this visitor may open. Sub-accounts are for agencies."""
    is_agency = visit.visitor.workspace.account_kind == "agency"
    return [
        entry
        for entry in ENTRIES
        if entry.section in visit.site.sections and visit.may(entry.level) and (entry.section != "agency" or is_agency)
    ]

"""`trunkline contact …`, `group …`, `company …`: people, and what they belong to."""

from pathlib import Path
from typing import Annotated, Literal

from trunkline.accounts.accounts import Account
from trunkline.commands.answers import Answer
from trunkline.commands.opening import workspace
from trunkline.commands.progress import Progress
from trunkline.commands.user import AccountId
from trunkline.contacts import companies, groups, imports, searching, tags
from trunkline.core import clock
from trunkline.core.config import Settings
from trunkline.core.db import Tx
from trunkline.core.errors import Refusal


async def create_group(
    settings: Settings,
    name: Annotated[str, "What the group is called; one of a kind in its account."],
    /,
    *,
    account: AccountId,
    query: Annotated[str | None, "A contact query that fills the group by itself."] = None,
) -> Answer:
    """Make a group of contacts."""
    async with workspace(settings, account) as (tx, _):
        group = await groups.create(tx, name, query=query)
    document = {"id": group.id, "uuid": group.uuid, "name": group.name, "size": group.size}
    if group.query is None:
        return Answer(document, f"Made the group {group.name}: {group.uuid}")
    document |= {"query": group.query, "status": group.status}
    return Answer(document, f"Made the group {group.name}: {group.uuid}. The worker fills it: {group.query}")


async def count(
    settings: Settings,
    query: Annotated[str, "A contact query, like 'age > 18 AND group = VIP'."],
    /,
    *,
    account: AccountId,
) -> Answer:
    """Count the contacts that a query finds."""
    async with workspace(settings, account) as (tx, _):
        began = clock.monotonic()
        found = await searching.count(tx, await searching.read(tx, query))
        ms = round((clock.monotonic() - began) * 1000, 1)
    return Answer({"count": found, "ms": ms}, f"{found:,} contacts ({ms} ms)")


async def create_company(
    settings: Settings, name: Annotated[str, "What the company is called."], /, *, account: AccountId
) -> Answer:
    """Make a company."""
    async with workspace(settings, account) as (tx, _):
        company = await companies.create(tx, name)
    document = {"id": company.id, "uuid": company.uuid, "name": company.name}
    return Answer(document, f"Made the company {company.name}: {company.uuid}")


async def import_file(
    settings: Settings,
    file: Annotated[Path, "The file; its first row names the columns."],
    /,
    *,
    account: AccountId,
    identify_by: Annotated[Literal["email", "phone", "any"], "What tells that a row is a known contact."] = "any",
    group: Annotated[tuple[str, ...] | None, "Name of a group for all of them; may be repeated."] = None,
    tag: Annotated[tuple[str, ...] | None, "A tag for all of them; may be repeated."] = None,
) -> Answer:
    """Import contacts from a CSV or XLSX file."""
    keys = ("email", "phone") if identify_by == "any" else (identify_by,)
    try:
        source = file.open("rb")
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}. Name a readable CSV or XLSX file.") from None
    with source:
        async with workspace(settings, account) as (tx, found):
            options = await _options(tx, found, keys, group or (), tag or ())
            with Progress("Importing", unit=" rows") as progress:
                report = await imports.run(tx, source, options, lambda rows: progress.advance(rows - progress.done))
    document = {name: getattr(report, name) for name in ("imported", "created", "updated", "skipped", "errors")}
    lines = [f"{report.imported:,} rows imported: {report.created:,} new, {report.updated:,} known contacts."]
    lines += [f"{report.skipped:,} rows were left out:", *report.errors] if report.skipped else []
    return Answer(document, "\n".join(lines))


async def _options(
    tx: Tx, account: Account, keys: tuple[str, ...], named: tuple[str, ...], tagged: tuple[str, ...]
) -> imports.Options:
    found: list[int] = []
    for name in named:
        group = await groups.find(tx, name)
        if group is None:
            raise Refusal(f"There is no group {name!r}. Make it with `trunkline group create`.", code="not_found")
        found.append(group.id)
    marks = await tags.get_or_create(tx, tagged) if tagged else []
    return imports.Options(
        identify_by=keys, country=account.country, groups=tuple(found), tags=tuple(mark.id for mark in marks)
    )

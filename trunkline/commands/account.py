"""`trunkline account …`: the tenants of an installation."""

from typing import Annotated, Literal

from trunkline.accounts import accounts
from trunkline.accounts import settings as account_settings
from trunkline.accounts.accounts import Account
from trunkline.billing import agencies
from trunkline.commands.answers import Answer, pairs, table
from trunkline.commands.opening import account_named, installation, uuid, workspace
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal


async def create(
    settings: Settings,
    name: Annotated[str, "What the account is called."],
    /,
    *,
    kind: Annotated[Literal["workspace", "agency"], "An agency has sub-accounts below it."] = "workspace",
    parent: Annotated[str | None, "UUID of the agency above; needs --email too."] = None,
    email: Annotated[str | None, "The address by which the agency knows the sub-account."] = None,
    timezone: Annotated[str, "A name like Europe/Bucharest."] = "UTC",
    country: Annotated[str | None, "Two letters; completes national phone numbers."] = None,
    languages: Annotated[str, "Three-letter codes with commas between, the main one first."] = "eng",
) -> Answer:
    """Make an account."""
    above = uuid(parent, "account", "`trunkline account list` shows the accounts.") if parent else None
    codes = [code.strip() for code in languages.split(",") if code.strip()]
    async with installation(settings, make=True) as database, database.system() as tx:
        account = await accounts.create(
            tx, name, kind, parent=above, email=email, timezone=timezone, country=country, languages=codes
        )
        if account.parent_id is not None:
            tx.account = account.parent_id
            await agencies.start(tx, account)
    next_step = f"trunkline user create EMAIL --account {account.uuid} --role owner"
    return Answer(_document(account), f"Made {account.name}: {account.uuid}\nNext: {next_step}")


async def list_all(settings: Settings) -> Answer:
    """List the accounts."""
    found: list[Account] = []
    async with installation(settings) as database, database.system() as tx:
        while page := await accounts.listed(tx, found[-1].id if found else 0, 1000):
            found += page
    rows = [(account.uuid, account.kind, account.name) for account in found]
    text = table(("UUID", "Kind", "Name"), rows, empty="No accounts yet. Make one with `trunkline account create`.")
    return Answer([_document(account) for account in found], text)


async def show(settings: Settings, *, account: Annotated[str, "UUID of the account."]) -> Answer:
    """Show an account and its settings."""
    async with workspace(settings, account, tools=True) as (tx, found):
        values = await account_settings.show(tx, tx.database.tools.vault)
    document = _document(found) | values
    return Answer(document, pairs(document))


async def change(
    settings: Settings,
    /,
    *values: Annotated[str, "Settings as key=value; an empty value removes what can be removed."],
    account: Annotated[str, "UUID of the account."],
) -> Answer:
    """Change settings of an account."""
    wanted = dict(_split(value) for value in values)
    async with installation(settings, tools=True) as database:
        async with database.system() as tx:
            found = await account_named(tx, account)
        async with database.tx(found.id) as tx:
            tools = database.tools
            found = await account_settings.put(tx, wanted, egress=tools.egress, operator=True)
            shown = await account_settings.show(tx, tools.vault)
    document = _document(found) | shown
    return Answer(document, pairs({name: document[name] for name in wanted if name in document}))


def _split(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise Refusal(f"{text!r} is no setting. Write it as key=value, like timezone=Europe/Bucharest.")
    return key.strip(), value


def _document(account: Account) -> dict[str, object]:
    return {"id": account.id, "uuid": account.uuid, "kind": account.kind, "name": account.name}

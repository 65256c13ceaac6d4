"""Reading a request: fields of the body, the one lookup that says what to change, and what lists are filtered by."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from trunkline.accounts import accounts, settings
from trunkline.accounts.accounts import Account
from trunkline.core import urns
from trunkline.core.db import Tx
from trunkline.core.urns import BadUrn, Urn
from trunkline.dialects.calls import Call
from trunkline.dialects.rapidpro import fields
from trunkline.dialects.rapidpro.errors import BadAsk, Full, Rejected, across
from trunkline.dialects.rapidpro.fields import Field, Reading, Wrong

Body = dict[str, Any]
"""The annotation of an endpoint's `body`."""

NEVER = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))
"""From and to of a range that holds nothing."""


async def read(tx: Tx, call: Call, form: Mapping[str, Field], body: Body) -> dict[str, Any]:
    """What was sent of the form's fields, checked: `"name" in given` tells whether it was sent.

    A workspace that is flagged or suspended writes nothing.
    """
    return await read_for(tx, call, await writing(tx), form, body)


async def read_for(tx: Tx, call: Call, account: Account, form: Mapping[str, Field], body: Body) -> dict[str, Any]:
    try:
        return await fields.read_fields(Reading(tx, call, account), form, body)
    except Wrong as error:
        raise Rejected(error.detail) from None


async def writing(tx: Tx) -> Account:
    """The workspace, if it may write."""
    account = await accounts.current(tx)
    if settings.value(account, "flagged"):
        raise across(STOPPED.format("flagged"))
    if account.suspended:
        raise across(STOPPED.format("suspended"))
    return account


def refuse_full(present: int, most: int) -> None:
    """Comes before the body is looked at."""
    if present >= most:
        raise Full


def lookup(call: Call, *names: str, required: bool = False) -> str | None:
    """Which of these parameters was given, for a POST or DELETE; at most one may be."""
    given = [name for name in sorted(names) if call.query.get(name)]
    listed = ", ".join(sorted(names))
    if len(given) > 1:
        raise BadAsk(f"URL can only contain one of the following parameters: {listed}")
    if not given and required:
        raise BadAsk(f"URL must contain one of the following parameters: {listed}")
    return given[0] if given else None


def uuid_lookup(call: Call, *, required: bool = False) -> UUID | None:
    """The `uuid` of what a POST or DELETE is about."""
    given = lookup(call, "uuid", required=required)
    return uuid(call.query["uuid"][-1]) if given else None


def exclusive(call: Call, *names: str) -> None:
    """Filters that do not go together, named in the order of their refusal."""
    if sum(bool(call.query.get(name)) for name in names) > 1:
        raise BadAsk(f"You may only specify one of the {', '.join(names)} parameters")


def uuid(text: str | None, name: str = "uuid") -> UUID | None:
    """A parameter that must be a UUID; an empty one was not given."""
    if not text:
        return None
    found = loose_uuid(text)
    if found is None:
        raise BadAsk(f"Param '{name}': {text} is not a valid UUID.")
    return found


def loose_uuid(text: str) -> UUID | None:
    """The UUID in a text that may be something else, like a name."""
    try:
        return UUID(text) if UUID_FORM.fullmatch(text.strip()) else None
    except ValueError:
        return None


def whole(text: str | None, name: str = "id") -> int | None:
    """A parameter that must be a number. One that no row can have is still a number."""
    if not text:
        return None
    if not WHOLE.fullmatch(text.strip()):
        raise BadAsk(f"Value for {name} must be an integer")
    return int(text) if len(text) < 19 else -1


def flag(text: str | None) -> bool | None:
    """A parameter that is true or, whatever it says else, false; None if it was not given."""
    return None if text is None else text.strip().lower() in ("true", "yes", "y", "1")


def urn(text: str | None, account: Account) -> Urn | None:
    """A parameter that must be a URN, read with the country of the workspace; anonymous ones look nobody up."""
    if not text:
        return None
    if settings.value(account, "anon"):
        raise BadAsk("URN lookups not allowed for anonymous organizations")
    try:
        return urns.parse(text, account.country)
    except BadUrn:
        raise BadAsk(f"Invalid URN: {text}") from None


def between(after: str | None, before: str | None) -> tuple[datetime | None, datetime | None]:
    """The range of `after` and `before`, both inclusive. What cannot be read leaves nothing in it."""
    try:
        return moment(after), moment(before)
    except ValueError:
        return NEVER


def moment(text: str | None) -> datetime | None:
    """A time of ISO 8601; one without a zone is UTC, a bare day its first moment."""
    if not text:
        return None
    text = text.strip().replace(" ", "+") if SPACED_ZONE.search(text) else text.strip()
    if DAY.fullmatch(text):
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = datetime.fromisoformat(text)
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None


STOPPED = (
    "Sorry, your workspace is currently {}. To re-enable starting flows and sending messages, please contact support."
)
UUID_FORM = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# A plus that was not escaped comes as a space: 2016-10-13T11:54:32 02:00.
SPACED_ZONE = re.compile(r"T[\d:.]+ \d\d:?\d\d$")

"""Sub-accounts of the connector dialect: an agency makes them, gives them credits and ends them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from msgspec import Meta

from trunkline.accounts import subaccounts
from trunkline.billing import agencies, transfers
from trunkline.core import opaque
from trunkline.dialects.base import Call, Conflict, Forbidden, Invalid, NotFound, OutOfCredits, Tx
from trunkline.dialects.connector import subaccount_shapes as shapes
from trunkline.dialects.connector.dialect import HEADER, connector

Wanted = Annotated[str, Meta(max_length=254)]


@connector.post(
    "/subaccounts/credits",
    level="admin",
    auth=(HEADER,),
    idempotent=False,
    raises=(Forbidden, NotFound, OutOfCredits, Conflict),
    tag="Sub-accounts",
)
async def grant_credits(tx: Tx, call: Call, body: shapes.CreditsIn) -> shapes.CreditsOut:
    """Grant credits to a sub-account of your agency.

    The key counts in the header `x-api-key` alone. With an `idempotency_key`, in the body or as the header
    `Idempotency-Key`, the same request again gets the first answer with `"idempotent_replay": true` and grants
    nothing; for another amount or sub-account it is refused with 409.
    """
    given = await transfers.transfer(
        tx, body.email, body.amount, description=body.description or "", idempotency_key=_key(call, body)
    )
    return shapes.granted(call.vault, given)


@connector.get("/subaccounts", level="admin", raises=(NotFound,), tag="Sub-accounts")
async def show_subaccounts(
    tx: Tx,
    call: Call,
    *,
    email: Wanted | None = None,
    after: Annotated[str, Meta(max_length=64)] | None = None,
    limit: Annotated[int, Meta(ge=1, le=100)] = 100,
) -> shapes.SubAccount | shapes.SubAccounts:
    """Show the sub-account with an email address, or list all of them.

    A list comes in pages: give the `next` of one as the `after` of the following.
    """
    with _told_as_bad_request():
        if email is not None:
            return shapes.SubAccount(shapes.subaccount(call.vault, await agencies.get(tx, email)))
        subs = await agencies.listed(tx, _place(call, after), limit + 1)
    shown = [shapes.subaccount(call.vault, sub) for sub in subs[:limit]]
    return shapes.SubAccounts(shown, shown[-1].id if len(subs) > limit else None)


@connector.post(
    "/subaccounts", level="admin", status=201, idempotent=False, raises=(Conflict,), tag="Sub-accounts", seconds=15
)
async def create_subaccount(tx: Tx, call: Call, body: shapes.SubAccountIn) -> shapes.SubAccount:
    """Create a sub-account with a login for its owner.

    The answer shows the generated password, once; there is none when the address can sign in already. Without
    `usage_limits.credits` it starts with what your agency set for new ones. What your credits do not allow is not made.
    """
    with _told_as_bad_request():
        opened = await agencies.open(
            tx,
            shapes.name(body),
            body.email,
            shapes.terms(body.usage_limits),
            timezone=body.time_zone_id,
            country=body.country,
            profile=shapes.profile(body),
            with_owner=True,
        )
        sub = await agencies.get(tx, body.email)
    return shapes.SubAccount(shapes.subaccount(call.vault, sub, opened.password))


@connector.delete("/subaccounts", level="admin", raises=(NotFound,), tag="Sub-accounts")
async def delete_subaccount(tx: Tx, *, email: Wanted) -> shapes.Done:
    """Delete a sub-account: its keys and sessions end and its sending stops at once.

    What is left of its credits returns to your agency.
    """
    with _told_as_bad_request():
        await subaccounts.delete(tx, email)
    return shapes.Done("Sub-account deleted successfully")


@contextmanager
def _told_as_bad_request() -> Iterator[None]:
    """Here, unlike at the credits, everything that is wrong with a request is 400."""
    try:
        yield
    except (Forbidden, OutOfCredits) as error:
        raise Invalid(message=error.message, code=error.code) from None
    except Invalid as error:
        if "timezone" in error.fields:
            raise Invalid({"time_zone_id": error.fields["timezone"]}) from None
        raise


def _key(call: Call, body: shapes.CreditsIn) -> str | None:
    given = call.header("idempotency-key")
    if given and body.idempotency_key and given != body.idempotency_key:
        raise Invalid({"idempotency_key": ["The idempotency_key and the header Idempotency-Key differ."]})
    return body.idempotency_key or given


def _place(call: Call, after: str | None) -> int:
    """Where to go on; what we never wrote is the end of every list."""
    if after is None:
        return 0
    id = opaque.read(call.vault, "account", after)
    if id is None:
        raise Invalid({"after": ["This is no id of a sub-account."]})
    return id

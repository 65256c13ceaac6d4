"""Endpoints: the addresses of programs that want to be told, what of, and whether they still listen."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import UNSET, Struct, UnsetType

from trunkline.accounts import audit
from trunkline.core import clock
from trunkline.core.crypto import Vault
from trunkline.core.db import Tx, sql
from trunkline.core.egress import BadUrl, Egress
from trunkline.core.errors import Invalid, NotFound
from trunkline.webhooks import catalog, signing
from trunkline.webhooks.events import WebhookChanged

MOST = 20
"""Endpoints of one account."""
OVERLAP = timedelta(hours=24)
"""How long an old secret still signs beside the new one."""


class Endpoint(Struct, frozen=True):
    """`reason` says why we switched it off. Until `old_until` the secret before this one signs too."""

    id: int
    dialect: str
    url: str
    description: str
    profile: str | None
    events: list[str]
    active: bool
    reason: str | None
    failing_since: datetime | None
    old_until: datetime | None
    created_at: datetime
    updated_at: datetime


class Listening(Struct, frozen=True):
    """What it takes to know whom to tell. Without an `id` it is the account's own webhook, told for the first time.

    With `tags` it hears of contacts that have one of them, and of what is about no contact.
    """

    id: int | None
    dialect: str
    profile: str | None
    events: list[str]
    tags: list[str] = []

    def wants(self, name: str, channel: str | None = None, tags: Collection[str] | None = None) -> bool:
        if self.tags and tags is not None and not _folded(tags) & _folded(self.tags):
            return False
        return catalog.wants(self.profile, self.events, name, channel)


class NewEndpoint(Struct, frozen=True, kw_only=True):
    """One of `profile` and `events`, or neither: then it is told everything."""

    url: str
    profile: str | None = None
    events: Sequence[str] | None = None
    description: str = ""


class Changes(Struct, frozen=True, kw_only=True):
    """What is left out stays."""

    url: str | UnsetType = UNSET
    profile: str | None | UnsetType = UNSET
    events: Sequence[str] | None | UnsetType = UNSET
    description: str | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    rotate: bool = False


async def create(tx: Tx, new: NewEndpoint, *, dialect: str = "portal") -> tuple[Endpoint, str]:
    """Have a URL told. Returns the endpoint and its secret, which is never shown again."""
    profile, events = _wanted(new.profile, new.events)
    url = _checked(tx.database.tools.egress, new.url)
    await tx.run(LOCK, tx.account)
    if (await tx.value(int, COUNT, tx.account) or 0) >= MOST:
        raise Invalid(message=f"An account can have at most {MOST} webhooks.", code="webhook_limit")
    vault: Vault = tx.database.tools.vault
    secret, sealed = signing.new_secret(vault, tx.account)
    made = await tx.one(Endpoint, INSERT, tx.account, dialect, url, new.description, profile, events, sealed)
    await _note(tx, made.id, "created", url=url)
    return made, secret


async def all_of(tx: Tx) -> list[Endpoint]:
    """Every endpoint, the oldest first."""
    return await tx.fetch(Endpoint, ALL, tx.account)


async def get(tx: Tx, id: int) -> Endpoint:
    found = await tx.maybe(Endpoint, BY_ID, tx.account, id)
    if found is None:
        raise NotFound("webhook", id)
    return found


async def update(tx: Tx, id: int, changes: Changes) -> tuple[Endpoint, str | None]:
    """Change an endpoint; one that is switched on again starts with a clean slate. Returns a new secret, if asked for.

    What waited while it was off goes out then.
    """
    kept = await get(tx, id)
    profile, events = kept.profile, list(kept.events)
    if changes.profile or changes.events:
        profile, events = _wanted(changes.profile or None, changes.events or None)
    elif changes.profile is None or changes.events is not UNSET:
        raise Invalid({"events": ["Give a delivery profile or a list of events."]})
    url = kept.url if changes.url is UNSET else _checked(tx.database.tools.egress, changes.url)
    description = kept.description if changes.description is UNSET else changes.description
    active = kept.active if changes.active is UNSET else changes.active
    fresh = active and (not kept.active or url != kept.url)
    await tx.run(UPDATE, tx.account, id, url, description, profile, events, active, fresh)
    secret = await _rotate(tx, id) if changes.rotate else None
    changed = sorted(name for name in changes.__struct_fields__ if getattr(changes, name) not in (UNSET, False))
    await _note(tx, id, "changed", changed=changed, active=active)
    if active:
        tx.wake("webhooks")
    return await get(tx, id), secret


async def delete(tx: Tx, id: int) -> None:
    """Forget an endpoint; what still waits for it is not sent any more."""
    if not await tx.run(DELETE, tx.account, id):
        raise NotFound("webhook", id)
    await tx.run(CLEAR, tx.account, id)
    await _note(tx, id, "deleted")


async def listening(tx: Tx) -> list[Listening]:
    """Who is to be told of anything: a single look into an index of active endpoints and at the account's settings."""
    return await tx.fetch(Listening, LISTENING, tx.account)


async def _rotate(tx: Tx, id: int) -> str:
    secret, sealed = signing.new_secret(tx.database.tools.vault, tx.account)
    await tx.run(ROTATE, tx.account, id, sealed, clock.now() + OVERLAP)
    return secret


async def _note(tx: Tx, id: int, what: str, **details: object) -> None:
    await audit.record(tx, f"webhook.{what}", f"webhook:{id}", details)
    tx.record(WebhookChanged(id, what))


def _wanted(profile: str | None | UnsetType, events: Sequence[str] | None | UnsetType) -> tuple[str | None, list[str]]:
    """A profile, or events in the order of the catalogue, never both."""
    if profile and events:
        both = "Give either a delivery profile or a list of events, not both."
        raise Invalid({"delivery_profile": [both], "events": [both]})
    if not events:
        if profile and profile not in catalog.PROFILES:
            raise Invalid({"delivery_profile": [f"The profiles are {', '.join(catalog.PROFILES)}."]})
        return profile or "all", []
    unknown = {
        f"events.{n}": ["There is no such event; see the events catalogue."]
        for n, name in enumerate(events)
        if name not in catalog.EVENTS
    }
    if unknown:
        raise Invalid(unknown)
    return None, catalog.names(None, events)


def _folded(tags: Collection[str]) -> set[str]:
    return {tag.casefold() for tag in tags}


def _checked(egress: Egress, url: str) -> str:
    """Judged by its form; names are looked up and judged at each delivery."""
    try:
        return egress.check_url(url.strip())
    except BadUrl as error:
        raise Invalid({"url": [str(error)]}) from None


_COLUMNS = (
    "id, dialect, url, description, profile, events, active, reason, failing_since, old_until, created_at, updated_at"
)

# Two who add at once wait for each other, so that nobody gets past the limit.
LOCK = sql("select from accounts where id = $1 for no key update")

COUNT = sql("""
    select count(*) from webhook_endpoints where account_id = $1 and deleted_at is null and kind = 'endpoint'
""")

INSERT = sql(f"""
    insert into webhook_endpoints (account_id, dialect, url, description, profile, events, secret)
    values ($1, $2, $3, $4, $5, $6, $7) returning {_COLUMNS}
""")

_REGISTERED = "account_id = $1 and deleted_at is null and kind = 'endpoint'"

ALL = sql(f"select {_COLUMNS} from webhook_endpoints where {_REGISTERED} order by id")

BY_ID = sql(f"select {_COLUMNS} from webhook_endpoints where {_REGISTERED} and id = $2")

# The account's own webhook lives in its settings; there is a row of it from the first delivery on.
LISTENING = sql(f"""
    select id, dialect, profile, events, '{{}}'::text[] as tags from webhook_endpoints where {_REGISTERED} and active
    union all
    select own.id, 'connector', case when wanted.events = '[]' or wanted.events ? '*' then '{catalog.EVERYTHING}' end,
        array(select jsonb_array_elements_text(wanted.events)),
        array(select jsonb_array_elements_text(coalesce(a.settings -> 'webhook_tags', '[]')))
    from accounts a
    cross join lateral (select coalesce(a.settings -> 'webhook_events', '[]') as events) wanted
    left join webhook_endpoints own on own.account_id = $1 and own.kind = 'account'
    where a.id = $1 and a.settings ? 'webhook_url' and own.active is not false
    order by id
""")

UPDATE = sql("""
    update webhook_endpoints set url = $3, description = $4, profile = $5, events = $6, active = $7,
        reason = case when $8 then null else reason end,
        failures = case when $8 then 0 else failures end,
        failing_since = case when $8 then null else failing_since end,
        paused_until = case when $8 then null else paused_until end,
        updated_at = now()
    where account_id = $1 and id = $2
""")

ROTATE = sql("""
    update webhook_endpoints set old_secret = secret, old_until = $4, secret = $3 where account_id = $1 and id = $2
""")

DELETE = sql("""
    update webhook_endpoints set deleted_at = now(), active = false, secret = '', old_secret = null
    where account_id = $1 and id = $2 and deleted_at is null and kind = 'endpoint'
""")

CLEAR = sql("delete from webhooks where account_id = $1 and endpoint_id = $2")

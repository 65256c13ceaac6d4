"""Second factors: codes of an authenticator app beside the password, and recovery codes for a lost phone."""

from datetime import datetime

from msgspec import Struct

from trunkline.accounts import audit, sessions, throttle
from trunkline.accounts.sessions import Kind, SignedIn
from trunkline.core import clock, ids, totp
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Conflict, Invalid, Unauthenticated

RECOVERY_CODES = 10
MOST_WRONG = 10
ISSUER = "Trunkline"


class Factor(Struct, frozen=True):
    """`codes_left` are recovery codes that were not used yet."""

    confirmed_at: datetime | None
    codes_left: int


class Enrolment(Struct, frozen=True):
    """What an app needs; shown until the first code of it was typed."""

    secret: str
    uri: str


async def of(tx: Tx, user_id: int) -> Factor | None:
    """The confirmed second factor of a user, in a system transaction."""
    return await tx.maybe(Factor, FACTOR, user_id)


async def begin(tx: Tx, user_id: int, email: str) -> Enrolment:
    """A secret to be confirmed, in a system transaction. Asked again before that, the same one comes."""
    vault: Vault = tx.database.tools.vault
    fresh = vault.seal(totp.new_secret(), aad=_aad(user_id))
    sealed = await tx.value(bytes, BEGIN, user_id, fresh)
    if sealed is None:
        raise Conflict("second_factor_exists", "There is a second factor already.")
    secret = vault.open(sealed, aad=_aad(user_id)).decode()
    return Enrolment(secret, totp.uri(secret, email, ISSUER))


async def confirm(tx: Tx, user_id: int, code: str, *, keep: bytes | None = None) -> list[str]:
    """Turn it on with a first code, in a system transaction. Returns the recovery codes, shown once.

    Ends all other sessions of the user but the one to `keep`.
    """
    step = await _step(tx, user_id, code)
    if step is None or not await tx.run(CONFIRM, user_id, step, clock.now()):
        raise Invalid({"code": ["This code does not fit. Look at the app again; the phone's clock must be right."]})
    codes = await _new_codes(tx, user_id)
    await sessions.end_all(tx, user_id, keep=keep)
    await audit.record(tx, "second_factor.enabled", f"user:{user_id}")
    return codes


async def renew_codes(tx: Tx, user_id: int) -> list[str]:
    """New recovery codes; the old ones are worth nothing from now on. In a system transaction."""
    if await of(tx, user_id) is None:
        raise Conflict("no_second_factor", "There is no second factor.")
    codes = await _new_codes(tx, user_id)
    await audit.record(tx, "second_factor.codes_renewed", f"user:{user_id}")
    return codes


async def disable(tx: Tx, user_id: int, *, keep: bytes | None = None) -> None:
    """Sign in by password alone again, in a system transaction; ends all other sessions."""
    await tx.run(FORGET_CODES, user_id)
    if await tx.run(FORGET, user_id):
        await sessions.end_all(tx, user_id, keep=keep)
        await audit.record(tx, "second_factor.disabled", f"user:{user_id}")


async def finish(
    database: Database,
    ticket: str,
    code: str,
    *,
    ip: str | None = None,
    user_agent: str = "",
    kind: Kind = "browser",
    previous: str | None = None,
) -> SignedIn:
    """The second step of a sign-in: `ticket` proves the first one. Wrong codes are counted like wrong passwords."""
    vault: Vault = database.tools.vault
    user_id = sessions.ticket_holder(vault, ticket)
    if user_id is None:
        raise Unauthenticated("This took too long. Sign in again.", code="ticket_expired")
    subjects = throttle.counted(f"code:{user_id}", MOST_WRONG, ip)
    async with database.system() as tx:
        await throttle.lock(tx, subjects)
        await throttle.check(tx, subjects)
        known = await sessions.first_step(tx, ticket)
        if known is None:
            raise Unauthenticated("This took too long. Sign in again.", code="ticket_expired")
        if await _fits(tx, user_id, code):
            await throttle.forget(tx, subjects)
            return await sessions.start(tx, known, ip, user_agent, kind, previous)
        await throttle.count(tx, subjects)
    raise Unauthenticated("This code does not fit, or it was used before.", code="wrong_code")


async def _fits(tx: Tx, user_id: int, typed: str) -> bool:
    """Whether a code is good; whatever is used is used up."""
    step = await _step(tx, user_id, typed)
    if step is not None:
        return await tx.run(USE_STEP, user_id, step) == 1
    digests = tx.database.tools.vault.macs(PURPOSE, _plain(typed).encode("utf-8", "replace"))
    return await tx.run(USE_CODE, user_id, digests, clock.now()) == 1


async def _step(tx: Tx, user_id: int, typed: str) -> int | None:
    sealed = await tx.value(bytes, SECRET, user_id)
    if sealed is None:
        return None
    secret = tx.database.tools.vault.open(sealed, aad=_aad(user_id)).decode()
    return totp.step_of(secret, "".join(typed.split()), clock.now())


async def _new_codes(tx: Tx, user_id: int) -> list[str]:
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    vault: Vault = tx.database.tools.vault
    await tx.run(FORGET_CODES, user_id)
    await tx.run(ADD_CODES, user_id, [vault.mac(PURPOSE, _plain(code).encode()) for code in codes])
    return codes


def _recovery_code() -> str:
    """Fifty random bits that can be read aloud."""
    number = ids.number(50)
    letters = "".join(ids.CROCKFORD[(number >> 5 * n) % 32] for n in range(10)).lower()
    return f"{letters[:5]}-{letters[5:]}"


def _plain(code: str) -> str:
    """What was meant: without dashes and spaces, and with the letters that look like digits read as those."""
    return code.lower().replace("-", "").replace(" ", "").translate(str.maketrans("oil", "011"))


def _aad(user_id: int) -> str:
    return f"user:{user_id}:second factor"


PURPOSE = "recovery code"

FACTOR = sql(
    """
    select f.confirmed_at,
        (select count(*) from recovery_codes c where c.user_id = f.user_id and c.used_at is null)::int as codes_left
    from second_factors f where f.user_id = $1 and f.confirmed_at is not null
    """,
    system=True,
)

BEGIN = sql(
    """
    insert into second_factors as f (user_id, secret) values ($1, $2)
    on conflict (user_id) do update set secret = f.secret where f.confirmed_at is null
    returning secret
    """,
    system=True,
)

SECRET = sql("select secret from second_factors where user_id = $1 for update", system=True)

CONFIRM = sql(
    "update second_factors set confirmed_at = $3, last_step = $2 where user_id = $1 and confirmed_at is null",
    system=True,
)

USE_STEP = sql(
    """
    update second_factors set last_step = $2 where user_id = $1 and last_step < $2 and confirmed_at is not null
    """,
    system=True,
)

USE_CODE = sql(
    """
    update recovery_codes set used_at = $3 where user_id = $1 and digest = any($2::bytea[]) and used_at is null
    """,
    system=True,
)

ADD_CODES = sql("insert into recovery_codes (user_id, digest) select $1, d from unnest($2::bytea[]) as d", system=True)

FORGET_CODES = sql("delete from recovery_codes where user_id = $1", system=True)

FORGET = sql("delete from second_factors where user_id = $1 and confirmed_at is not null", system=True)

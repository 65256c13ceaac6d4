"""Settings of an account: one table of what can be set, how it is read from text, and who may set it."""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from trunkline.accounts import accounts, audit, places
from trunkline.accounts.accounts import Account
from trunkline.accounts.events import SettingsChanged
from trunkline.core import crypto, limits
from trunkline.core.crypto import Vault
from trunkline.core.db import Tx, sql
from trunkline.core.egress import Egress
from trunkline.core.errors import Invalid


class Setting(Struct, frozen=True):
    """`read` turns text or a JSON value into the stored one and raises ValueError with a sentence.

    A `column` is a column of its own. What is for the `operator` is not the account's to change.
    """

    read: Callable[[Any, Egress], Any]
    default: Any = None
    column: bool = False
    operator: bool = False
    removable: bool = False


async def put(tx: Tx, values: Mapping[str, Any], *, egress: Egress | None = None, operator: bool = False) -> Account:
    """Change settings of the account of `tx`, all or none. None or an empty text removes what can be removed.

    `egress` judges the form of URLs; without it only public https targets pass.
    """
    columns, kept, removed = _read(values, egress or Egress(), operator)
    if "suspended" in columns:
        removed.append("suspended_by")  # from now on it is the operator's word, not an agency's
    if SIGNS in kept:
        kept[SIGNS] = _sealed(tx.database.tools.vault, tx.account, kept[SIGNS])
    account = await tx.one(Account, UPDATE, tx.account, columns, kept, removed)
    if values:
        await audit.record(tx, "account.changed", f"account:{tx.account}", {"settings": sorted(values)})
        tx.record(SettingsChanged(sorted(values)))
    return account


async def show(tx: Tx, vault: Vault) -> dict[str, Any]:
    """All settings with their values or defaults, and the webhook secret, made now if there is none."""
    secret = await webhook_secret(tx, vault)
    account = await accounts.current(tx)
    rates = {name: kept for name, kept in account.settings.items() if name.startswith(RATE)}
    return {name: value(account, name) for name in KNOWN} | rates | {"webhook_secret": secret}


def value(account: Account, name: str) -> Any:
    """One setting of an account, or its default; of a rate, none if it was never set."""
    if name.startswith(RATE):
        return account.settings.get(name)
    setting = KNOWN[name]
    return getattr(account, name) if setting.column else account.settings.get(name, setting.default)


async def webhook_secret(tx: Tx, vault: Vault) -> str:
    """The secret that signs the account's webhook; made once, stored sealed."""
    stored = await tx.value(str, SECRET, tx.account)
    if stored is None:
        fresh = _sealed(vault, tx.account, crypto.new_webhook_secret())
        stored = await tx.value(str, KEEP_SECRET, tx.account, fresh)
    return vault.open(base64.b64decode(stored or ""), aad=secret_aad(tx.account)).decode()


def secret_aad(account: int) -> str:
    """What the account's webhook secret is sealed for."""
    return f"account:{account}:webhook"


def _sealed(vault: Vault, account: int, secret: str) -> str:
    return base64.b64encode(vault.seal(secret, aad=secret_aad(account))).decode()


def _read(
    values: Mapping[str, Any], egress: Egress, operator: bool
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    columns: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    removed: list[str] = []
    problems: dict[str, list[str]] = {}
    for name, given in values.items():
        setting = _setting(name)
        if setting is None:
            known = ", ".join(sorted([*KNOWN, "rate.<bucket>"]))
            problems[name] = [f"There is no setting {name}. The settings are {known}."]
        elif setting.operator and not operator:
            problems[name] = [f"Only the operator of this installation can change {name}."]
        elif setting.removable and given in (None, ""):
            columns.update({name: None} if setting.column else {})
            removed += [] if setting.column else [name]
        else:
            try:
                (columns if setting.column else kept)[name] = setting.read(given, egress)
            except ValueError as error:
                problems[name] = [str(error)]
    if problems:
        raise Invalid(problems)
    return columns, kept, removed


def _setting(name: str) -> Setting | None:
    if name.startswith(RATE) and BUCKET.fullmatch(name.removeprefix(RATE)):
        return Setting(_rate, operator=True, removable=True)
    return KNOWN.get(name)


def _flag(given: Any, egress: Egress) -> bool:
    word = str(given).strip().lower()
    if word not in FLAGS:
        raise ValueError(f"{given!r} is neither yes nor no.")
    return FLAGS[word]


def _words(given: Any) -> list[str]:
    words = given.split(",") if isinstance(given, str) else given
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise ValueError("The value must be a list, with commas between.")
    return list(dict.fromkeys(word.strip() for word in words if word.strip()))


def _languages(given: Any, egress: Egress) -> list[str]:
    codes = list(dict.fromkeys(places.language(word) for word in _words(given)))
    if not 1 <= len(codes) <= 100:
        raise ValueError("There must be 1 to 100 languages, the primary one first.")
    return codes


def _events(given: Any, egress: Egress) -> list[str]:
    names = _words(given)
    for name in names:
        if name not in ("*", *WEBHOOK_EVENTS):
            raise ValueError(f"{name!r} is not the name of an event. The events are {', '.join(WEBHOOK_EVENTS)}.")
    return names


def _tags(given: Any, egress: Egress) -> list[str]:
    names = _words(given)
    if len(names) > MOST_TAGS or any(len(name) > LONGEST_TAG for name in names):
        raise ValueError(f"There can be {MOST_TAGS} tags of {LONGEST_TAG} characters.")
    return names


def _number(least: int) -> Callable[[Any, Egress], int]:
    def read(given: Any, egress: Egress) -> int:
        text = str(given).strip()
        if not WHOLE.fullmatch(text) or not least <= int(text) <= MOST:
            raise ValueError(f"The value must be a whole number from {least} to {MOST}.")
        return int(text)

    return read


def _rate(given: Any, egress: Egress) -> str:
    limits.parse("", str(given))
    return str(given).strip().lower()


def _url(given: Any, egress: Egress) -> str:
    return egress.check_url(str(given).strip())


def _secret(given: Any, egress: Egress) -> str:
    text = str(given).strip()
    try:
        length = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        length = 0
    if not text.startswith("whsec_") or not 24 <= length <= 64:
        raise ValueError("The value must be whsec_ and 24 to 64 bytes in base64.")
    return text


def _one_of(*choices: str) -> Callable[[Any, Egress], str]:
    def read(given: Any, egress: Egress) -> str:
        if given not in choices:
            raise ValueError(f"The value must be one of {', '.join(choices)}.")
        return given

    return read


FLAGS = {
    "yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False,
}  # fmt: skip
MOST = 1_000_000_000_000
RATE = "rate."
BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
SIGNS = "webhook_secret"
WEBHOOK_EVENTS = (
    "new_contact", "contact_tagged", "new_message", "human_alerted", "conversation_summary", "flow_completed"
)  # fmt: skip
"""What the account's webhook can be told; nothing chosen means everything."""
MOST_TAGS, LONGEST_TAG = 50, 100
WHOLE = re.compile(r"-?\d{1,13}", re.ASCII)

KNOWN: dict[str, Setting] = {
    "name": Setting(lambda given, egress: accounts.check_name(str(given)), column=True),
    "timezone": Setting(lambda given, egress: places.timezone(str(given)), column=True),
    "country": Setting(lambda given, egress: places.country(str(given)), column=True, removable=True),
    "languages": Setting(_languages, column=True),
    "date_style": Setting(_one_of("day_first", "month_first", "year_first"), "day_first"),
    "anon": Setting(_flag, False),
    "archive_after_days": Setting(_number(7), removable=True),
    "confirm_all": Setting(_flag, False),
    "mail_tracking": Setting(_flag, True),
    "bounce_limit": Setting(_number(0), 10),
    "ai_use_model": Setting(_flag, True),
    "ai_monthly_tokens": Setting(_number(0), operator=True, removable=True),
    "ai_monthly_cost": Setting(_number(0), operator=True, removable=True),
    "flagged": Setting(_flag, False, operator=True),
    "suspended": Setting(_flag, column=True, operator=True),
    "metered": Setting(_flag, column=True, operator=True),
    "starting_credits": Setting(_number(0), 0),
    "webhook_url": Setting(_url, removable=True),
    "webhook_events": Setting(_events, [], removable=True),
    "webhook_tags": Setting(_tags, [], removable=True),
    SIGNS: Setting(_secret, removable=True),
    "auto_recharge_threshold": Setting(_number(0), removable=True),
    "auto_recharge_amount": Setting(_number(1), removable=True),
    "auto_recharge_url": Setting(_url, removable=True),
}

UPDATE = sql(f"""
    update accounts set
        name = coalesce($2::jsonb ->> 'name', name),
        timezone = coalesce($2 ->> 'timezone', timezone),
        country = case when $2 ? 'country' then $2 ->> 'country' else country end,
        languages = case when $2 ? 'languages' then array(select jsonb_array_elements_text($2 -> 'languages'))
            else languages end,
        suspended = coalesce(($2 ->> 'suspended')::boolean, suspended),
        metered = coalesce(($2 ->> 'metered')::boolean, metered),
        settings = (settings || $3::jsonb) - $4::text[]
    where id = $1 and deleted_at is null
    returning {accounts.COLUMNS}
""")

SECRET = sql("select settings ->> 'webhook_secret' from accounts where id = $1")

# Whoever made one at the same moment wins.
KEEP_SECRET = sql("""
    update accounts set settings = jsonb_build_object('webhook_secret', $2::text) || settings
    where id = $1
    returning settings ->> 'webhook_secret'
""")

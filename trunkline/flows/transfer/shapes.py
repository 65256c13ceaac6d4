"""The parts of an export in today's shape, whichever version wrote them. A ValueError says what cannot be read."""

from decimal import Decimal
from typing import Any

FIELD_TYPES = ("text", "number", "datetime", "state", "district", "ward")
OLD_FIELD_TYPES = {
    "t": "text",
    "n": "number",
    "d": "datetime",
    "s": "state",
    "i": "district",
    "w": "ward",
    "numeric": "number",
}
SYSTEM_FIELDS = ("created_on", "last_seen_on")


def field(raw: dict[str, Any]) -> dict[str, Any]:
    """`type` is what the file says where that is none of ours; who imports it decides."""
    key = _text(raw, "key").strip().lower()
    if not 1 <= len(key) <= 64:
        raise ValueError("A field needs a key of at most 64 characters")
    kind = str(raw.get("type") or raw.get("value_type") or "text").lower()
    return {
        "key": key,
        "name": _optional(raw, "name") or _optional(raw, "label") or title(key),
        "type": OLD_FIELD_TYPES.get(kind, kind),
    }


def group(raw: dict[str, Any]) -> dict[str, Any]:
    return {"uuid": _optional(raw, "uuid"), "name": _named(raw, "group"), "query": _optional(raw, "query") or None}


def trigger(raw: dict[str, Any]) -> dict[str, Any]:
    """Unknown keys stay, a schedule for one."""
    shaped = {key: value for key, value in raw.items() if key != "keyword"}
    shaped["trigger_type"] = _text(raw, "trigger_type")
    shaped["flow"] = reference(raw.get("flow"))
    shaped["groups"] = references(raw.get("groups"))
    shaped["exclude_groups"] = references(raw.get("exclude_groups"))
    if raw.get("channel") is not None:
        shaped["channel"] = reference(raw["channel"])
    if shaped["trigger_type"] == "K":
        shaped["keywords"] = _keywords(raw)
        shaped["match_type"] = _optional(raw, "match_type") or "F"
    return shaped


def _keywords(raw: dict[str, Any]) -> list[str]:
    keywords = raw.get("keywords")
    if keywords is None:
        keywords = [raw["keyword"]] if raw.get("keyword") else []
    if not isinstance(keywords, list) or not all(isinstance(keyword, str) for keyword in keywords):
        raise ValueError("Keywords are a list of texts")
    return [keyword.strip().lower() for keyword in keywords]


def campaign(raw: dict[str, Any]) -> dict[str, Any]:
    events = [] if raw.get("events") is None else raw["events"]
    if not isinstance(events, list) or not all(isinstance(item, dict) for item in events):
        raise ValueError("Events are a list of objects")
    return {
        "uuid": _optional(raw, "uuid"),
        "name": _named(raw, "campaign"),
        "group": reference(raw.get("group")),
        "events": [event(item) for item in events],
    }


def event(raw: dict[str, Any]) -> dict[str, Any]:
    kind = _text(raw, "event_type")
    if kind not in ("F", "M"):
        raise ValueError("An event starts a flow (F) or sends a message (M)")
    if (unit := _text(raw, "unit")) not in ("M", "H", "D", "W"):
        raise ValueError("The unit of an event is M, H, D or W")
    relative_to = reference(raw.get("relative_to"), "key")
    shaped = {
        "uuid": _optional(raw, "uuid"),
        "event_type": kind,
        "offset": _integer(raw.get("offset", 0)),
        "unit": unit,
        "delivery_hour": _integer(-1 if raw.get("delivery_hour") is None else raw["delivery_hour"]),
        "message": None,
        "relative_to": {"label": _optional(relative_to, "label"), "key": relative_to["key"].lower()},
        "start_mode": _optional(raw, "start_mode") or "I",
    }
    if kind == "F":
        return shaped | {"flow": reference(raw.get("flow"))}
    language = _language(_optional(raw, "base_language"))
    return shaped | {"message": _message(raw.get("message"), language), "base_language": language}


def _message(raw: Any, language: str) -> dict[str, str]:
    """Older files have one text, or translations under names of languages that are none."""
    if isinstance(raw, str):
        return {language: raw}
    if not isinstance(raw, dict) or not all(isinstance(text, str) for text in raw.values()):
        raise ValueError("The message of an event is its text by language")
    return {_language(code): text for code, text in raw.items()}


def _language(code: str) -> str:
    return code if len(code) == 3 else "und"


def reference(raw: Any, key: str = "uuid") -> dict[str, Any]:
    """Some thing by uuid (or key) and name; extra keys stay."""
    if not isinstance(raw, dict) or not isinstance(raw.get(key) or raw.get("name"), str):
        raise ValueError(f"A reference needs a {key} or a name")
    if key == "key" and not isinstance(raw.get("key"), str):
        raise ValueError("A field is named by its key")
    return raw | {key: _optional(raw, key), "name": _optional(raw, "name")} if key == "uuid" else raw


def references(raw: Any) -> list[dict[str, Any]]:
    if raw is not None and not isinstance(raw, list):
        raise ValueError("References are a list")
    return [reference(item) for item in raw or ()]


def title(key: str) -> str:
    """A name for a field of which only the key is known: `next_visit` is `Next Visit`."""
    return " ".join(word.capitalize() for word in key.split("_") if word) or key


def _named(raw: dict[str, Any], what: str) -> str:
    name = _optional(raw, "name").strip()
    if not name:
        raise ValueError(f"A {what} needs a name")
    return name


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is missing")
    return value


def _optional(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a text")
    return value or ""


def _integer(value: Any) -> int:
    """Older files write numbers as text now and then."""
    if isinstance(value, bool) or not isinstance(value, (int, str, float, Decimal)):
        raise ValueError("A whole number is expected")
    try:
        number = int(str(value))
    except ValueError:
        raise ValueError("A whole number is expected") from None
    if abs(number) > 10**9:
        raise ValueError("That number is too large")
    return number

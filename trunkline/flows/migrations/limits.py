"""Steps that make values fit their limits: 13.2.0, 13.6.0, 13.6.1, 14.0.0 and the languages of 14.2.0."""

import re
from decimal import Decimal
from typing import Any

from trunkline.expressions.tokens import Token
from trunkline.flows.migrations.catalogue import AT_13_6, rewrite
from trunkline.flows.migrations.shape import actions, localization, nodes, objects, router
from trunkline.flows.migrations.steps import Flow, Supplies, step
from trunkline.flows.migrations.templates import Change, rewritten

LONGEST_RESULT = 64
LONGEST_CATEGORY = 36
LONGEST_EXPIRY = {"messaging": 20_160, "voice": 15}

LANGUAGE = re.compile(r"[A-Za-z]{3}", re.ASCII)
UNDETERMINED = "und"


@step("13.2.0")
def name_language(flow: Flow, supplies: Supplies) -> None:
    """`base`, nothing and whatever else is no code of three letters become `und`, which needs no translation."""
    language = flow.get("language")
    if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
        flow["language"] = UNDETERMINED
    localization(flow).pop(UNDETERMINED, None)


@step("13.6.0")
def cut_names(flow: Flow, supplies: Supplies) -> None:
    for action in actions(flow):
        _cut(action, "result_name", LONGEST_RESULT)
    for action in actions(flow, "set_run_result"):
        _cut(action, "name", LONGEST_RESULT)
        _cut(action, "category", LONGEST_CATEGORY)
    for node in nodes(flow):
        _cut(router(node), "result_name", LONGEST_RESULT)
        for category in objects(router(node), "categories"):
            _cut(category, "name", LONGEST_CATEGORY)


def _cut(owner: dict[str, Any], key: str, longest: int) -> None:
    """Too long is judged by bytes and mended by characters; that is how this version counts."""
    name = owner.get(key)
    if isinstance(name, str) and len(name.encode("utf-8", "surrogatepass")) > longest:
        owner[key] = name.strip()[:longest].strip()


@step("13.6.1")
def cut_result_keys(flow: Flow, supplies: Supplies) -> None:
    """Templates that look up a result by a name that 13.6.0 has cut."""
    rewrite(flow, AT_13_6, lambda template: rewritten(template, "results", _cut_lookup, inside=RUNS))


# Runs whose results are looked up too.
RUNS = ("run", "child", "parent")


def _cut_lookup(tokens: list[Token], place: int) -> Change | None:
    """`results.x`, or `results["x"]`."""
    sign, key = (*tokens[place + 1 : place + 3], END, END)[:2]
    start, end = key.at, key.at + len(key.written)
    if sign.written == "[" and key.kind == "text":
        start, end = start + 1, end - 1
    elif sign.written != "." or key.kind != "name":
        return None
    return Change(start + LONGEST_RESULT, end, "") if end - start > LONGEST_RESULT else None


END = Token("end", "", 0)


@step("14.0.0")
def cap_expiry(flow: Flow, supplies: Supplies) -> None:
    minutes, kind = flow.get("expire_after_minutes"), flow.get("type")
    longest = LONGEST_EXPIRY.get(kind, 0) if isinstance(kind, str) else 0
    if isinstance(minutes, int | float | Decimal) and not isinstance(minutes, bool) and minutes > longest:
        flow["expire_after_minutes"] = longest


@step("14.0.0")
def name_categories(flow: Flow, supplies: Supplies) -> None:
    for node in nodes(flow):
        for category in objects(router(node), "categories"):
            if category.get("name") in ("", None):
                category["name"] = "Match"


@step("14.2.0")
def drop_languages(flow: Flow, supplies: Supplies) -> None:
    languages = localization(flow)
    for language in [name for name in languages if not LANGUAGE.fullmatch(name)]:
        del languages[language]

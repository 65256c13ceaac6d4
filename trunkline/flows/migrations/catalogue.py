"""Where templates are in the definitions of a version, so that a step can rewrite all of them."""

from collections.abc import Callable, Iterator
from typing import Any

from trunkline.flows.migrations.shape import nodes, objects, router, text, translations

Flow = dict[str, Any]
Edit = Callable[[str], str]

# A way from an action to its templates: keys, and `*` for each entry of a list or each value of an object.
Path = tuple[str, ...]
Catalogue = dict[str, tuple[Path, ...]]

GROUPS: Path = ("groups", "*", "name_match")
CONTENT: tuple[Path, ...] = (("text",), ("attachments", "*"), ("quick_replies", "*"))
RECIPIENTS: tuple[Path, ...] = (GROUPS, ("contact_query",), ("legacy_vars", "*"))

# Flow spec 13.0.0 to 13.3.0, the version of the first step that rewrites templates.
AT_13_3: Catalogue = {
    "add_contact_groups": (GROUPS,),
    "add_contact_urn": (("path",),),
    "add_input_labels": (("labels", "*", "name_match"),),
    "call_classifier": (("input",),),
    "call_webhook": (("url",), ("headers", "*"), ("body",)),
    "open_ticket": (("body",), ("assignee", "email_match")),
    "play_audio": (("audio_url",),),
    "remove_contact_groups": (GROUPS,),
    "say_msg": (("text",),),
    "send_broadcast": (*CONTENT, *RECIPIENTS),
    "send_email": (("addresses", "*"), ("subject",), ("body",)),
    "send_msg": (*CONTENT, ("templating", "variables", "*")),
    "set_contact_field": (("value",),),
    "set_contact_language": (("language",),),
    "set_contact_name": (("name",),),
    "set_contact_timezone": (("timezone",),),
    "set_run_result": (("value",),),
    "start_session": RECIPIENTS,
}

# Flow spec 13.5.0 flattened the variables of message templates.
AT_13_6: Catalogue = AT_13_3 | {"send_msg": (*CONTENT, ("template_variables", "*"))}

ROUTER: tuple[Path, ...] = (("operand",), ("wait", "phone"))
CASE: tuple[Path, ...] = (("arguments", "*"),)


def rewrite(flow: Flow, catalogue: Catalogue, edit: Edit) -> None:
    """Every template of actions, routers, waits and their translations, replaced by what `edit` makes of it."""
    translated: dict[tuple[str, str], None] = {}
    for node in nodes(flow):
        split = router(node)
        owners = [(action, catalogue.get(text(action, "type"), ())) for action in objects(node, "actions")]
        owners += [(split, ROUTER), *((case, CASE) for case in objects(split, "cases"))]
        for owner, paths in owners:
            for path in paths:
                translated |= dict.fromkeys(_follow(owner, path, edit))
    # A uuid may be there twice, its translations are not.
    for uuid, key in translated:
        for properties in translations(flow, {"uuid": uuid}):
            _edit(properties, key, edit)


def _follow(owner: Flow, path: Path, edit: Edit) -> Iterator[tuple[str, str]]:
    """Edits what a path leads to. Gives the uuid and key under which it is translated: those of the innermost thing."""
    key, rest = path[0], path[1:]
    if rest in ((), ("*",)):
        _edit(owner, key, edit)
        yield text(owner, "uuid"), key
    elif rest[0] == "*":
        for item in objects(owner, key):
            yield from _follow(item, rest[1:], edit)
    elif isinstance(inner := owner.get(key), dict):
        yield from _follow(inner, rest, edit)


def _edit(owner: Flow, key: str, edit: Edit) -> None:
    """Edits a text, the texts of a list, or the texts among an object's values."""
    value = owner.get(key)
    if isinstance(value, str):
        owner[key] = edit(value)
    elif isinstance(value, list):
        owner[key] = [edit(item) if isinstance(item, str) else item for item in value]
    elif isinstance(value, dict):
        owner[key] = {name: edit(item) if isinstance(item, str) else item for name, item in value.items()}

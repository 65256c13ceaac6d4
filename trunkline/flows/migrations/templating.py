"""Steps for messages made from a channel's templates: 13.1.0, 13.4.0 and 13.5.0."""

from typing import Any

from trunkline.flows.migrations.shape import (
    actions,
    forget_translation,
    localization,
    objects,
    replaced,
    text,
    texts,
)
from trunkline.flows.migrations.steps import Flow, Supplies, step


@step("13.1.0")
def give_uuids(flow: Flow, supplies: Supplies) -> None:
    """The template of a message gets a uuid, under which its variables can be translated."""
    for action in actions(flow, "send_msg"):
        templating = action.get("templating")
        if isinstance(templating, dict) and not text(templating, "uuid"):
            templating["uuid"] = supplies.ids()


@step("13.4.0")
def use_components(flow: Flow, supplies: Supplies) -> None:
    """The one list of variables becomes that of the component `body`; so do its translations."""
    for action in actions(flow, "send_msg"):
        templating = action.get("templating")
        if isinstance(templating, dict) and isinstance(variables := templating.get("variables"), list):
            body = {"uuid": supplies.ids(), "name": "body", "params": variables}
            _move_translations(flow, templating, body)
            replaced(templating, "variables", {"components": [body]})


def _move_translations(flow: Flow, templating: dict[str, Any], body: dict[str, Any]) -> None:
    uuid = text(templating, "uuid")
    for language in localization(flow).values():
        properties = language.get(uuid) if isinstance(language, dict) and uuid else None
        if isinstance(properties, dict) and "variables" in properties:
            language[body["uuid"]] = {"params": properties["variables"]}
    forget_translation(flow, templating, "variables")


@step("13.5.0")
def flatten_variables(flow: Flow, supplies: Supplies) -> None:
    """The message itself names the template and lists the variables of all components, one after the other."""
    for action in actions(flow, "send_msg"):
        templating = action.get("templating")
        if not isinstance(templating, dict):
            continue
        components = objects(templating, "components")
        _merge_translations(flow, action, components)
        variables = [param for component in components for param in _params(component)]
        new = {"template": templating["template"]} if "template" in templating else {}
        replaced(action, "templating", {**new, "template_variables": variables})


def _merge_translations(flow: Flow, action: dict[str, Any], components: list[dict[str, Any]]) -> None:
    for language in localization(flow).values():
        if not isinstance(language, dict):
            continue
        translated = [_translated(language, component) for component in components]
        uuid = text(action, "uuid")
        if uuid and any(params is not None for params in translated):
            merged = [
                param
                for params, component in zip(translated, components, strict=True)
                for param in _filled(params or [], _params(component))
            ]
            properties = language.get(uuid)
            language[uuid] = (properties if isinstance(properties, dict) else {}) | {"template_variables": merged}
    for component in components:
        forget_translation(flow, component, "params")


def _translated(language: dict[str, Any], component: dict[str, Any]) -> list[str] | None:
    uuid = text(component, "uuid")
    properties = language.get(uuid) if uuid else None
    return texts(properties.get("params")) if isinstance(properties, dict) else None


def _params(component: dict[str, Any]) -> list[Any]:
    params = component.get("params")
    return params if isinstance(params, list) else []


def _filled(translated: list[str], base: list[Any]) -> list[Any]:
    """As many as there are in the base language, so that the variables of later components keep their places."""
    return translated[: len(base)] + base[len(translated) :]

"""Flow spec 13.1.0, 13.4.0 and 13.5.0: messages made from a channel's templates."""

import pytest

from trunkline.flows.migrations import migrate

TEMPLATE = {"uuid": "w1", "name": "appointment"}


def sent(**fields):
    return {"type": "send_msg", "uuid": "a1", "text": "Hi", **fields}


def test_13_1_templating_gets_a_uuid(flow, acting, ids):
    definition = flow("13.0.0", acting(sent(templating={"template": TEMPLATE, "variables": []}), sent()))

    migrated = migrate(definition, "13.1.0", ids=ids)

    templating = {"template": TEMPLATE, "variables": [], "uuid": "new-1"}
    assert migrated["nodes"] == [acting(sent(templating=templating), sent())]


@pytest.mark.parametrize(
    "action",
    [
        sent(),
        sent(templating=None),
        sent(templating=[]),
        sent(templating={"uuid": "t1"}),
        {"type": "send_broadcast", "uuid": "a1", "templating": {}},
    ],
)
def test_13_1_nothing_else_does(flow, acting, action):
    assert migrate(flow("13.0.0", acting(action)), "13.1.0")["nodes"] == [acting(action)]


def test_13_4_variables_become_those_of_the_body(flow, acting, ids):
    templating = {"uuid": "t1", "template": TEMPLATE, "variables": ["@contact.name", "3"]}

    migrated = migrate(flow("13.3.0", acting(sent(templating=templating))), "13.4.0", ids=ids)

    body = {"uuid": "new-1", "name": "body", "params": ["@contact.name", "3"]}
    assert migrated["nodes"] == [acting(sent(templating={"uuid": "t1", "template": TEMPLATE, "components": [body]}))]


def test_13_4_translations_move_along(flow, acting, ids):
    templating = {"uuid": "t1", "template": TEMPLATE, "variables": ["x"]}
    localization = {"spa": {"t1": {"variables": ["y"]}, "a1": {"text": ["Hola"]}}, "fra": {"a1": {"text": ["Salut"]}}}
    definition = flow("13.3.0", acting(sent(templating=templating)), localization=localization)

    migrated = migrate(definition, "13.4.0", ids=ids)

    assert migrated["localization"] == {
        "spa": {"a1": {"text": ["Hola"]}, "new-1": {"params": ["y"]}},
        "fra": {"a1": {"text": ["Salut"]}},
    }


@pytest.mark.parametrize("templating", [None, {}, {"template": TEMPLATE}, {"variables": None}, "x"])
def test_13_4_without_variables_there_are_no_components(flow, acting, templating):
    node = acting(sent(templating=templating))

    assert migrate(flow("13.3.0", node), "13.4.0")["nodes"] == [node]


def test_13_5_the_message_names_template_and_variables(flow, acting):
    components = [
        {"uuid": "b1", "name": "body", "params": ["x", "y"]},
        {"uuid": "b2", "name": "button", "params": ["z"]},
    ]
    action = {
        "type": "send_msg",
        "templating": {"uuid": "t1", "template": TEMPLATE, "components": components},
        "text": "Hi",
    }

    migrated = migrate(flow("13.4.0", acting(action)), "13.5.0")["nodes"][0]["actions"][0]

    assert migrated == {"type": "send_msg", "template": TEMPLATE, "template_variables": ["x", "y", "z"], "text": "Hi"}
    assert list(migrated) == ["type", "template", "template_variables", "text"]


def test_13_5_translations_are_merged(flow, acting):
    components = [
        {"uuid": "b1", "name": "body", "params": ["x", "y"]},
        {"uuid": "b2", "name": "button", "params": ["z"]},
    ]
    localization = {
        "spa": {"b1": {"params": ["equis", "ye"]}, "b2": {"params": ["zeta"]}, "a1": {"text": ["Hola"]}},
        "fra": {"b2": {"params": ["zède"]}},
        "deu": {"a1": {"text": ["Hallo"]}},
    }
    action = sent(templating={"uuid": "t1", "template": TEMPLATE, "components": components})

    migrated = migrate(flow("13.4.0", acting(action), localization=localization), "13.5.0")

    assert migrated["localization"] == {
        "spa": {"a1": {"text": ["Hola"], "template_variables": ["equis", "ye", "zeta"]}},
        "fra": {"a1": {"template_variables": ["x", "y", "zède"]}},
        "deu": {"a1": {"text": ["Hallo"]}},
    }


def test_from_13_0_to_13_5_variables_and_their_references_arrive(flow, acting):
    templating = {"uuid": "t1", "template": TEMPLATE, "variables": ["@webhook.day"]}
    definition = flow(
        "13.0.0",
        acting(sent(templating=templating)),
        language="eng",
        localization={"spa": {"t1": {"variables": ["@webhook.dia"]}}},
    )

    migrated = migrate(definition, "13.5.0")

    assert migrated["nodes"] == [acting(sent(template=TEMPLATE, template_variables=["@webhook.json.day"]))]
    assert migrated["localization"] == {"spa": {"a1": {"template_variables": ["@webhook.json.dia"]}}}

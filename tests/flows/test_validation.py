"""Definitions that do not load, each broken in one place, and where the fault is said to be."""

import copy

import pytest

from tests.flows import generating
from trunkline.flows import loading
from trunkline.flows.faults import InvalidFlow

SMALL = generating.small_flow()
STRANGER = "99999999-9999-4999-8999-999999999999"
NEW = "88888888-8888-4888-8888-888888888888"
SEND, WAIT, SAVE = (f"nodes[{place}]" for place in range(3))


def action(kind, **fields):
    return {"type": kind, "uuid": NEW, **fields}


def group(number=1):
    return {"uuid": f"{number:08d}-0000-4000-8000-000000000000", "name": "G"}


# Path of what is put into the small flow, the new value, path of the fault (the same if None).
BROKEN = [
    ("uuid", "no-uuid", None),
    ("uuid", None, None),
    ("name", "", None),
    ("name", "n" * 65, None),
    ("name", 5, None),
    ("language", "english", None),
    ("language", None, None),
    ("type", "survey", None),
    ("type", None, None),
    ("revision", -1, None),
    ("revision", "3", None),
    ("revision", True, None),
    ("expire_after_minutes", -5, None),
    ("expire_after_minutes", 1.5, None),
    ("nodes", {}, None),
    ("nodes", [None], "nodes[0]"),
    ("nodes", ["x"], "nodes[0]"),
    ("_ui", "x", None),
    ("_ui", {"note": "x" * 262_144}, "_ui"),
    ("nodes.0.uuid", "x", f"{SEND}.uuid"),
    ("nodes.0.uuid", None, f"{SEND}.uuid"),
    ("nodes.0.actions", "x", f"{SEND}.actions"),
    ("nodes.0.actions", [None], f"{SEND}.actions[0]"),
    ("nodes.0.exits", None, f"{SEND}.exits"),
    ("nodes.0.exits", [], f"{SEND}.exits"),
    ("nodes.0.exits", [None], f"{SEND}.exits[0]"),
    ("nodes.0.exits.0.uuid", "x", f"{SEND}.exits[0].uuid"),
    ("nodes.0.exits.0.destination_uuid", STRANGER, f"{SEND}.exits[0].destination_uuid"),
    ("nodes.0.actions.0", {"uuid": NEW}, f"{SEND}.actions[0].type"),
    ("nodes.0.actions.0", action("dance"), f"{SEND}.actions[0].type"),
    ("nodes.0.actions.0", {"type": "send_msg", "text": "x"}, f"{SEND}.actions[0].uuid"),
    ("nodes.0.actions.0", action("send_msg"), f"{SEND}.actions[0].text"),
    ("nodes.0.actions.0", action("say_msg", text="x"), f"{SEND}.actions[0].type"),
    ("nodes.0.actions.0", action("play_audio", audio_url="x"), f"{SEND}.actions[0].type"),
    ("nodes.0.actions.0.text", "t" * 10_001, f"{SEND}.actions[0].text"),
    ("nodes.0.actions.0.text", ["x"], f"{SEND}.actions[0].text"),
    ("nodes.0.actions.0.attachments", ["image:x"] * 11, f"{SEND}.actions[0].attachments"),
    ("nodes.0.actions.0.attachments", ["image:" + "x" * 8192], f"{SEND}.actions[0].attachments[0]"),
    ("nodes.0.actions.0.quick_replies", ["x"] * 11, f"{SEND}.actions[0].quick_replies"),
    ("nodes.0.actions.0.quick_replies", ["x" * 1001], f"{SEND}.actions[0].quick_replies[0]"),
    ("nodes.0.actions.0.template_variables", ["x"] * 101, f"{SEND}.actions[0].template_variables"),
    ("nodes.0.actions.0.template", {"name": "x"}, f"{SEND}.actions[0].template.uuid"),
    ("nodes.0.actions.0", action("add_contact_groups", groups=[{"name": "G"}]), f"{SEND}.actions[0].groups[0]"),
    (
        "nodes.0.actions.0",
        action("add_contact_groups", groups=[group(n) for n in range(101)]),
        f"{SEND}.actions[0].groups",
    ),
    (
        "nodes.0.actions.0",
        action("remove_contact_groups", groups=[group()], all_groups=True),
        f"{SEND}.actions[0]",
    ),
    (
        "nodes.0.actions.0",
        action("send_email", addresses=[], subject="s", body="b"),
        f"{SEND}.actions[0].addresses",
    ),
    ("nodes.0.actions.0", action("set_contact_status", status="gone"), f"{SEND}.actions[0].status"),
    (
        "nodes.0.actions.0",
        action("set_contact_field", field={"name": "Age"}, value="x"),
        f"{SEND}.actions[0].field.key",
    ),
    (
        "nodes.0.actions.0",
        action("set_run_result", name="", value="x"),
        f"{SEND}.actions[0].name",
    ),
    ("nodes.0.actions.0", action("set_run_result", name="n" * 65), f"{SEND}.actions[0].name"),
    (
        "nodes.0.actions.0",
        action("set_run_result", name="n", category="c" * 65),
        f"{SEND}.actions[0].category",
    ),
    (
        "nodes.0.actions.0",
        action("set_run_local", local="9lives", operation="set"),
        f"{SEND}.actions[0].local",
    ),
    (
        "nodes.0.actions.0",
        action("set_run_local", local="x", operation="double"),
        f"{SEND}.actions[0].operation",
    ),
    ("nodes.0.actions.0", action("enter_flow"), f"{SEND}.actions[0].flow"),
    (
        "nodes.0.actions.0",
        action("call_webhook", method="GET", url="u" * 8193),
        f"{SEND}.actions[0].url",
    ),
    (
        "nodes.0.actions.0",
        action("call_webhook", method="GET", url="u", headers={str(n): "x" for n in range(11)}),
        f"{SEND}.actions[0].headers",
    ),
    (
        "nodes.0.actions.0",
        action("call_webhook", method="GET", url="u", headers={"k" * 101: "x"}),
        f"{SEND}.actions[0].headers",
    ),
    (
        "nodes.0.actions.0",
        action("call_webhook", method="GET", url="u", headers={"k": "x" * 5001}),
        f"{SEND}.actions[0].headers[...]",
    ),
    (
        "nodes.0.actions.0",
        action("call_webhook", method="GET", url="u", body="x" * 20_001),
        f"{SEND}.actions[0].body",
    ),
    (
        "nodes.0.actions.0",
        action("transfer_airtime", amounts={"USD": -1}),
        f"{SEND}.actions[0]",
    ),
    (
        "nodes.0.actions.0",
        action("transfer_airtime", amounts={"USD": 10**15 + 1}),
        f"{SEND}.actions[0]",
    ),
    ("nodes.1.router", "x", f"{WAIT}.router"),
    ("nodes.1.router.type", "coin", f"{WAIT}.router.type"),
    ("nodes.1.router.operand", None, f"{WAIT}.router.operand"),
    ("nodes.1.router.result_name", "r" * 65, f"{WAIT}.router.result_name"),
    ("nodes.1.router.categories", [], f"{WAIT}.router.categories"),
    ("nodes.1.router.categories.0.exit_uuid", STRANGER, f"{WAIT}.router.categories[0].exit_uuid"),
    ("nodes.1.router.categories.0.name", "", f"{WAIT}.router.categories[0].name"),
    ("nodes.1.router.categories.0.name", "n" * 65, f"{WAIT}.router.categories[0].name"),
    ("nodes.1.router.cases.0.category_uuid", STRANGER, f"{WAIT}.router.cases[0].category_uuid"),
    ("nodes.1.router.cases.0.type", "has_nothing", f"{WAIT}.router.cases[0].type"),
    ("nodes.1.router.cases.0.arguments", ["x"] * 11, f"{WAIT}.router.cases[0].arguments"),
    ("nodes.1.router.cases.0.arguments", [5], f"{WAIT}.router.cases[0].arguments[0]"),
    ("nodes.1.router.default_category_uuid", STRANGER, f"{WAIT}.router.default_category_uuid"),
    ("nodes.1.router.wait.type", "nap", f"{WAIT}.router.wait.type"),
    ("nodes.1.router.wait", {"type": "dial", "phone": "+1"}, f"{WAIT}.router.wait.type"),
    ("nodes.1.router.wait.timeout.seconds", 0, f"{WAIT}.router.wait.timeout.seconds"),
    ("nodes.1.router.wait.timeout.category_uuid", STRANGER, f"{WAIT}.router.wait.timeout.category_uuid"),
    ("nodes.1.router.wait.hint", {"type": "smell"}, f"{WAIT}.router.wait.hint.type"),
    ("localization", [], None),
    ("localization.fra", [], None),
    ("localization.fra.no-uuid", {}, "localization.fra"),
    (f"localization.fra.{NEW}", "x", None),
    (f"localization.fra.{NEW}", {"": ["x"]}, None),
    (f"localization.fra.{NEW}", {"p" * 65: ["x"]}, None),
    (f"localization.fra.{NEW}", {str(n): ["x"] for n in range(11)}, f"localization.fra.{NEW}.10"),
    (f"localization.fra.{NEW}", {"text": ["x"] * 11}, f"localization.fra.{NEW}.text"),
    (f"localization.fra.{NEW}", {"text": ["x" * 10_001]}, f"localization.fra.{NEW}.text"),
    ("localization.fr", {}, "localization"),
    ("localization.french", {}, "localization"),
]


def changed(path, value):
    flow = copy.deepcopy(SMALL)
    *way, last = path.split(".")
    place = flow
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return flow


@pytest.mark.parametrize(("path", "value", "fault"), BROKEN)
def test_the_fault_is_found_where_it_is(path, value, fault):
    broken = changed(path, value)

    with pytest.raises(InvalidFlow) as error:
        loading.load(broken)

    assert error.value.path == (path if fault is None else fault)


@pytest.mark.parametrize(
    ("there", "fault"),
    [
        ("nodes.1.uuid", f"{WAIT}.uuid"),
        ("nodes.2.actions.0.uuid", f"{SAVE}.actions[0].uuid"),
        ("nodes.2.exits.0.uuid", f"{SAVE}.exits[0].uuid"),
    ],
)
def test_nodes_actions_and_exits_share_no_uuid(there, fault):
    first = SMALL["nodes"][0]["actions"][0]["uuid"]
    flow = changed("nodes.0.exits.0.destination_uuid", None)

    broken = generating.replaced(flow, _path(there), first)

    with pytest.raises(InvalidFlow) as error:
        loading.load(broken)
    assert error.value.path == fault


def _path(text):
    return tuple(int(part) if part.isdigit() else part for part in text.split("."))


def test_cases_and_categories_may_share_a_uuid_with_a_node():
    flow = changed("nodes.1.router.cases.0.uuid", SMALL["nodes"][0]["uuid"])

    assert loading.load(flow)


def repeated(path, count):
    """The small flow with its first action, exit, category or case `count` times over."""
    *way, last = _path(path)
    place = SMALL
    for key in (*way, last):
        place = place[key]
    copies = [{**place[0], "uuid": f"{number:08d}-1111-4111-8111-111111111111"} for number in range(count)]
    return generating.replaced(SMALL, (*way, last), place + copies)


LISTS = ("nodes.0.actions", "nodes.0.exits", "nodes.1.router.categories", "nodes.1.router.cases")


@pytest.mark.parametrize("path", LISTS)
def test_a_node_has_at_most_a_hundred_of_each(path):
    with pytest.raises(InvalidFlow):
        loading.load(repeated(path, 100))


@pytest.mark.parametrize("path", LISTS)
def test_a_node_may_have_many_of_each(path):
    assert loading.load(repeated(path, 90))


@pytest.mark.parametrize(("count", "loads"), [(1000, True), (1001, False)])
def test_a_flow_has_at_most_a_thousand_nodes(count, loads):
    node = {"uuid": "", "exits": [{"uuid": ""}]}
    nodes = [
        {
            **node,
            "uuid": f"{number:08d}-1111-4111-8111-111111111111",
            "exits": [{"uuid": f"{number:08d}-2222-4222-8222-222222222222"}],
        }
        for number in range(count)
    ]
    flow = {**SMALL, "nodes": nodes}

    try:
        loaded = loading.load(flow)
    except InvalidFlow as error:
        loaded = error

    assert isinstance(loaded, InvalidFlow) is not loads


OFFLINE = ["send_email", "send_broadcast", "start_session", "call_webhook", "open_ticket", "transfer_airtime"]


@pytest.mark.parametrize("kind", OFFLINE)
def test_offline_flows_use_nothing_that_needs_a_network(kind):
    make = generating.Maker()
    make.begin("messaging")
    node = make.node([make.action(kind, "messaging")], None, None)

    with pytest.raises(InvalidFlow) as error:
        loading.load({**SMALL, "type": "messaging_offline", "nodes": [node], "localization": {}})

    assert error.value.path == "nodes[0].actions[0].type"


def test_background_flows_do_not_wait():
    with pytest.raises(InvalidFlow) as error:
        loading.load({**SMALL, "type": "messaging_background"})

    assert error.value.path == f"{WAIT}.router.wait.type"


def test_background_flows_label_no_input():
    make = generating.Maker()
    make.begin("messaging")
    node = make.node([make.action("add_input_labels", "messaging")], None, None)

    with pytest.raises(InvalidFlow) as error:
        loading.load({**SMALL, "type": "messaging_background", "nodes": [node]})

    assert error.value.path == "nodes[0].actions[0].type"

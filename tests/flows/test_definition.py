"""Loading a definition: what it becomes, and what of it is kept."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flows import generating
from trunkline.flows import actions, loading
from trunkline.flows.actions.set_contact_channel import SetContactChannel
from trunkline.flows.actions.transfer_airtime import TransferAirtime
from trunkline.flows.actions.unknown import Unknown
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.routers.switch import Switch

NODE, EXIT, ACTION = (f"{number:08d}-0000-4000-8000-000000000000" for number in (1, 2, 3))


def definition(**changes):
    return {
        "uuid": "00000000-0000-4000-8000-000000000000",
        "name": "Drinks",
        "spec_version": "14.4.2",
        "language": "eng",
        "type": "messaging",
        "nodes": [
            {
                "uuid": NODE,
                "actions": [{"type": "send_msg", "uuid": ACTION, "text": "Tea or coffee?"}],
                "exits": [{"uuid": EXIT}],
            }
        ],
        **changes,
    }


def test_the_first_node_is_the_entry():
    flow = loading.load(definition())

    assert flow.entry is flow.node(NODE)


def test_a_flow_without_nodes_loads():
    flow = loading.load(definition(nodes=[]))

    assert flow.entry is None


def test_what_is_left_out_has_its_default():
    flow = loading.load(definition())

    assert (flow.revision, flow.expire_after_minutes) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "minutes", "expected"),
    [
        ("messaging", 0, timedelta(days=3)),
        ("messaging", 60, timedelta(hours=1)),
        ("voice", 0, timedelta(minutes=5)),
        ("messaging_background", 0, timedelta(0)),
        ("messaging_offline", 0, timedelta(0)),
    ],
)
def test_no_expiry_is_the_one_of_the_type(kind, minutes, expected):
    flow = loading.load(definition(type=kind, expire_after_minutes=minutes))

    assert flow.expires_after == expected


def test_null_counts_as_absent():
    raw = {"type": "set_contact_channel", "uuid": ACTION, "channel": None}
    node = {"uuid": NODE, "actions": [raw], "router": None, "exits": [{"uuid": EXIT, "destination_uuid": None}]}

    flow = loading.load(definition(nodes=[node], localization=None, _ui=None, revision=None))

    assert isinstance(action := flow.nodes[0].actions[0], SetContactChannel)
    assert action.channel is None


def test_an_empty_destination_ends_the_flow():
    node = {"uuid": NODE, "exits": [{"uuid": EXIT, "destination_uuid": ""}]}

    flow = loading.load(definition(nodes=[node]))

    assert flow.nodes[0].exits[0].destination_uuid is None


def test_what_is_not_read_is_kept():
    extra = {"_ui": {"nodes": {}, "odd": [1.5, None]}, "metadata": {"author": "Ann"}, "vars": ["x"]}

    flow = loading.load(definition(**extra))

    assert {key: flow.raw[key] for key in extra} == extra


def test_older_definitions_are_migrated():
    flow = loading.load(definition(spec_version="13.1.0", language="base"))

    assert (flow.language, flow.raw["spec_version"]) == ("und", "14.4.2")


@pytest.mark.parametrize("version", ["10.4", "14.5.0", "99.0.0"])
def test_versions_that_are_not_ours_are_refused(version):
    with pytest.raises(UnsupportedVersion):
        loading.load(definition(spec_version=version))


def test_unknown_actions_are_refused():
    node = {"uuid": NODE, "actions": [{"type": "send_catalogue", "uuid": ACTION}], "exits": [{"uuid": EXIT}]}

    with pytest.raises(InvalidFlow) as error:
        loading.load(definition(nodes=[node]))

    assert error.value.path == "nodes[0].actions[0].type"


def test_unknown_actions_can_be_kept():
    raw = {"type": "send_catalogue", "uuid": ACTION, "items": [1, 2]}
    node = {"uuid": NODE, "actions": [raw], "exits": [{"uuid": EXIT}]}

    flow = loading.load(definition(nodes=[node]), strict=False)

    assert flow.nodes[0].actions == (Unknown(uuid=ACTION, raw=raw),)


def test_amounts_stay_exact():
    action = {"type": "transfer_airtime", "uuid": ACTION, "amounts": {"USD": Decimal("0.1"), "RWF": 500}}

    flow = loading.load(definition(nodes=[{"uuid": NODE, "actions": [action], "exits": [{"uuid": EXIT}]}]))

    assert isinstance(transfer := flow.nodes[0].actions[0], TransferAirtime)
    assert transfer.amounts == {"USD": Decimal("0.1"), "RWF": Decimal(500)}


def test_there_are_26_types_of_action():
    assert len(actions.TYPES) == 26


def test_every_action_and_test_of_a_large_export_loads():
    flows = [loading.load(flow) for flow in generating.export(1)["flows"]]

    used = {action.type for flow in flows for _, action in flow.actions()}
    switches = [node.router for flow in flows for node in flow.nodes if isinstance(node.router, Switch)]
    assert used == set(actions.TYPES)
    assert {case.type for switch in switches for case in switch.cases} == set(generating.TESTS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
SMALL = generating.small_flow()


def places(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(list(places(SMALL))), junk=JSON | st.sampled_from(["@(" * 5000, "\0", "a" * 10_001]))
def test_whatever_is_put_anywhere_there_is_a_flow_or_a_fault(path, junk):
    broken = generating.replaced(SMALL, path, junk)

    try:
        loaded = loading.load(broken, strict=False)
    except (InvalidFlow, UnsupportedVersion) as error:
        loaded = error

    assert loaded is not None


@pytest.mark.parametrize("document", [None, 5, "flow", [], {}, {"spec_version": "14.4.2"}, {"spec_version": 5}])
def test_what_is_no_definition_is_a_fault(document):
    with pytest.raises((InvalidFlow, UnsupportedVersion)):
        loading.load(document)


def test_what_is_nested_too_deep_is_a_fault():
    deep: list = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(InvalidFlow):
        loading.load(definition(_ui={"deep": deep}))

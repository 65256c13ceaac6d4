"""Flow spec 14.2.0 and 14.3.0: tickets and airtime."""

import pytest

from trunkline.flows.migrations import migrate

TICKET = {"type": "open_ticket", "uuid": "a1", "topic": None, "note": "Help", "result_name": "Ticket"}
AIRTIME = {"type": "transfer_airtime", "uuid": "a1", "amounts": {"RWF": 500}, "result_name": "Ticket"}
SUCCESS = {"uuid": "c1", "type": "has_category", "arguments": ["Success"], "category_uuid": "good"}
HAS_TEXT = {"uuid": "c1", "type": "has_text", "arguments": [], "category_uuid": "good"}


def without_name(action):
    return {key: value for key, value in action.items() if key != "result_name"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            {"type": "open_ticket", "body": "Help", "topic": None},
            {"type": "open_ticket", "note": "Help", "topic": None},
        ),
        ({"type": "open_ticket", "body": None}, {"type": "open_ticket", "note": None}),
        ({"type": "open_ticket", "topic": None}, {"type": "open_ticket", "topic": None}),
        ({"type": "send_email", "body": "Help"}, {"type": "send_email", "body": "Help"}),
    ],
)
def test_14_2_the_body_of_a_ticket_is_a_note(flow, acting, before, after):
    migrated = migrate(flow("14.1.0", acting(before)), "14.2.0")["nodes"][0]["actions"][0]

    assert list(migrated.items()) == list(after.items())


@pytest.mark.parametrize(("action", "operand"), [(TICKET, "@locals._new_ticket"), (AIRTIME, "@locals._new_transfer")])
@pytest.mark.parametrize("split_on", ["@results.ticket", "@results.ticket.category"])
def test_14_3_splits_on_a_saved_outcome_become_splits_on_a_local(flow, splitting, action, operand, split_on):
    failure = {"uuid": "c2", "type": "has_category", "arguments": ["Failure"], "category_uuid": "bad"}

    migrated = migrate(flow("14.2.0", splitting(action, split_on, SUCCESS, failure)), "14.3.0")

    assert migrated["nodes"] == [splitting(without_name(action), operand, HAS_TEXT, result_name="Ticket")]


def test_14_3_without_a_name_nothing_is_saved(flow, splitting):
    node = splitting(without_name(TICKET), "@results.ticket", SUCCESS)

    migrated = migrate(flow("14.2.0", node), "14.3.0")

    assert migrated["nodes"] == [splitting(without_name(TICKET), "@locals._new_ticket", HAS_TEXT)]


def test_14_3_other_nodes_stay(flow, acting, splitting):
    two = splitting(TICKET, "@results.ticket", SUCCESS)
    two["actions"] = [TICKET, AIRTIME]
    nodes = [
        acting(TICKET),
        splitting(TICKET, "@input.text", SUCCESS),
        splitting(None, "@results.ticket", SUCCESS),
        two,
    ]

    assert migrate(flow("14.2.0", *nodes), "14.3.0")["nodes"] == nodes

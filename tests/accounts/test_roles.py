"""Roles rank, and each level has a least role."""

import pytest

from trunkline.accounts import roles
from trunkline.core.errors import Invalid


@pytest.mark.parametrize(
    ("role", "levels"),
    [
        ("viewer", {"view"}),
        ("agent", {"view", "create", "interact"}),
        ("editor", {"view", "create", "interact", "manage"}),
        ("admin", {"view", "create", "interact", "manage", "admin"}),
        ("owner", {"view", "create", "interact", "manage", "admin", "dangerous"}),
    ],
)
def test_each_role_is_allowed_its_levels(role: roles.Role, levels: set[str]) -> None:
    allowed = {level for level in roles.LEAST if roles.allows(role, level)}

    assert allowed == levels


def test_an_unknown_role_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as refused:
        roles.parse("root")

    assert refused.value.fields == {"role": ["The role must be one of owner, admin, editor, agent, viewer."]}

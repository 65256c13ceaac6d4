"""Roles: what a member may do at most, in five ranks and six levels."""

from typing import Literal

from trunkline.core.errors import Invalid

Role = Literal["owner", "admin", "editor", "agent", "viewer"]
Level = Literal["view", "create", "interact", "manage", "admin", "dangerous"]

# From the least to the most.
ROLES: tuple[Role, ...] = ("viewer", "agent", "editor", "admin", "owner")

# The least role for each level. `manage` is about content; `admin` about team, keys, billing and settings.
LEAST: dict[Level, Role] = {
    "view": "viewer",
    "create": "agent",
    "interact": "agent",
    "manage": "editor",
    "admin": "admin",
    "dangerous": "owner",
}


def allows(role: Role, level: Level) -> bool:
    return outranks(role, LEAST[level])


def outranks(role: Role, other: Role) -> bool:
    """Whether `role` is at least `other`: nobody gives away, or takes, a role above their own."""
    return ROLES.index(role) >= ROLES.index(other)


def parse(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise Invalid({"role": [f"The role must be one of {', '.join(reversed(ROLES))}."]})

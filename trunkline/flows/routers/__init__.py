"""The two routers, by the name that definitions use."""

from trunkline.flows.routers.base import Router
from trunkline.flows.routers.random import Random
from trunkline.flows.routers.switch import Switch

TYPES: dict[str, type[Router]] = {kind.type: kind for kind in (Switch, Random)}

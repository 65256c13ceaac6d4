"""The tests of switch routers: expressions may call them like any function."""

from trunkline.expressions.router_tests import moments, numerals, places, states, texts

__all__ = ["moments", "numerals", "places", "states", "texts"]

"""Trunkline: a self-hostable customer-messaging platform."""

__version__ = "0.1.0"

"""Worlds to fill an installation with."""

"""Pages for people: sign-in, the status page, the stream of live updates."""

from trunkline.web.pages import Pages

__all__ = ["Pages"]

"""Who may what: by endpoint, the methods that a role may use. A workspace's owner and admins are administrators."""

from collections.abc import Mapping

from msgspec import Struct

from trunkline.accounts.roles import Role


class Rights(Struct, frozen=True):
    """Methods, with spaces between. `first`: the right is asked for before the method is."""

    editor: str
    agent: str = ""
    viewer: str = ""
    first: bool = False

    def of(self, role: Role) -> frozenset[str]:
        return frozenset(getattr(self, RANK[role]).split())


def allows(endpoint: str, role: Role, method: str) -> bool:
    """An endpoint that is not in the table is nobody's."""
    return endpoint in TABLE and method in TABLE[endpoint].of(role)


RANK: Mapping[Role, str] = {
    "owner": "editor",
    "admin": "editor",
    "editor": "editor",
    "agent": "agent",
    "viewer": "viewer",
}

ALL = "GET POST DELETE"
READ = Rights("GET", viewer="GET")

TABLE: dict[str, Rights] = {
    "archives": Rights("GET"),
    "boundaries": Rights("GET", "GET", "GET"),
    "broadcasts": Rights("GET POST", viewer="GET"),
    "campaign_events": Rights(ALL, viewer="GET"),
    "campaigns": Rights("GET POST", viewer="GET"),
    "channel_events": READ,
    "channels": READ,
    "classifiers": READ,
    "contact_actions": Rights("POST", "POST", first=True),
    "contacts": Rights(ALL, "GET POST", "GET"),
    "definitions": Rights("GET", viewer="GET", first=True),
    "fields": Rights("GET POST", "GET", "GET"),
    "flow_starts": Rights("GET POST", viewer="GET"),
    "flows": READ,
    "globals": Rights("GET POST", viewer="GET"),
    "groups": Rights(ALL, "GET", "GET"),
    "labels": Rights(ALL, viewer="GET"),
    "media": Rights("POST", "POST"),
    "message_actions": Rights("POST", first=True),
    "messages": Rights("GET POST", "POST", "GET"),
    "optins": Rights("GET POST", viewer="GET"),
    "org": Rights("GET", "GET", "GET", first=True),
    "resthook_events": Rights("GET"),
    "resthook_subscribers": Rights(ALL),
    "resthooks": Rights("GET"),
    "runs": READ,
    "templates": READ,
    "ticket_actions": Rights("POST", "POST", first=True),
    "tickets": Rights("GET", "GET", "GET"),
    "topics": Rights("GET POST", "GET", "GET"),
    "users": Rights("GET", "GET", "GET"),
    "workspace": Rights("GET", "GET", "GET", first=True),
}

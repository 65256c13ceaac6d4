"""One request, as endpoints and credentials see it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote
from uuid import UUID

from msgspec import Struct

from trunkline.accounts.credentials import Credentials
from trunkline.accounts.roles import Role
from trunkline.core import ids
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Malformed
from trunkline.core.limits import Limiter, Verdict
from trunkline.core.paging import Page
from trunkline.dialects.decoding import parse_query


class Caller(Struct, frozen=True):
    """Who calls, whatever they showed. `counted_as` names them to the rate limits; `rate` replaces the general one."""

    account: int
    actor: str
    user_id: int
    role: Role
    scopes: frozenset[str]
    counted_as: str
    key_id: int | None = None
    rate: str | None = None
    suspended: bool = False
    account_uuid: UUID | None = None
    settings: Mapping[str, Any] = {}
    """What the account has set, where the credential brought it along."""


class Site(Struct, frozen=True):
    """What all dialects of one process share."""

    database: Database
    vault: Vault
    public_url: str
    limiter: Limiter
    credentials: Credentials


class Call:
    """A request on its way. `caller` is there for all but public operations."""

    __slots__ = (
        "_caller",
        "_query",
        "headers",
        "least",
        "method",
        "mount",
        "page",
        "path",
        "request_id",
        "scope",
        "site",
    )

    def __init__(self, site: Site, scope: Any, mount: str, path: str) -> None:
        self.site = site
        self.scope = scope
        self.method: str = scope["method"]
        self.mount = mount
        self.path = path
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        state = scope.get("state")
        self.request_id: str = (state and state.get("request_id")) or ids.new_uuid().hex
        self.least: Verdict | None = None
        self.page: Page | None = None
        self._caller: Caller | None = None
        self._query: dict[str, list[str]] | None = None

    @property
    def caller(self) -> Caller:
        assert self._caller is not None, "a public operation has no caller"
        return self._caller

    @property
    def database(self) -> Database:
        return self.site.database

    @property
    def vault(self) -> Vault:
        return self.site.vault

    @property
    def ip(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query string, each with all its values."""
        if self._query is None:
            raw = self.scope["query_string"]
            self._query = parse_query(raw) if raw else {}
        return self._query

    def ask(self, query: dict[str, list[str]]) -> None:
        """Go on as if the query string had said this."""
        self._query = query

    @property
    def base_url(self) -> str:
        """Where the caller reaches this dialect, without a slash at the end."""
        if self.site.public_url:
            return self.site.public_url.rstrip("/") + self.mount
        host = self.headers.get(b"host", b"localhost").decode("latin-1")
        return f"{self.scope['scheme']}://{host}{self.mount}"

    def url(self, path: str) -> str:
        """The absolute address of a path of this dialect: `call.url("/contacts/1")`."""
        return self.base_url + quote(path)

    def header(self, name: str) -> str | None:
        value = self.headers.get(name.lower().encode())
        return None if value is None else value.decode("latin-1")

    def only(self, name: bytes) -> str | None:
        """The value of a header that must not be repeated, for one that decides who is calling."""
        if name not in self.headers:
            return None
        if sum(key == name for key, _ in self.scope["headers"]) > 1:
            raise Malformed(f"The header {name.decode()} must not be repeated.")
        return self.headers[name].decode("latin-1")

    @property
    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer …`."""
        scheme, _, token = (self.only(b"authorization") or "").partition(" ")
        return token if scheme.lower() == "bearer" else None

    def tx(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction of the caller's account, for operations that open it themselves."""
        return self.database.tx(self.caller.account, self.caller.actor)

    def admit(self, caller: Caller) -> None:
        self._caller = caller

    def count(self, verdict: Verdict) -> None:
        """The headers tell of the bucket with the least room."""
        if self.least is None or verdict.remaining < self.least.remaining or not verdict.allowed:
            self.least = verdict

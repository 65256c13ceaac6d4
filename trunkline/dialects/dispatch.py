"""Which dialect a request is for, before any routing: the longest prefix wins, on shared ones the key decides."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from trunkline import dialects
from trunkline.accounts.credentials import Credentials
from trunkline.core.crypto import Vault
from trunkline.core.db import Database
from trunkline.core.errors import Malformed, TooLarge, TrunklineError
from trunkline.core.limits import Limiter
from trunkline.dialects import replies
from trunkline.dialects.base import Dialect
from trunkline.dialects.calls import Call, Site
from trunkline.dialects.refusals import MethodNotAllowed, ServerError, UnknownMethod, UnsupportedMedia
from trunkline.dialects.serving import Visit


class Mount(Struct, frozen=True):
    prefix: str
    owners: list[Dialect]
    shared: bool


class Dialects:
    """The ASGI app of all public APIs. Give it the `credentials` that the process has opened."""

    def __init__(
        self,
        database: Database,
        *,
        vault: Vault,
        public_url: str = "",
        credentials: Credentials | None = None,
        limiter: Limiter | None = None,
        served: Sequence[Dialect] | None = None,
    ) -> None:
        self.served = list(served) if served is not None else dialects.load_all()
        self.site = Site(database, vault, public_url, limiter or Limiter(), credentials or Credentials(database))
        self._mounts = _mounts(self.served)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path: str = scope["path"]
        mount = self._mount(path)
        assert mount is not None, "claims() was not asked"
        rest = path[len(mount.prefix) :]
        call = Call(self.site, scope, mount.prefix, rest[:-1] if rest[-1:] == "/" else rest)
        visits = mount.owners[0].visits or Visit
        await visits(call, mount.owners, receive, send).serve(shared=mount.shared)

    def claims(self, path: str) -> bool:
        """Whether a path belongs to one of the dialects, known to it or not."""
        return self._mount(path) is not None

    def body_cap(self, path: str, method: str) -> int | None:
        """The most that a request may carry, some room above what is refused in the dialect's shape; None: not ours."""
        mount = self._mount(path)
        if mount is None:
            return None
        found = (owner.router.find(method, path[len(mount.prefix) :]) for owner in mount.owners)
        caps = [each[0].most_bytes() for each in found if isinstance(each, tuple)]
        return SPARE_BYTES + max(caps, default=0)

    def wording(self, path: str, status: int, message: str) -> bytes | None:
        """The body of a refusal that the server speaks before we see the request; None: not ours."""
        mount = self._mount(path)
        if mount is None:
            return None
        return replies.refuse(mount.owners[0], _refusal(status, message)).body

    def _mount(self, path: str) -> Mount | None:
        for mount in self._mounts:
            prefix = mount.prefix
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
                return mount
        return None


def _refusal(status: int, message: str) -> TrunklineError:
    """What we would have raised where the server says this."""
    match status:
        case 405:
            return MethodNotAllowed("")
        case 413:
            return TooLarge(message)
        case 415:
            return UnsupportedMedia(message)
        case 500:
            return ServerError()
        case 501:
            return UnknownMethod(message)
    return Malformed(message)


def _mounts(served: Iterable[Dialect]) -> list[Mount]:
    """Longest first, so that `/api/v1/integrations` is seen before `/api/v1`."""
    mounts: dict[str, Mount] = {}
    for dialect in served:
        for prefix in dialect.prefixes:
            if prefix in mounts:
                raise TypeError(f"{prefix} belongs to {mounts[prefix].owners[0].name} already")
            mounts[prefix] = Mount(prefix, [dialect], shared=False)
        for prefix in dialect.shared:
            mounts.setdefault(prefix, Mount(prefix, [], shared=True)).owners.append(dialect)
    return sorted(mounts.values(), key=lambda mount: -len(mount.prefix))


SPARE_BYTES = 32 * 1024 * 1024

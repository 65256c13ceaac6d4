"""How often a caller may call: one general bucket for each key, further buckets for costly operations."""

from collections.abc import Mapping
from functools import lru_cache

from trunkline.core import limits
from trunkline.core.limits import Bucket


class Limits:
    """`default` counts each request of a key. The named buckets count in addition where an operation says so:
    keyword ones within one process, `strict` ones exactly over all processes. Requests without a valid
    credential count by address.
    """

    def __init__(
        self,
        default: str | None,
        *,
        strict: Mapping[str, str] | None = None,
        unauthenticated: str = "300/min",
        **named: str,
    ) -> None:
        self.default = limits.parse("general", default) if default else None
        self.named = {name: limits.parse(name, rate) for name, rate in named.items()}
        self.strict = {name: limits.parse(name, rate) for name, rate in (strict or {}).items()}
        self.unauthenticated = limits.parse("unauthenticated", unauthenticated)

    def knows(self, bucket: str) -> bool:
        return bucket in self.named or bucket in self.strict


@lru_cache(maxsize=1024)
def of_key(rate: str) -> Bucket | None:
    """The bucket that a key brings along instead of the dialect's; none for `off`."""
    return limits.parse("general", rate)

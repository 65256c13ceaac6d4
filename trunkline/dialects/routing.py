"""From a path to an operation: whole literal paths first, then a tree of segments."""

from typing import Generic, TypeVar

from trunkline.core.errors import TrunklineError
from trunkline.dialects.refusals import MethodNotAllowed, NoSuchPath

T = TypeVar("T")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Router(Generic[T]):
    """Literal segments beat `{parameters}`; paths come without a slash at the end."""

    def __init__(self) -> None:
        self._literal: dict[str, dict[str, T]] = {}
        self._tree: _Node[T] = _Node()

    def add(self, method: str, path: str, target: T) -> None:
        node = self._tree
        for segment in path.strip("/").split("/"):
            node = node.parameter() if segment.startswith("{") else node.literal(segment)
        if method in node.targets:
            raise TypeError(f"{method} {path} is there already")
        node.targets[method] = target
        if "{" not in path:
            self._literal[path] = node.targets

    def find(self, method: str, path: str) -> tuple[T, list[str]] | TrunklineError:
        """The target with the values of the path's parameters, or the refusal that fits.

        Refusals are returned, not raised: who is asking is settled first.
        """
        values: list[str] = []
        targets = self._literal.get(path) or self._walk(path, values)
        if not targets:
            return NoSuchPath()
        target = targets.get(method)
        if target is None and method == "HEAD":
            target = targets.get("GET")
        return MethodNotAllowed(_allow(targets)) if target is None else (target, values)

    def allow(self, path: str) -> str | None:
        """What `OPTIONS` answers; none for an unknown path."""
        targets = self._literal.get(path) or self._walk(path, [])
        return _allow(targets) if targets else None

    def _walk(self, path: str, values: list[str]) -> dict[str, T] | None:
        segments = path[1:].split("/")
        return None if "" in segments else self._tree.find(segments, 0, values)


class _Node(Generic[T]):
    __slots__ = ("below", "literals", "targets")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.below: _Node[T] | None = None
        self.targets: dict[str, T] = {}

    def literal(self, segment: str) -> "_Node[T]":
        return self.literals.setdefault(segment, _Node())

    def parameter(self) -> "_Node[T]":
        if self.below is None:
            self.below = _Node()
        return self.below

    def find(self, segments: list[str], at: int, values: list[str]) -> dict[str, T] | None:
        if at == len(segments):
            return self.targets or None
        node = self.literals.get(segments[at])
        if node is not None and (found := node.find(segments, at + 1, values)):
            return found
        if self.below is None:
            return None
        values.append(segments[at])
        found = self.below.find(segments, at + 1, values)
        if found is None:
            values.pop()
        return found


def _allow(targets: dict[str, T]) -> str:
    return ", ".join(
        method
        for method in METHODS
        if method in targets or method == "OPTIONS" or (method == "HEAD" and "GET" in targets)
    )

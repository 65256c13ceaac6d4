"""Place: where AI work is done, be it a request or a job: transactions of one account, and the process's tools."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from trunkline.core.db import Database, Tx


class Place(Protocol):
    """A `Call` of a dialect and a `Desk` of a job are such places. Models are called between transactions."""

    @property
    def database(self) -> Database: ...

    def tx(self) -> AbstractAsyncContextManager[Tx]: ...

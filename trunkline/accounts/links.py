"""Links in mails: with the address that the operator set or that this installation listens on, never a request's."""

from trunkline.core.db import Tx, sql


async def url(tx: Tx, path: str) -> str:
    """An absolute address of ours, in a system transaction."""
    public: str = tx.database.tools.settings.public_url
    noted = None if public else await tx.value(str, NOTED)
    return noted.rstrip("/") + path if noted else tx.database.tools.url(path)


NOTED = sql("select value from installation where name = 'url'", system=True)

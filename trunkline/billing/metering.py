"""Metering: whether an account pays for what it sends."""

from trunkline.core.db import Tx, sql


async def is_metered(tx: Tx) -> bool:
    """Sub-accounts are, top-level workspaces only after a first grant."""
    return bool(await tx.value(bool, METERED, tx.account))


METERED = sql("select metered from accounts where id = $1")

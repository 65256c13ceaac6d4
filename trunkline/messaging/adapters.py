"""Adapters of one process: one per channel, kept with its connections until the channel's settings change."""

import asyncio

from trunkline.channels.base import SEND_SECONDS, Adapter
from trunkline.core import clock
from trunkline.core.db import Tx
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel

FRESH_SECONDS = 2.0
"""How old a channel's settings may be while it sends."""


class Adapters:
    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, Channel, Adapter]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()

    def known(self, channel_id: int) -> Adapter | None:
        """The one in use, if there is one."""
        kept = self._kept.get(channel_id)
        return kept[2] if kept else None

    async def of(self, tx: Tx, channel_id: int) -> tuple[Channel, Adapter]:
        """The channel as it is now, and its adapter."""
        if fresh := self._fresh(channel_id):
            return fresh
        async with self._looking:
            if fresh := self._fresh(channel_id):  # somebody else looked meanwhile
                return fresh
            current = await channels.with_deleted(tx, channel_id)
            adapter = self.known(channel_id)
            if adapter is None or self._kept[channel_id][1].config != current.config:
                if adapter is not None:
                    self._close_later(adapter)
                adapter = channels.adapter(tx.database.tools, current)
            self._kept[channel_id] = clock.monotonic(), current, adapter
            return current, adapter

    def _fresh(self, channel_id: int) -> tuple[Channel, Adapter] | None:
        kept = self._kept.get(channel_id)
        return kept[1:] if kept and clock.monotonic() - kept[0] < FRESH_SECONDS else None

    async def close(self) -> None:
        for _, _, adapter in self._kept.values():
            await adapter.close()

    def _close_later(self, adapter: Adapter) -> None:
        task = asyncio.get_running_loop().create_task(_close_later(adapter))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close_later(adapter: Adapter) -> None:
    """The adapter of settings that changed: its last sends end, then its connections."""
    await asyncio.sleep(adapter.patience or SEND_SECONDS)
    await adapter.close()

"""Doors: where mail comes in. A worker opens one listener per address that its SMTP channels name in `listen`."""

import asyncio
from collections.abc import Sequence

import structlog

from trunkline.channels.mail.inbound import Envelope, MailDoor
from trunkline.channels.smtp import Smtp
from trunkline.core.db import Database
from trunkline.messaging import channels, receiving
from trunkline.messaging.channels import Channel

log = structlog.get_logger("doors")

Resident = tuple[Channel, Smtp]


class Doors:
    """The open listeners of one process; channels that come and go are noticed within seconds."""

    def __init__(self, database: Database):
        self.database = database
        self._residents: dict[str, list[Resident]] = {}
        self._open: dict[str, MailDoor] = {}

    async def close(self) -> None:
        while self._open:
            await self._open.popitem()[1].close()

    async def look(self) -> None:
        """Open what is missing, close what nobody wants any more."""
        found = await channels.of_kind(self.database, "smtp")
        residents: dict[str, list[Resident]] = {}
        for channel in found:
            adapter = channels.adapter(self.database.tools, channel)
            if isinstance(adapter, Smtp) and adapter.config.listen:
                residents.setdefault(adapter.config.listen, []).append((channel, adapter))
        self._residents = residents
        for listen in set(self._open) - set(residents):
            await self._open.pop(listen).close()
        for listen in set(residents) - set(self._open):
            await self._open_door(listen)

    async def _open_door(self, listen: str) -> None:
        door = MailDoor(
            listen,
            lambda envelope: self._deliver(listen, envelope),
            accept=lambda mailbox: bool(self._at(listen, [mailbox])),
        )
        try:
            await door.open()
        except OSError as error:
            log.warning("mail_door_closed", listen=listen, error=str(error))
            return
        self._open[listen] = door

    def _at(self, listen: str, mailboxes: Sequence[str]) -> list[Resident]:
        return [
            resident
            for resident in self._residents.get(listen, ())
            if any(resident[1].accepts(mailbox) for mailbox in mailboxes)
        ]

    async def _deliver(self, listen: str, envelope: Envelope) -> None:
        """Store the mail for each channel it is meant for; when this returns, the peer may forget it."""
        for channel, adapter in self._at(listen, envelope.recipients):
            items = await asyncio.to_thread(adapter.take_in, envelope)
            await receiving.take(self.database, channel, items)

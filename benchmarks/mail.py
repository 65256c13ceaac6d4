"""Mails of a broadcast handed to an SMTP relay, unsigned, beside bare aiosmtplib on kept connections."""

import asyncio

import aiosmtplib
from msgspec import Struct

from benchmarks import sinks, stage
from benchmarks.delivery import Round, deliver, figures, timed
from benchmarks.measuring import Figure, Scale, interleaved
from benchmarks.sinks import Sink
from benchmarks.stage import Stage
from trunkline.campaigns.broadcasts import NewBroadcast
from trunkline.channels.mail.transport import SIZE as CONNECTIONS
from trunkline.messaging import channels


class Size(Struct, frozen=True):
    mails: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(8000, 4), "quick": Size(800, 2), "tiny": Size(30, 1)}


async def run(where: Stage, size: Size) -> list[Figure]:
    async with (
        sinks.sink("smtp", where.new_folder("relay")) as sink,
        where.database("mail", f"127.0.0.1:{sink.port}") as database,
    ):
        workspace = await stage.workspace(database)
        await stage.people(database, workspace.id, size.mails, "mailto")
        settings = {"host": "127.0.0.1", "port": sink.port, "tls": "none", "from": "news@example.com"}
        async with database.tx(workspace.id) as tx:
            channel, _ = await channels.create(tx, "smtp", "Bench", "news@example.com", settings)
        draft = NewBroadcast(
            name="Bench", channel="email", subject="Spring Sale", body=TEXT, html=HTML, channel_id=channel.id
        )

        async def ours() -> Round:
            return await deliver(database, workspace.id, draft, size.mails)

        await ours()
        rounds = await interleaved(size.rounds, ours=ours, raw=lambda: _hand_over(sink, size.mails))
    return figures("SMTP", "bare aiosmtplib client", rounds["ours"], rounds["raw"])


async def _hand_over(sink: Sink, mails: int) -> Round:
    """The same bytes each time, on as many kept connections as ours has."""
    raw = sink.mail()
    numbers = iter(range(mails))

    async def connection() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=sink.port, use_tls=False, start_tls=False) as client:
            for number in numbers:
                await client.sendmail("news@example.com", [f"maria{number}@example.com"], raw)

    async def work() -> None:
        await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))

    return await timed(work, mails)


TEXT = "Hello {{name}}, everything is half off until Sunday.\n" * 12
HTML = "<h1>Spring Sale</h1>" + "<p>Hello <b>{{name}}</b>, everything is half off until <i>Sunday</i>.</p>\n" * 12

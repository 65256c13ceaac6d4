"""DKIM signatures of a mail of 5 kB, one after the other in one thread."""

import time
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from benchmarks.measuring import Figure, Scale, interleaved, middle
from benchmarks.stage import Stage
from trunkline.channels.mail.dkim import Signer, generate_key


class Size(Struct, frozen=True):
    signatures: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(1000, 3), "quick": Size(300, 2), "tiny": Size(3, 1)}
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)


async def run(where: Stage, size: Size) -> list[Figure]:

    async def rate(signer: Signer) -> float:
        began = time.perf_counter()
        for _ in range(size.signatures):
            signer.sign(MAIL, at=AT)
        return size.signatures / (time.perf_counter() - began)

    rsa, ed25519 = _signer("rsa"), _signer("ed25519")
    rounds = await interleaved(size.rounds, rsa=lambda: rate(rsa), ed25519=lambda: rate(ed25519))
    return [middle(f"DKIM signatures, {KINDS[kind]}", rates, "/s", least=500) for kind, rates in rounds.items()]


def _signer(kind: Literal["rsa", "ed25519"]) -> Signer:
    return Signer("example.com", "bench", generate_key(kind)[0])


KINDS = {"rsa": "RSA 2048", "ed25519": "Ed25519"}

HEADERS = """
From: Acme <news@example.com>
To: maria@example.com
Subject: Spring Sale
Date: Sun, 01 Mar 2026 10:00:00 +0000
Message-ID: <0191b2c0-0000-7000-8000-000000000000@example.com>
MIME-Version: 1.0
List-Unsubscribe: <https://example.com/u/token>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable
"""
LINE = "<p>Hello Maria, everything is half off until Sunday.  Come and see.</p>\r\n"
MAIL = (HEADERS.strip().replace("\n", "\r\n") + "\r\n\r\n" + LINE * 65).encode()

"""Recordings: sound that voice flows play, fetched from where it lies."""

import asyncio
from typing import Any

from trunkline.channels.telephony import waves
from trunkline.channels.telephony.waves import BadRecording
from trunkline.core.http import HttpFailure

SECONDS = 10.0
LARGEST = 20_000_000


async def fetch(tools: Any, url: str) -> bytes:
    """16-bit samples at 8,000 a second. Raises `BadRecording` with a sentence."""
    http = await tools.http()
    try:
        answer = await http.request("GET", url, timeout=SECONDS, cap=LARGEST, redirects=3)
    except HttpFailure as failure:
        raise BadRecording(f"The recording {url} cannot be fetched: {failure.message}") from None
    if not answer.ok:
        raise BadRecording(f"The recording {url} cannot be fetched: the answer was {answer.status}.")
    try:
        return await asyncio.to_thread(waves.read, answer.body)
    except BadRecording as error:
        raise BadRecording(f"{error} It lies at {url}") from None

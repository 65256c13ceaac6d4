"""The other server: its lists page by page, with its pauses kept and its short faults outlived."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct

from trunkline.core.errors import Refusal
from trunkline.core.http import Answer, HttpFailure

TRIES = 6
LONGEST_PAUSE = 3600
TIMEOUT = 60.0
LARGEST = 64 * 1024 * 1024


class Page(Struct, frozen=True):
    """`cursor` leads to the next page; None after the last."""

    results: list[dict[str, Any]]
    cursor: str | None


class Missing(Exception):
    """The server has no such endpoint, or does not show it to this token."""


class Source:
    """`pause` waits between tries; tests pass another."""

    def __init__(self, http: Any, host: str, token: str, *, pause: Any = asyncio.sleep) -> None:
        self.root = f"{_address(host)}/api/v2"
        self._http, self._pause = http, pause
        self._headers = {"Authorization": f"Token {token}", "Accept": "application/json"}

    @property
    def name(self) -> str:
        """What the server is called where progress is kept."""
        return urlsplit(self.root).netloc.lower()

    async def page(self, endpoint: str, params: Mapping[str, Any], cursor: str | None) -> Page:
        """Links are not followed: of `next` only the cursor counts, so that the token goes nowhere else."""
        body = await self.get(endpoint, {**params, **({"cursor": cursor} if cursor else {})})
        results, following = body.get("results"), body.get("next")
        if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
            raise Refusal(f"{self.root}/{endpoint}.json is no list of RapidPro's API.")
        asked = parse_qs(urlsplit(following).query) if isinstance(following, str) else {}
        return Page(results, next(iter(asked.get("cursor", [])), None) if results else None)

    async def get(self, endpoint: str, params: Mapping[str, Any]) -> dict[str, Any]:
        asked = urlencode(params, doseq=True)
        answer = await self._ask(f"{self.root}/{endpoint}.json{'?' + asked if asked else ''}")
        body = answer.json()
        if not isinstance(body, dict):
            raise Refusal(f"{self.root}/{endpoint}.json is not of RapidPro's API.")
        return body

    async def _ask(self, url: str) -> Answer:
        problem = ""
        for tried in range(TRIES):
            try:
                answer = await self._http.request("GET", url, headers=self._headers, timeout=TIMEOUT, cap=LARGEST)
            except HttpFailure as error:
                if error.phase in ("refused", "too_big"):
                    raise Refusal(f"{url}: {error.message}") from None
                problem = error.message
                await self._pause(2**tried)
                continue
            if answer.ok:
                return answer
            problem = f"it answered {answer.status}"
            await self._pause(self._patience(answer, url, tried))
        raise Refusal(f"{url} cannot be read: {problem}. Run the same command again to go on where this one stopped.")

    def _patience(self, answer: Answer, url: str, tried: int) -> int:
        """Seconds to wait before the next try; raises for what no waiting mends."""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status == 429:
            asked = headers.get("retry-after", "")
            return min(int(asked), LONGEST_PAUSE) if asked.isdigit() and asked != "0" else 2**tried
        if answer.status in (404, 405, 410) or (answer.status == 403 and "permission" in answer.text):
            raise Missing
        if answer.status < 500:
            raise Refusal(f"{url} answered {answer.status}: {answer.text[:200]}")
        return 2**tried


def _address(host: str) -> str:
    """`textit.com` and `https://textit.com/` are the same."""
    address = (host if "//" in host else f"https://{host}").rstrip("/").removesuffix("/api/v2")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Refusal(f"{host} is no address of a server.")
    return address

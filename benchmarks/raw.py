"""The bare handler: what a list costs when nothing is between it and the libraries.

`python -m benchmarks.raw DSN` serves it with the product's own server on a free port. It knows the key from the same
memory, counts it with the same limiter, opens the same transaction with the same setting, runs the same statements
and gives the same answer, byte for byte; it judges no scope or role, checks no parameter, knows one page only.
"""

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline.accounts.credentials import Credentials
from trunkline.contacts import cards, listing, records
from trunkline.core import paging
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Statement
from trunkline.core.limits import Bucket, Limiter
from trunkline.dialects.developer import shapes as developer
from trunkline.dialects.platform import shapes as platform
from trunkline.dialects.portal import shapes as portal
from trunkline.server import serve

PER_PAGE = 50
PAGE = listing._first("desc", PER_PAGE).text
BUCKET = Bucket("general", 999_999_999)
AROUND = 3
encode = msgspec.json.Encoder().encode


class Handlers:
    def __init__(self, database: Database, credentials: Credentials):
        assert database._app is not None
        self.pool, self.credentials, self.limiter = database._app.connections, credentials, Limiter()
        self.vault = Vault(b"a secret of the bare handler")

    async def platform(self, request: Request) -> Response:
        return await self.answer(request, request.headers["authorization"][7:], platform_contact)

    async def portal(self, request: Request) -> Response:
        return await self.answer(request, request.headers["x-api-key"], portal_contact)

    async def developer_contacts(self, request: Request) -> Response:
        return await self.cards(request, cards.CONTACTS, listing.TOTAL, cards.ContactCard, developer.contact)

    async def developer_companies(self, request: Request) -> Response:
        return await self.cards(request, cards.COMPANIES, cards.COUNT_COMPANIES, cards.CompanyCard, developer.company)

    async def cards(self, request: Request, page: Statement, total: Statement, kind: Any, shape: Any) -> Response:
        """A page of an array, with the headers that lead on."""
        credential = await self.credentials.find(request.headers["authorization"][7:])
        if credential is None:
            return Response(status_code=401)
        account = credential.account.id
        verdict = self.limiter.hit(credential.key_id, BUCKET)
        async with self.pool.acquire() as connection:
            await connection.execute(f"begin; set local trunkline.account = '{account}'")
            rows = [kind(*row) for row in await connection.fetch(page.text, account, None, 0, PER_PAGE)]
            count = await connection.fetchval(total.text, account) or 0
            await connection.execute("commit")
        body = encode([shape(row) for row in rows])
        after = paging.encode(self.vault, f"{request.url.path}:{account}", (rows[-1].created_at, rows[-1].id))
        url = f"http://{request.headers['host']}{request.url.path}?limit={PER_PAGE}&cursor={after}"
        headers = {
            "x-total-count": str(count),
            "link": f'<{url}>; rel="next"',
            "x-ratelimit-limit": str(verdict.limit),
            "x-ratelimit-remaining": str(verdict.remaining),
        }
        return Response(body, 200, headers, "application/json")

    async def answer(self, request: Request, key: str, shape: Any) -> Response:
        credential = await self.credentials.find(key)
        if credential is None:
            return Response(status_code=401)
        account = credential.account.id
        verdict = self.limiter.hit(credential.key_id, BUCKET)
        async with self.pool.acquire() as connection:
            await connection.execute(f"begin; set local trunkline.account = '{account}'")
            rows = await connection.fetch(PAGE, account)
            tags: dict[int, list[Any]] = {row[0]: [] for row in rows}
            for contact_id, *tag in await connection.fetch(records.TAGS.text, account, list(tags)):
                tags[contact_id].append(tag)
            total = await connection.fetchval(listing.TOTAL.text, account) or 0
            await connection.execute("commit")
        body = encode(envelope([shape(row, tags[row[0]]) for row in rows], request, total))
        headers = {"x-ratelimit-limit": str(verdict.limit), "x-ratelimit-remaining": str(verdict.remaining)}
        return Response(body, 200, headers, "application/json")


def platform_contact(row: Any, tags: Sequence[Any]) -> platform.ContactOut:
    return platform.ContactOut(
        row[0], row[1], row[3], row[4] or None, row[2], row[5], row[6], row[11], row[7], row[16], row[12], row[13],
        row[14], row[17], platform.STATUSES[row[18]], row[24], [platform.TagRef(*tag) for tag in tags],
        *(at and at.replace(microsecond=0) for at in (row[27], row[28], row[30], row[31], row[32])),
    )  # fmt: skip


def portal_contact(row: Any, tags: Sequence[Any]) -> portal.ContactOut:
    return portal.ContactOut(
        row[0], row[2], row[5], row[6], [tag[1] for tag in tags], row[25],
        row[31].replace(microsecond=0), row[32].replace(microsecond=0),
    )  # fmt: skip


def envelope(rows: list[Any], request: Request, total: int) -> dict[str, Any]:
    path = f"http://{request.headers['host']}{request.url.path}"
    last = max(1, -(-total // PER_PAGE))
    page = f"{path}?per_page={PER_PAGE}&page="
    following = f"{page}2" if last > 1 else None
    links: list[dict[str, Any]] = [{"url": None, "label": "&laquo; Previous", "active": False}]
    near = range(1, min(last, 1 + AROUND) + 1)
    links += [{"url": f"{page}{number}", "label": str(number), "active": number == 1} for number in near]
    if last > near[-1] + 1:
        links.append({"url": None, "label": "...", "active": False})
    if last > near[-1]:
        links.append({"url": f"{page}{last}", "label": str(last), "active": False})
    links.append({"url": following, "label": "Next &raquo;", "active": False})
    return {
        "data": rows,
        "links": {"first": f"{page}1", "last": f"{page}{last}", "prev": None, "next": following},
        "meta": {
            "current_page": 1,
            "from": 1 if rows else None,
            "last_page": last,
            "links": links,
            "path": path,
            "per_page": PER_PAGE,
            "to": len(rows) or None,
            "total": total,
        },
    }


async def main(dsn: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = await Database(dsn).open()
    credentials = await Credentials(database).open()
    handlers = Handlers(database, credentials)
    app = Starlette(
        routes=[
            Route("/api/v1/contacts", handlers.platform),
            Route("/api/portal/v1/contacts", handlers.portal),
            Route("/api/developer/v1/contacts", handlers.developer_contacts),
            Route("/api/developer/v1/companies", handlers.developer_companies),
        ]
    )

    def tell(host: str, port: int) -> None:
        print(f"http://{host}:{port}", flush=True)

    await serve(app, host="127.0.0.1", port=0, stop=stop, on_listen=tell)
    await credentials.close()
    await database.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))

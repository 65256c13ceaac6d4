"""Wrong addresses, wrong methods, our own faults: pages for people, JSON for programs."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trunkline.web import Pages

pytestmark = pytest.mark.anyio


async def test_an_unknown_address_is_a_page_for_a_browser(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/nowhere/<b>")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Nothing here" in answer.text
    assert "nowhere" not in answer.text


async def test_an_unknown_address_is_json_for_a_program(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/nowhere", headers={"Accept": "*/*"})

    assert answer.status_code == 404
    assert answer.json() == {"message": "There is no page at this address.", "code": "not_found"}


async def test_a_wrong_method_names_the_right_ones(browser: httpx2.AsyncClient) -> None:
    answer = await browser.get("/logout")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
async def test_a_fault_of_ours_tells_nothing_of_itself(pages: Pages, accept: str) -> None:
    async def broken(request: Request) -> Response:
        raise ZeroDivisionError("secret")

    app = Starlette(routes=[Route("/broken", broken)], exception_handlers=pages.error_pages())
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)

    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.get("/broken", headers={"Accept": accept})

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivision" not in answer.text

"""The command lines of the documentation get what it shows, over real HTTP.

Its text came to us as the source of a page whose template was not yet filled in: one command line is whole, one stands
in the template's own notation, and of a third only the end is left, with the answer. They are kept as they came.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.dialects import shell

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")]

SNIPPETS = Path(__file__).parent / "snippets"


@pytest.fixture
async def url(dialects):
    async with shell.served(dialects) as url:
        yield url


async def test_the_first_request_lists_contacts(url, jane, new_key):
    text = _text("quick_start.sh.txt").replace("\\ -H", "\\\n-H")  # the page's lines were joined
    script = re.sub(r"\{\{ url\('(.*?)'\) \}\}", rf"{url}\1", text)

    [exchange] = await shell.run(script.replace("YOUR_API_TOKEN", await new_key()))

    assert exchange.status == 200
    assert set(exchange.body) == {"data", "links", "meta"}
    assert [row["email"] for row in exchange.body["data"]] == [jane["email"]]


async def test_a_campaign_is_sent_as_shown(url, api, jane, email, new_key):
    page = _text("campaign_send.php.txt")
    body = {"name": "April Promo", "subject": "Save 20%", "html_body": "<p>Hello!</p>"}
    id = (await api.post("/campaigns", json=body)).json()["data"]["id"]
    script = _curl(page, url).replace("YOUR_TOKEN", await new_key()).replace("/15/", f"/{id}/")

    [exchange] = await shell.run(script)

    shown = _answer(page)["data"]
    assert exchange.status == 200
    assert shown | {"id": id} == {key: exchange.body["data"][key] for key in shown}


async def test_a_campaign_is_created_with_the_answer_that_is_left(url, new_key):
    shown = _answer(_text("campaign_create.php.txt"))["data"]
    body = json.dumps({"name": "April Promo", "subject": "Save 20%", "html_body": "<p>Hello!</p>"})
    script = (
        f"curl -X POST '{url}/api/v1/campaigns' -H 'Authorization: Bearer {await new_key()}'"
        f" -H 'Content-Type: application/json' -d '{body}'"
    )

    [exchange] = await shell.run(script)

    told = exchange.body["data"]
    assert exchange.status == 201
    assert shown | {"id": told["id"]} == {key: told[key] for key in shown}
    assert type(told["id"]) is type(shown["id"])


def _text(name: str) -> str:
    return (SNIPPETS / name).read_text()


def _curl(page: str, url: str) -> str:
    """The command line that the template would show: its pieces joined, its escapes undone."""
    found = re.search(r"'curl' => (\".*?\"), 'response'", page)
    assert found is not None
    filled = re.sub(r"\" \. url\('(.*?)'\) \. \"", rf"{url}\1", found[1])
    return filled[1:-1].replace("\\\\", "\\").replace("\\n", "\n")


def _answer(page: str) -> dict:
    found = re.search(r"'response' => '(.*)'", page)
    assert found is not None
    return json.loads(found[1])

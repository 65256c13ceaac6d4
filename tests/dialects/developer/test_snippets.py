"""The command lines of the documentation get what it shows, over real HTTP."""

import json
import shutil
from pathlib import Path

import pytest

from tests.dialects import shell

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")]

SNIPPETS = Path(__file__).parent / "snippets"
INVENTED = {"companies": "123e4567-e89b-12d3-a456-426614174000", "contacts": "contact-123", "conversations": "conv-123"}


@pytest.fixture
async def got(dialects, new_key, acme) -> dict[str, list[shell.Exchange]]:
    """What the command lines of each page got; only host, key and the company's id are put in."""
    key = await new_key("developer")
    async with shell.served(dialects) as url:
        given = {"https://your-domain.com": url, "YOUR_API_KEY": key, INVENTED["companies"]: acme.company}
        return {name: await shell.run(_filled(name, given)) for name in INVENTED}


async def test_all_five_are_answered(got):
    assert {name: [exchange.status for exchange in exchanges] for name, exchanges in got.items()} == {
        "companies": [200],
        "contacts": [200, 200],
        "conversations": [200, 200],
    }


@pytest.mark.parametrize("name", INVENTED)
async def test_an_answer_has_the_keys_and_kinds_that_are_shown(got, acme, name):
    [shown] = _shown(name)
    told = {"companies": acme.company, "contacts": acme.contact, "conversations": acme.conversation}[name]

    for exchange in got[name]:
        [row] = [row for row in exchange.body if row["id"] == told]
        assert {key: type(value) for key, value in row.items()} == {key: type(value) for key, value in shown.items()}
        assert list(row) == list(shown)


@pytest.mark.parametrize("name", INVENTED)
async def test_an_answer_has_the_values_that_are_shown(got, acme, name):
    [shown] = _shown(name)
    told = {"companies": acme.company, "contacts": acme.contact, "conversations": acme.conversation}[name]

    [row] = [row for row in got[name][0].body if row["id"] == told]

    made = {
        "id": told,
        "companyId": acme.company,
        "stageId": acme.stage,
        **dict.fromkeys(("userId", "assignedToUserId", "createdBy"), acme.owner),
    }
    expected = {key: made.get(key, value) for key, value in shown.items() if key not in TIMES}
    assert {key: value for key, value in row.items() if key not in TIMES} == expected


async def test_the_company_of_a_command_line_narrows_its_list(got, acme):
    everybody, colleagues = [{row["id"] for row in exchange.body} for exchange in got["contacts"]]

    assert acme.contact in colleagues
    assert colleagues <= everybody
    assert {row["companyId"] for row in got["contacts"][1].body} == {acme.company}


def _filled(name: str, given: dict[str, str]) -> str:
    text = (SNIPPETS / f"{name}.sh").read_text()
    for invented, real in given.items():
        text = text.replace(invented, real)
    return text


def _shown(name: str) -> list[dict]:
    return json.loads((SNIPPETS / f"{name}.json").read_text())


TIMES = {"lastContact", "lastMessageAt", "createdAt", "updatedAt"}

"""Every page of the dashboard, one by one: by axe in light and dark, on a phone, from right to left; and its HTML in
the eyes of the Nu Html Checker.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize
from starlette.routing import Route

from tests.e2e import acme, pages
from tests.e2e.pages import PAGES, Shown
from tests.e2e.walking import Walker
from trunkline.app import App
from trunkline.core.config import Settings
from trunkline.core.db import Database
from trunkline.core.tools import Tools

CHECKER = Path(__file__).parents[2] / "build" / "checker" / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
PHONE: ViewportSize = {"width": 390, "height": 844}

ABSENT = not (CHECKER.exists() and shutil.which("java"))
FINE = [
    "CSS: “mso-hide”: Property “mso-hide” doesn't exist.",  # mail programs know it
    "Article lacks heading.",  # a warning: a message in a thread has its writer for one
]


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Walker]:
    with acme.open_house(tmp_path_factory.mktemp("acme") / "house") as workspace:
        walker = Walker(workspace, chromium)
        yield walker
        walker.close()


@pytest.fixture(params=PAGES, ids=[shown.name for shown in PAGES])
def shown(request: pytest.FixtureRequest) -> Shown:
    return request.param


def test_every_route_that_can_be_read_has_a_page_in_the_list(tmp_path: Path) -> None:
    database = Database("postgresql://nobody@localhost/none")
    database.tools = Tools(Settings(data=tmp_path))

    routes = {each.path for each in App(database).rest.routes if isinstance(each, Route) and "GET" in each.methods}  # type: ignore[operator]

    listed = {shown.route for shown in PAGES} - {""}
    assert routes == listed | set(pages.SAME) | pages.LEADING_ON | pages.PARTS | pages.DATA


def test_a_page_is_for_everybody_in_light_and_dark(walker: Walker, shown: Shown) -> None:
    page = walker.open(shown)

    light = faults(page, QUICKLY)
    page.emulate_media(color_scheme="dark")
    page.evaluate(FEWER)
    dark = faults(page, CONTRAST)

    assert light == []
    assert dark == []
    assert walker.troubles == []


def test_a_page_fits_a_phone_and_turns_around(walker: Walker, shown: Shown) -> None:
    page = walker.open(shown)

    turned = page.evaluate(TURN, NAMES)
    page.set_viewport_size(PHONE)
    backwards = page.evaluate(WIDER)
    page.evaluate("document.documentElement.dir = 'ltr'")
    forwards = page.evaluate(WIDER)

    assert turned == []
    assert backwards == []
    assert forwards == []
    assert walker.troubles == []


@pytest.mark.skipif(ABSENT and not os.environ.get("CI"), reason="no HTML checker (tools/peers.sh installs it)")
def test_html_validates(walker: Walker, tmp_path: Path) -> None:
    for shown in PAGES:
        (tmp_path / f"{shown.name}.html").write_text(walker.served(shown))
    for shown in PAGES:
        if shown.route.startswith("/inbox"):
            mounted = walker.open(shown).evaluate("document.documentElement.outerHTML")
            (tmp_path / f"{shown.name}-mounted.html").write_text(f"<!doctype html>{mounted}")

    command = ["java", "-jar", str(CHECKER), "--format", "json", "--exit-zero-always", "--stdout", "--skip-non-html"]
    told = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120)

    messages = json.loads(told.stdout)["messages"]
    wrong = [f"{Path(each['url']).stem}: {each['message']} {each.get('extract', '')}" for each in messages]
    assert [each for each in wrong if not any(fine in each for fine in FINE)] == []


def faults(page: Page, options: dict[str, Any]) -> list[str]:
    """What is grave in the eyes of axe."""
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for each in Axe().run(page, options=options).response["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


QUICKLY = {"resultTypes": ["violations"], "preload": False}
CONTRAST = {**QUICKLY, "runOnly": ["color-contrast"]}
"""Only colours change in the dark."""

FEWER = "document.querySelectorAll('.endpoint ~ .endpoint ~ .endpoint ~ .endpoint').forEach((each) => each.remove())"
"""Endpoints of an API look like one another; axe takes seconds for a hundred of them."""

TURN = (Path(__file__).parent / "turned.js").read_text()

WIDER = """() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const boxes = [...document.querySelectorAll("body *")].map((each) => [each, each.getBoundingClientRect()]);
    const outside = boxes.filter(([, box]) => box.left < -1 || box.right > innerWidth + 1);
    return [document.documentElement.scrollWidth, ...outside.map(([each]) => each.outerHTML.slice(0, 120)).slice(0, 5)];
}"""
"""What is wider than the screen, if the page is."""

NAMES = [
    "Ana Ionescu",
    "Bogdan Marin",
    "Northwind Traders",
    "Spring sale",
    "Delivery survey",
    "Order update",
    "First weeks",
]

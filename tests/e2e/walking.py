"""Walking through the pages with one browser: signed in as everybody in turn, noting what pages do wrong."""

from typing import Literal

import httpx2
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize

from tests.e2e.acme import Acme, Hand
from tests.e2e.pages import Shown

DESK: ViewportSize = {"width": 1280, "height": 800}

# A page is settled once what it loads later has come; streams stay open for good.
SETTLED = """async () => {
    await document.fonts.ready;
    const waits = (each) => /^(Loading|Reconnecting…)$/.test(each?.textContent.trim());
    const chat = () => [...document.body.children].find((each) => each.shadowRoot)?.shadowRoot;
    const busy = () => document.querySelector(".htmx-request, #inbox:empty")
        || [...document.querySelectorAll("#inbox .none")].some(waits) || waits(chat()?.querySelector("[role=status]"));
    const ends = performance.now() + 5000;
    do await new Promise((done) => setTimeout(done, 30)); while (busy() && performance.now() < ends);
}"""


class Walker:
    """`troubles` are errors on the console and requests to other hosts since the last page was opened."""

    def __init__(self, acme: Acme, browser: Browser):
        self.acme = acme
        self.troubles: list[str] = []
        self._browser = browser
        self._tabs: dict[str, Page] = {}
        self._clients: dict[str, httpx2.Client] = {}

    def open(self, shown: Shown, colours: Literal["light", "dark"] = "light") -> Page:
        """The page on a desk."""
        if shown.who not in self._tabs:
            self._tabs[shown.who] = self._enter(shown.who)
        page = self._tabs[shown.who]
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        self.troubles.clear()
        if shown.is_frame:  # served without its policy: where nothing runs, nothing can be measured
            html = self.served(shown)
            page.route(
                f"**{shown.address(self.acme)}", lambda route: route.fulfill(body=html, content_type="text/html")
            )
        answer = page.goto(shown.address(self.acme))
        assert answer is not None
        assert answer.status == shown.status
        page.evaluate(SETTLED)
        return page

    def served(self, shown: Shown) -> str:
        """The HTML as it comes over the wire."""
        if shown.who not in self._clients:
            self._clients[shown.who] = self._client(shown.who)
        answer = self._clients[shown.who].get(shown.address(self.acme))
        assert answer.status_code == shown.status
        return answer.text

    def close(self) -> None:
        for page in self._tabs.values():
            page.context.close()
        for client in self._clients.values():
            client.close()

    def _client(self, who: str) -> httpx2.Client:
        if who:
            return Hand(self.acme.house, *self.acme.passwords[who]).web
        return httpx2.Client(base_url=self.acme.house.url, headers={"Accept": "text/html"}, timeout=30)

    def _enter(self, who: str) -> Page:
        page = self._browser.new_context(base_url=self.acme.house.url, locale="en-US").new_page()
        page.set_default_timeout(20_000)
        if who:
            email, password = self.acme.passwords[who]
            page.goto("/login")
            page.fill("#email", email)
            page.fill("#password", password)
            page.click("main button")
            page.wait_for_url(lambda url: not url.endswith("/login"))
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", self._asked)
        return page

    def _heard(self, said: ConsoleMessage) -> None:
        """The answer that a page is itself is written in red too, where it is a refusal; that is no fault."""
        is_page = said.location.get("url", "") == said.page.url if said.page else False
        if said.type == "error" and not ("status of" in said.text and is_page):
            self.troubles.append(said.text)

    def _asked(self, sent: Request) -> None:
        if not sent.url.startswith((self.acme.house.url, "data:", "blob:")):
            self.troubles.append(f"asked {sent.url}")

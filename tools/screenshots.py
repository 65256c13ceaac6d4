"""Pictures of every page for the documents, in light and dark, of a workspace that is filled for it.

Moments are shown as those of one day and nothing moves, so that a picture changes when its page does; one that differs
from the kept one in a few dots only stays as it was. `python -m tools.screenshots NAME…` takes these alone.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image, ImageChops
from playwright.sync_api import sync_playwright

from tests.e2e import acme
from tests.e2e.acme import Acme
from tests.e2e.pages import PAGES, Shown
from tests.e2e.walking import DESK, Walker

Colours = Literal["light", "dark"]

PICTURES = Path(__file__).parents[1] / "docs" / "screenshots"
STILL = (Path(__file__).parent / "still.js").read_text()
CALM = "*, *::before, *::after { animation: none !important; transition: none !important }"
PALETTE = 96
APART, SAME = 24, 0.004
"""Dots differ from this much grey on; the share of them that may differ in a picture that is kept as it was."""


def main(names: list[str]) -> None:
    chosen = [shown for shown in PAGES if not shown.is_frame and (not names or shown.name in names)]
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, acme.open_house(Path(folder) / "house") as workspace:
        take(workspace, chosen)
    if not names:
        tidy(chosen)


def take(workspace: Acme, chosen: list[Shown]) -> None:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        walker = Walker(workspace, playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags))
        for shown in chosen:
            keep(shown.picture("light"), look(walker, shown, "light"))
            keep(shown.picture("dark"), look(walker, shown, "dark"))
        walker.close()


def look(walker: Walker, shown: Shown, colours: Colours) -> Image.Image:
    """The first screen of a page."""
    page = walker.open(shown, colours)
    page.evaluate(STILL)
    page.mouse.move(DESK["width"] - 1, DESK["height"] - 1)
    taken = page.screenshot(style=CALM, animations="disabled", mask=[page.locator("img.qr")], mask_color="#888")
    return Image.open(io.BytesIO(taken)).convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE)


def keep(name: str, taken: Image.Image) -> None:
    """Write it down unless there is one that looks the same."""
    path = PICTURES / name
    if path.exists():
        with Image.open(path) as before:
            if before.size == taken.size and difference(before, taken) <= SAME:
                return
    taken.save(path, optimize=True)
    print(f"{name}: {path.stat().st_size // 1024} kB")


def difference(before: Image.Image, now: Image.Image) -> float:
    """The share of dots that are not nearly the same; each picture has a palette of its own."""
    grey = ImageChops.difference(before.convert("RGB"), now.convert("RGB")).convert("L")
    return sum(grey.histogram()[APART:]) / (grey.width * grey.height)


def tidy(chosen: list[Shown]) -> None:
    """Pictures of pages that are gone go too; a page lists the rest."""
    wanted = {shown.picture(colours) for shown in chosen for colours in ("light", "dark")}
    for path in PICTURES.glob("*.png"):
        if path.name not in wanted:
            path.unlink()
    rows = [f"| {shown.name} | {_image(shown, 'light')} | {_image(shown, 'dark')} |" for shown in chosen]
    (PICTURES / "README.md").write_text("\n".join([OPENING, *rows, ""]))


def _image(shown: Shown, colours: Colours) -> str:
    return f"![{shown.name}, {colours}]({shown.picture(colours)})"


OPENING = """# Pictures of every page

`make screenshots` takes them, 1280 by 800, of a workspace that is filled for it.

| Page | Light | Dark |
| --- | --- | --- |"""

if __name__ == "__main__":
    main(sys.argv[1:])

"""The documents say what is there, and nothing that is not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import catalogue, reference
from trunkline.channels import KINDS
from trunkline.cli import COMMANDS
from trunkline.core.config import Settings
from trunkline.reactions import REACTIONS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def test_every_setting_is_documented() -> None:
    page = (DOCS / "reference/settings.md").read_text()

    missing = [name for name in Settings.__struct_fields__ if f"TRUNKLINE_{name.upper()}`" not in page]

    assert not missing


def test_every_command_is_documented() -> None:
    page = (DOCS / "reference/commands.md").read_text()

    assert not [name for name in COMMANDS if f"## {name}\n" not in page]


def test_every_kind_of_channel_is_documented() -> None:
    page = (DOCS / "reference/channels.md").read_text()

    assert not [kind for kind in KINDS if f"## {kind}\n" not in page]


def test_every_kind_of_channel_publishes_its_delivery_semantics() -> None:
    page = (DOCS / "guides/delivery-semantics.md").read_text()

    assert not [kind for kind in KINDS if f"`{kind}`" not in page]


def test_every_event_is_documented() -> None:
    page = (DOCS / "reference/events.md").read_text()

    assert not [name for name in catalogue.known_events() if f"| `{name}` |" not in page]


def test_every_event_with_a_reaction_is_a_known_one() -> None:
    assert set(REACTIONS) <= set(catalogue.known_events().values())


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("settings.md", reference.settings),
        ("commands.md", reference.commands),
        ("events.md", catalogue.events),
        ("channels.md", catalogue.kinds),
    ],
)
def test_generated_pages_are_in_step(name: str, made) -> None:
    assert (DOCS / "reference" / name).read_text() == made(), "run `make fix`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(CODE.sub("", page.read_text()))

    broken = [target for target in targets if not _leads_somewhere(page, target)]

    assert not broken


def test_every_guide_and_decision_is_in_the_index() -> None:
    index = (DOCS / "index.md").read_text()
    pages = [*(DOCS / "guides").glob("*.md"), *(DOCS / "decisions").glob("*.md"), *(DOCS / "reference").glob("*.md")]

    assert not [page.name for page in pages if f"({page.relative_to(DOCS).as_posix()})" not in index]


def test_no_two_decisions_share_a_number() -> None:
    numbers = [path.name[:4] for path in (DOCS / "decisions").glob("*.md")]

    assert sorted(set(numbers)) == sorted(numbers)


def test_files_that_documents_name_exist() -> None:
    named = {
        (page.name, path)
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for path in re.findall(r"`((?:trunkline|tests|tools|docs)/[\w./-]+\.\w+)`", page.read_text())
        if not re.search(r"\bexample\b|_example\.|_x\.", path)
    }

    missing = sorted(pair for pair in named if not (ROOT / pair[1]).exists())

    assert not missing


def _leads_somewhere(page: Path, target: str) -> bool:
    if target.startswith(("https://", "http://", "mailto:")):
        return True
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists():
        return False
    return not anchor or anchor in {_anchor(heading) for heading in HEADING.findall(file.read_text())}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_every_metric_is_documented() -> None:
    page = (DOCS / "reference/metrics.md").read_text()
    script = "import trunkline.app, trunkline.worker\nfrom trunkline.core.metrics import REGISTER\nprint(*REGISTER)"
    counted = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)

    assert not [name for name in counted.stdout.split() if f"| `{name}` |" not in page]

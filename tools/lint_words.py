"""Rule: no file names a path of one machine, a package registry's host or papers that are not in the checkout."""

import re
from collections.abc import Iterator
from pathlib import Path

# In pieces, so that the rule does not break itself.
HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb.debian" + ".org",
    "proxy.golang" + ".org",
)
RULES = [
    (re.compile("|".join(map(re.escape, HOSTS))), "names a package registry's host"),
    (re.compile(r"(?<![\w.~$}-])/(?:work|root|home)/\w"), "names a path of one machine"),
    (re.compile(r"\bshared/(?:design|contracts|seeds)\b"), "names papers that are not in the checkout"),
]
TEXT = {
    ".py",
    ".md",
    ".sql",
    ".toml",
    ".yaml",
    ".yml",
    ".html",
    ".css",
    ".js",
    ".svg",
    ".sh",
    ".json",
    ".lock",
    ".http",
    "",
}
OTHERS = ("trunkline/web/static/vendor/",)


def find(root: Path, path: str) -> Iterator[tuple[int, str]]:
    """`path` is relative to `root`."""
    if Path(path).suffix not in TEXT or path.startswith(OTHERS):
        return
    for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), 1):
        for pattern, what in RULES:
            if pattern.search(line):
                yield number, what

"""Progress of long work, on the error stream: a bar on a terminal, a line now and then elsewhere."""

import shutil
import sys
from types import TracebackType

from trunkline.core import clock

EVERY_SECONDS = 10.0
WIDTH = 30


class Progress:
    """`with Progress("Copying", total) as progress: progress.advance(n)`; without a total it only counts."""

    def __init__(self, what: str, total: int | None = None, unit: str = ""):
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self._terminal = sys.stderr.isatty()
        self._shown_at = 0.0 if self._terminal else clock.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if self._terminal:
            if kind is None:
                self._show()
            sys.stderr.write("\n")

    def advance(self, by: int = 1) -> None:
        self.done += by
        now = clock.monotonic()
        if now - self._shown_at >= (0.1 if self._terminal else EVERY_SECONDS):
            self._shown_at = now
            self._show()

    def _show(self) -> None:
        line = f"{self.what}: {self._bar()}{self.done:,}{f' of {self.total:,}' if self.total else ''}{self.unit}"
        if self._terminal:
            columns = shutil.get_terminal_size().columns
            sys.stderr.write(f"\r{line[: columns - 1].ljust(columns - 1)}")
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def _bar(self) -> str:
        if not self.total or not self._terminal:
            return ""
        filled = min(WIDTH, WIDTH * self.done // self.total)
        return f"[{'█' * filled}{' ' * (WIDTH - filled)}] "

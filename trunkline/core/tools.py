"""What one process of an installation works with: settings, vault, egress, outgoing HTTP, media."""

import os
from pathlib import Path
from typing import Any

from trunkline.core import ids, mailrelay
from trunkline.core.config import Settings
from trunkline.core.crypto import LEAST_SECRET, Vault
from trunkline.core.egress import EVERYWHERE, Egress
from trunkline.core.errors import Refusal
from trunkline.core.mailrelay import MailRelay
from trunkline.core.media import Folder


class Tools:
    """Made once per process; `http` opens with the event loop that first uses it."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.vault = Vault(secret(settings).encode())
        self.egress = _egress(settings)
        self.mail_relay = _mail_relay(settings)
        self.media = Folder(settings.data / "media")
        self.embedder: Any = None  # how texts become vectors, where a model is configured: knowledge/vectors.py
        self._http: Any = None
        self._operators_http: Any = None

    async def http(self) -> Any:
        """The `core.http.Http` of this process; loaded by the first one who talks to the outside."""
        from trunkline.core.http import Http

        if self._http is None:
            self._http = await Http(self.egress).__aenter__()
        return self._http

    async def operators_http(self) -> Any:
        """The same for addresses from the operator's settings alone, which may be private ones."""
        from trunkline.core.http import Http

        if self._operators_http is None:
            self._operators_http = await Http(Egress(EVERYWHERE)).__aenter__()
        return self._operators_http

    async def close(self) -> None:
        for http in (self._http, self._operators_http):
            if http is not None:
                await http.close()
        self._http = self._operators_http = None

    def url(self, path: str) -> str:
        """An absolute address of ours; the public URL comes from the settings, never from a request."""
        return (self.settings.public_url or "http://localhost:8080").rstrip("/") + path


def secret(settings: Settings) -> str:
    """The installation's secret: given, or made once and kept in the data folder for its owner only."""
    if settings.secret:
        return _whole(settings.secret, "in TRUNKLINE_SECRET", "Take the one from the data folder, or a longer one.")
    path = settings.data / "secret"
    try:
        kept = path.read_text().strip() if path.exists() else _new_secret(path)
    except OSError as error:
        raise Refusal(f"The secret in {path} cannot be read or made: {error.strerror}. Set TRUNKLINE_SECRET.") from None
    return _whole(kept, f"in {path}", "Put the file back from a backup: it opens what is sealed in the database.")


def _whole(secret: str, where: str, advice: str) -> str:
    if len(secret.encode()) < LEAST_SECRET:
        raise Refusal(f"The secret {where} is shorter than {LEAST_SECRET} bytes. {advice}")
    return secret


def _egress(settings: Settings) -> Egress:
    try:
        return Egress(settings.egress_allow)
    except ValueError as error:
        raise Refusal(f"A setting is wrong: {error} See docs/reference/settings.md.") from None


def _mail_relay(settings: Settings) -> MailRelay | None:
    try:
        return mailrelay.parse(settings.smtp_url, settings.mail_from, settings.public_url)
    except ValueError as error:
        raise Refusal(f"A setting is wrong: {error} See docs/reference/settings.md.") from None


def _new_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"secret.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(ids.token(43))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # two first starts at once agree on one secret
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()

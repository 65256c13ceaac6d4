"""`trunkline doctor`: one line for each thing that can be wrong, and what to do about it."""

import os
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from trunkline.billing import credits
from trunkline.commands.answers import Answer
from trunkline.commands.opening import installation
from trunkline.core import clock
from trunkline.core.config import Settings
from trunkline.core.db import Database
from trunkline.core.egress import BadUrl, Egress
from trunkline.core.errors import Refusal, TrunklineError
from trunkline.storage import state
from trunkline.storage.state import Facts

GIB = 1024**3


class Finding(Struct, frozen=True):
    """`do` is what to do about it."""

    check: str
    state: Literal["ok", "warn", "fail"]
    message: str
    do: str = ""


async def doctor(settings: Settings) -> Answer:
    """Look for what is wrong and say what to do. Exits with 1 when something fails."""
    findings = [*_folder(settings), *_addresses(settings), *_egress(settings)]
    try:
        async with installation(settings, tools=True, any_secret=True) as database:
            findings += await _installation(database)
            findings.append(await _model(database))
    except TrunklineError as error:
        findings.append(Finding("database", "fail", error.message))
    failed = any(finding.state == "fail" for finding in findings)
    return Answer({"ok": not failed, "checks": findings}, "\n".join(map(_line, findings)), code=int(failed))


def _line(finding: Finding) -> str:
    return f"{finding.state:<5}{finding.check:<12}{finding.message}{f' {finding.do}' if finding.do else ''}"


def _folder(settings: Settings) -> Iterator[Finding]:
    data = settings.data.absolute()
    place = next((folder for folder in (data, *data.parents) if folder.exists()), Path("/"))
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding("folder", "fail", f"{place} cannot be written to.", "Give it to the user that runs Trunkline.")
    free = shutil.disk_usage(place).free
    say = f"{free / GIB:.1f} GiB free in {place}."
    if free < GIB // 10:
        yield Finding("disk", "fail", say, "Free some space now: the database stops when there is none.")
    elif free < GIB:
        yield Finding("disk", "warn", say, "Free some space soon.")
    else:
        yield Finding("disk", "ok", say)
    secret = data / "secret"
    if secret.exists() and secret.stat().st_mode & 0o077:
        yield Finding("secret", "warn", f"Others can read {secret}.", f"Run `chmod 600 {secret}`.")


def _addresses(settings: Settings) -> Iterator[Finding]:
    url = settings.public_url
    parts = urlsplit(url)
    if not url:
        do = "Set TRUNKLINE_PUBLIC_URL before a provider, a webhook or a mail has to find the way here."
        yield Finding("public url", "warn", "None is set.", do)
    elif parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        yield Finding("public url", "fail", f"{url} is no address of a site.", "Write it as https://example.com.")
    elif parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        yield Finding("public url", "warn", f"{url} is not encrypted.", "Use https, here or at a proxy.")
    else:
        yield Finding("public url", "ok", url)
    if settings.tls_cert or settings.tls_key:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key or None)
            yield Finding("tls", "ok", f"{settings.tls_cert} can be used.")
        except (OSError, ssl.SSLError) as error:
            do = "Correct TRUNKLINE_TLS_CERT and TRUNKLINE_TLS_KEY."
            yield Finding("tls", "fail", f"{settings.tls_cert or 'No certificate'} cannot be used: {error}.", do)


def _egress(settings: Settings) -> Iterator[Finding]:
    try:
        egress = Egress(settings.egress_allow)
    except (BadUrl, ValueError) as error:
        yield Finding("egress", "fail", f"TRUNKLINE_EGRESS_ALLOW: {error}", "Correct the entry.")
        return
    if egress.allows("169.254.169.254", 80):
        do = "Name the hosts that are meant instead."
        yield Finding("egress", "warn", "TRUNKLINE_EGRESS_ALLOW opens the cloud's metadata address.", do)
    else:
        count = len(settings.egress_allow)
        yield Finding("egress", "ok", f"{count} private targets are allowed." if count else "Public targets only.")


async def _installation(database: Database) -> list[Finding]:
    before = clock.now()
    async with database.system() as tx:
        facts = await state.facts(tx)
        wrong = await credits.check_all(tx)
    between = before + (clock.now() - before) / 2
    skew = abs((facts.now - between).total_seconds())
    return [
        Finding("database", "ok", f"PostgreSQL {facts.version}, with this version's tables."),
        *_parts(facts),
        _clock(skew),
        *_work(facts),
        *(Finding("channel", "warn", trouble, "Look at the channel in the dashboard.") for trouble in facts.troubles),
        *(
            Finding("credits", "fail", f"Account {one.account_id}: the balance is not what the ledger says.", REPORT)
            for one in wrong
        ),
        await _secret(database),
    ]


def _parts(facts: Facts) -> Iterator[Finding]:
    missing = [name for name in ("pg_trgm", "btree_gin") if name not in facts.extensions]
    for name in missing:
        yield Finding("extension", "fail", f"{name} is missing.", f"Run `create extension {name}` in the database.")
    if not missing:
        yield Finding("extension", "ok", "pg_trgm and btree_gin are there.")


def _clock(skew: float) -> Finding:
    if skew < 2:
        return Finding("clock", "ok", "This machine and the database agree on the time.")
    do = "Let both keep time by NTP."
    return Finding("clock", "fail" if skew > 60 else "warn", f"They differ by {skew:.0f} s from the database.", do)


def _work(facts: Facts) -> Iterator[Finding]:
    if facts.workers:
        yield Finding("workers", "ok", f"{facts.workers} at work.")
    else:
        yield Finding("workers", "warn", "None at work.", "Start `trunkline up` or `trunkline worker`.")
    for queue in ("events", "inbound", "jobs"):
        age = getattr(facts, queue)
        if age > 60:
            say = f"The oldest row of {queue} has waited for {age:.0f} s."
            do = "See in the worker's log why it is slow, or start another `trunkline worker`."
            yield Finding("queue", "fail" if age > 900 and facts.workers else "warn", say, do)
    if max(facts.events, facts.inbound, facts.jobs) <= 60:
        yield Finding("queues", "ok", "Nothing waits for long.")
    if facts.dead_letters:
        many = f"{facts.dead_letters:,}{' or more' if facts.dead_letters > 10_000 else ''}"
        yield Finding("dead", "warn", f"{many} calls failed for good.", "See `trunkline dead list`.")
    if facts.held:
        do = "Make sure that the old installation is off, then run `trunkline release`."
        yield Finding("held", "warn", "A restored installation: it sends nothing.", do)


async def _secret(database: Database) -> Finding:
    try:
        await state.check_secret(database)
    except Refusal as refusal:
        return Finding("secret", "fail", refusal.message)
    return Finding("secret", "ok", "It opens what is sealed.")


async def _model(database: Database) -> Finding:
    """A model is optional; one that is configured should answer."""
    from trunkline.ai import models

    tools = database.tools
    probe = await models.probe(await tools.operators_http(), tools.settings)
    if probe is None:
        return Finding("ai", "ok", "No model is configured: drafts quote the knowledge base.")
    return Finding("ai", probe.state, probe.message, "" if probe.state == "ok" else "See docs/guides/ai.md.")


REPORT = "Please report it; `trunkline credits show` has the numbers."

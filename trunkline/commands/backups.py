"""`trunkline backup` and `trunkline restore`: the whole installation, in one file."""

from pathlib import Path
from typing import Annotated

from trunkline.commands.answers import Answer
from trunkline.commands.opening import prepare, refuse_missing
from trunkline.commands.progress import Progress
from trunkline.core import tools
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal
from trunkline.storage import backup as backups
from trunkline.storage import postgres
from trunkline.storage import restore as restoring
from trunkline.storage.backup import Manifest
from trunkline.storage.postgres import Embedded


async def backup(settings: Settings, file: Annotated[Path, "The file to write; it must not exist yet."], /) -> Answer:
    """Write the whole installation into one file."""
    refuse_missing(settings)
    secret, media = tools.secret(settings), settings.data / "media"
    async with postgres.database(settings.data, settings.database_url or None, settings.postgres_bin or None) as dsn:
        await prepare(dsn)
        with Progress("Backing up", unit=" bytes") as progress:
            manifest = await backups.write(dsn, file.absolute(), media, secret, progress.advance)
    document = _document(manifest, file)
    text = (
        f"Wrote {file}: {manifest.rows:,} rows in {len(manifest.tables)} tables, {document['size']:,} bytes.\n"
        "It holds the installation's secret and everybody's data. Keep it as safe as the installation itself."
    )
    return Answer(document, text)


async def restore(settings: Settings, file: Annotated[Path, "A file that `trunkline backup` wrote."], /) -> Answer:
    """Put a backup into an empty data folder or database. Nothing is sent until `trunkline release`."""
    manifest = backups.read(file)
    _refuse_other_secret(settings, file)
    with Progress("Checking", manifest.size, " bytes") as progress:
        restoring.verify(file, manifest, progress.advance)
    if settings.database_url:
        await _restore(settings, settings.database_url, file, manifest)
    else:
        server = Embedded(settings.data, settings.postgres_bin or None)
        await server.start()
        try:
            await _restore(settings, server.dsn, file, manifest)
        finally:
            await server.stop()
    text = (
        f"Restored {manifest.rows:,} rows of {manifest.created_at[:16]} (Trunkline {manifest.version}).\n"
        "The installation is held: it receives, but sends nothing, so that nobody gets a message twice. Make sure that "
        "the old installation is off, then run `trunkline release`."
    )
    return Answer(_document(manifest, file) | {"held": True}, text)


async def _restore(settings: Settings, dsn: str, file: Path, manifest: Manifest) -> None:
    await restoring.refuse_inhabited(dsn)
    with Progress("Restoring", manifest.size, " bytes") as progress:
        # The rows come last and all at once: as long as there are none, everything can be done again.
        restoring.unpack(file, manifest, settings.data, progress.advance)
        await restoring.load(dsn, file, manifest, progress.advance)


def _refuse_other_secret(settings: Settings, file: Path) -> None:
    if settings.secret and settings.secret != restoring.secret_in(file):
        raise Refusal(
            "TRUNKLINE_SECRET is not the secret of this backup, and what the backup keeps sealed could not be opened. "
            "Unset it (the backup brings its own), or set it to the secret of the old installation."
        )
    kept = settings.data / "secret"
    if settings.database_url and kept.exists() and kept.read_text().strip() != restoring.secret_in(file):
        raise Refusal(f"{kept} is the secret of another installation. Name another data folder with --data.")


def _document(manifest: Manifest, file: Path) -> dict[str, object]:
    return {
        "file": str(file.absolute()),
        "size": file.stat().st_size,
        "version": manifest.version,
        "schema": manifest.schema,
        "created_at": manifest.created_at,
        "rows": manifest.rows,
        "tables": {table.name: table.rows for table in manifest.tables},
    }

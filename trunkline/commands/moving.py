"""`trunkline import …`: a workspace from another server."""

from typing import Annotated, Any

from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import account_named, installation
from trunkline.commands.progress import Progress
from trunkline.commands.user import AccountId
from trunkline.core.config import Settings


async def rapidpro(
    settings: Settings,
    *,
    host: Annotated[str, "The server, like textit.com or https://rapidpro.example.org."],
    token: Annotated[str, "An API token of an administrator there."],
    account: AccountId,
) -> Answer:
    """Copy a RapidPro or TextIt workspace into an account. Run it again to go on where it stopped.

    Campaigns and triggers are held until `trunkline import release`.
    """
    from trunkline.moving.moving import move
    from trunkline.moving.source import Source

    async with installation(settings, tools=True) as database:
        async with database.system() as tx:
            found = await account_named(tx, account)
        # Whoever may run commands here may name a server of their own network.
        source = Source(await database.tools.operators_http(), host, token)
        with Bars() as bars:
            report = await move(database, found.id, source, bars.tell)
    return Answer({"host": source.name, "parts": report}, _text(report))


async def release(settings: Settings, *, account: AccountId) -> Answer:
    """Let the campaigns and triggers of a copied workspace go."""
    from trunkline.moving import moving

    async with installation(settings, tools=True) as database:
        async with database.system() as tx:
            found = await account_named(tx, account)
        done = await moving.release(database, found.id, settings.public_url or "")
    text = f"{done['campaigns']} campaigns and {done['triggers']} triggers are in use."
    return Answer(done, "\n".join([text, *done["issues"]]))


class Bars:
    """One line of progress for each part."""

    def __init__(self) -> None:
        self._bar: Progress | None = None

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *ended: Any) -> None:
        if self._bar:
            self._bar.__exit__(*ended)

    def tell(self, part: str, done: int) -> None:
        if self._bar is None or self._bar.what != part:
            self.__exit__(None, None, None)
            self._bar = Progress(part).__enter__()
        self._bar.advance(done - self._bar.done)


def _text(report: list[dict[str, Any]]) -> str:
    rows = [(each["part"], each["copied"], each["left_out"], each["held"] or "") for each in report]
    lines = [table(("Part", "Copied", "Left out", "Held"), rows, empty="Nothing was copied.")]
    lines += [f"{each['part']}: {problem}" for each in report for problem in each["problems"]]
    return "\n".join([*lines, "Let campaigns and triggers go with `trunkline import release`."])

"""The command line: which commands there are, and how one is called, answered and refused."""

import sys
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from trunkline import __version__
from trunkline.commands import parsing
from trunkline.commands.parsing import Usage


class Command(Struct, frozen=True):
    """`place` is `module:function`; the module is imported when the command is called."""

    name: str
    place: str
    summary: str

    def load(self) -> Callable[..., Any]:
        from importlib import import_module

        module, function = self.place.split(":")
        return getattr(import_module(f"trunkline.commands.{module}"), function)


COMMANDS = {
    name: Command(name, place, summary)
    for name, place, summary in (
        ("up", "up:up", "Start everything: database, migrations, web and worker."),
        ("web", "processes:web", "Run one more web process."),
        ("worker", "processes:worker", "Run one more worker process."),
        ("migrate", "database:migrate", "Bring the database to this version."),
        ("seed demo", "seeds:demo", "Fill in the demo world, once."),
        ("doctor", "doctor:doctor", "Look for what is wrong and say what to do."),
        ("release", "database:release", "End the held state that follows a restore."),
        ("backup", "backups:backup", "Write the whole installation into one file."),
        ("restore", "backups:restore", "Put a backup into an empty data folder or database."),
        ("routes", "dialects:routes", "List the endpoints of all APIs."),
        ("openapi", "dialects:openapi", "Print the OpenAPI document of an API."),
        ("account create", "account:create", "Make an account."),
        ("account list", "account:list_all", "List the accounts."),
        ("account show", "account:show", "Show an account and its settings."),
        ("account set", "account:change", "Change settings of an account."),
        ("user create", "user:create", "Make somebody a member of an account."),
        ("user list", "user:list_all", "List the members of an account."),
        ("user set", "user:change", "Change a member's role, or switch the member off and on."),
        ("user password", "user:password", "Make a link for choosing a new password."),
        ("key create", "key:create", "Make an API key; it is shown once."),
        ("key list", "key:list_all", "List the living API keys of an account."),
        ("key revoke", "key:revoke", "Make an API key useless at once."),
        ("channel create", "channel:create", "Connect a channel."),
        ("channel list", "channel:list_all", "List the channels of an account."),
        ("channel delete", "channel:delete", "Disconnect a channel."),
        ("template create", "template:create", "Keep a message template."),
        ("assistant create", "assistant:create", "Make an assistant that answers by itself."),
        ("assistant list", "assistant:list_all", "List the assistants of an account."),
        ("assistant set", "assistant:change", "Change an assistant."),
        ("assistant delete", "assistant:delete", "Remove an assistant."),
        ("group create", "contact:create_group", "Make a group of contacts."),
        ("company create", "contact:create_company", "Make a company."),
        ("contact count", "contact:count", "Count the contacts that a query finds."),
        ("contact import", "contact:import_file", "Import contacts from a CSV or XLSX file."),
        ("credits grant", "credits:grant", "Give credits to an account."),
        ("credits show", "credits:show", "Show the credits of an account."),
        ("credits statement", "credits:statement", "Print every movement of a month."),
        ("credits allowance", "credits:allowance", "Set what a sub-account gets each month."),
        ("credits below", "credits:below", "Show what the sub-accounts of an agency have and use."),
        ("message stats", "messages:stats", "Count the messages of an account by state."),
        ("broadcast list", "broadcast:list_all", "List the latest broadcasts of an account."),
        ("broadcast pause", "broadcast:pause", "Stop sending a broadcast for now."),
        ("broadcast resume", "broadcast:resume", "Go on sending a paused broadcast."),
        ("broadcast cancel", "broadcast:cancel", "Stop a broadcast for good and give its credits back."),
        ("flow run-case", "flow:run_case", "Run contacts through flows: a case in, its sprints out."),
        ("flow eval", "flow:eval_", "Evaluate templates and expressions."),
        ("flow query", "flow:query", "Read contact queries, and say whether a contact matches."),
        ("flow migrate", "flow:migrate", "Bring flow definitions to a newer version."),
        ("flow inspect", "flow:inspect", "Check flow definitions and list what they use and make."),
        ("flow import", "flow:import_", "Import export files into a workspace given as JSON, or into an account."),
        ("flow export", "flow:export", "Export flows of a workspace given as JSON, or of an account."),
        ("flow start", "stored_flows:start", "Start a flow for contacts."),
        ("flow log", "stored_flows:log", "Show what flows did outside and what went wrong in them."),
        ("flow archive", "stored_flows:archive", "Put a flow away and let go of whoever waits in it."),
        ("import rapidpro", "moving:rapidpro", "Copy a RapidPro or TextIt workspace into an account."),
        ("import release", "moving:release", "Let the campaigns and triggers of a copied workspace go."),
        ("archives build", "archives:build", "Move old messages and runs into files."),
        ("field set", "field:change", "Change a contact field."),
        ("flow play", "flow:play", "Talk to a flow in the terminal."),
        ("dead list", "dead:list_all", "List the background work that failed for good."),
        ("dead replay", "dead:replay", "Try a dead letter again."),
        ("dead discard", "dead:discard", "Delete a dead letter."),
        ("prove", "prove:prove", "Prove that nothing is lost or doubled when processes are killed."),
    )
}


def main() -> None:
    """The command `trunkline`: 0 is success, 1 a refusal, 2 a wrong use."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    as_json = parsing.wants_json(arguments)
    try:
        if not arguments or arguments[0] in ("-h", "--help", "help"):
            sys.stdout.write(overview(COMMANDS.values()))
            return 0 if arguments else 2
        if arguments[0] in ("--version", "-V"):
            sys.stdout.write(f"trunkline {__version__}\n")
            return 0
        command, rest = _found(arguments)
        if command is None:
            sys.stdout.write(overview(_under(arguments[0])))
            return 0
        return _call(command, rest, as_json)
    except Usage as error:
        parsing.refuse("usage", str(error), as_json=as_json)
        return 2


def overview(commands: Any) -> str:
    """The commands with a line for each."""
    lines = [f"  {command.name:<18}{command.summary}" for command in commands]
    return "\n".join(["Usage: trunkline COMMAND [--data DIR] [--json] …", "", *lines, "", FOOTER, ""])


def _found(arguments: list[str]) -> tuple[Command | None, list[str]]:
    """The command that the first one or two words name; None asks for the list of those below the first."""
    for words in (2, 1):
        command = COMMANDS.get(" ".join(arguments[:words]))
        if command and len(arguments) >= words:
            return command, arguments[words:]
    if below := _under(arguments[0]):
        if arguments[1:2] in (["--help"], ["-h"]):
            return None, []
        known = ", ".join(command.name.partition(" ")[2] for command in below)
        raise Usage(f"`trunkline {arguments[0]}` needs one of: {known}.")
    raise Usage(f"There is no command {' '.join(arguments[:2])!r}.{_nearest(arguments)} Try `trunkline --help`.")


def _under(word: str) -> list[Command]:
    return [command for name, command in COMMANDS.items() if name.startswith(f"{word} ")]


def _nearest(arguments: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(" ".join(arguments[:2]), COMMANDS) or get_close_matches(arguments[0], COMMANDS)
    return f" Did you mean `trunkline {close[0]}`?" if close else ""


def _call(command: Command, rest: list[str], as_json: bool) -> int:
    from trunkline.commands import calling

    return calling.call(command.name, command.load(), rest, as_json=as_json)


FOOTER = "`trunkline COMMAND --help` says more. Settings are read from TRUNKLINE_… and from the file TRUNKLINE_CONFIG."

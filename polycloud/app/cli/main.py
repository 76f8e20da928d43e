"""The command line: which commands there are, and how it ends. Each command is loaded when it is used."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, cast

import click

from polycloud import __version__
from polycloud.app.cli.output import AWAY, EXIT_CODES, INTERRUPTED, NO, WRONG, note
from polycloud.app.nearest import unknown
from polycloud.app.settings import BadSettings
from polycloud.core.errors import BadRequest, EstateError, NotRunning, PolycloudError, Refused

WRONG_STATUSES = (400, 404, 422)  # the running instance found the input wrong
COMMANDS = {  # name: module, object, one line for the list; so that the list loads none of them
    "up": ("up", "up", "Start the gateway, and simulated clouds where the estate names them."),
    "check": ("estate", "check", "Find every mistake, and prove that data stays where it must."),
    "init": ("begin", "init", "Write an estate: asked for, or from a LiteLLM configuration."),
    "schema": ("estate", "schema", "Print the estate's JSON Schema, for editors."),
    "explain": ("estate", "explain", "Say where a request would go, and why not elsewhere."),
    "status": ("admin", "status", "Targets beside what was measured; sites, workers, breakers."),
    "call": ("traffic", "call", "Send one prompt through the running gateway."),
    "usage": ("traffic", "usage", "Requests, tokens and cost by team, model and cloud."),
    "keys": ("admin", "keys", "Make, list, revoke and rotate gateway keys."),
    "sites": ("admin", "sites", "Drain, fail, serve sites and deployments, or set their shares."),
    "reload": ("admin", "reload", "Take the estate's files as they are now."),
    "sandbox": ("sandbox", "sandbox", "Set faults in the simulated clouds, see what they served."),
    "place": ("place", "place", "Say where every workload and dataset should be, at least cost, with the proof."),
    "prices": ("prices", "prices", "Show and compare prices, speeds and distances, each with source and date."),
    "route": ("route", "route", "Find the cheapest or fastest way for data, and the links worth having."),
    "commit": ("commit", "commit", "Say which commitments to buy from a history of usage, with the risk."),
    "assess": ("assess", "assess", "Say whether to use several clouds at all, and in which pattern."),
    "render": ("render", "render", "Write Terraform, Kubernetes, mesh and monitoring from the estate."),
    "plan": ("render", "plan", "Preview a render: what changes, what it costs, what the policy says."),
    "drift": ("render", "drift", "Say what differs between the rendered files and a cloud."),
    "completion": ("shell", "completion", "Print the completion script of bash, zsh or fish."),
}


class Lazy(click.Group):
    """A group that loads a command's module when it is run, and lists without loading."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        return cast(click.Command, getattr(import_module(f"polycloud.app.cli.{module}"), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(unknown("command", args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=Lazy, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="polycloud")
def cli() -> None:
    """AI over five clouds as one place: one endpoint, one estate, one proof."""


def exit_code(error: PolycloudError) -> int:
    if isinstance(error, NotRunning):
        return AWAY
    if isinstance(error, Refused):
        return WRONG if error.answer_status in WRONG_STATUSES else NO
    return WRONG if isinstance(error, EstateError | BadSettings | BadRequest) else NO


def run(arguments: Sequence[str] | None = None) -> int:
    """One command; its exit code. No error of ours or of the system shows as a traceback."""
    try:
        code = cli.main(args=arguments, prog_name="polycloud", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        note("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except PolycloudError as error:
        note(f"error: {error.message}")
        return exit_code(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        note(f"error: {error.strerror or error}{where}")
        return NO
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """The entry of the program ``polycloud``."""
    try:
        sys.exit(run())
    except BrokenPipeError:  # the reader of our output has gone: there is nobody to tell
        sys.stderr.close()
        sys.exit(NO)

"""The command `segments`: one file here for each subcommand, loaded only when it is called.

What goes wrong ends in one clear line on stderr and exit code 1 (2 for a wrong call), Ctrl-C in 130.
"""

import difflib
import gc
import importlib
import os
import sys
from importlib.util import find_spec
from typing import Any, NoReturn, cast

import click

from streams.cli.visible import visible_lines

# Name of the command: (module in this package, its line in `segments --help`). The line stands here so that
# the help of all commands loads none of them.
COMMANDS = {
    "worker": ("worker", "Run a worker. Workers of one group share the partitions."),
    "broker": ("broker", "Start, stop or find a local Kafka for development."),
    "topics": ("topics", "Create the topics, or check those that exist."),
    "produce": ("produce", "Send JSON lines to a topic."),
    "consume": ("consume", "Print the records of a topic as JSON lines."),
    "list": ("list_rules", "List the rules."),
    "show": ("show", "Show one rule: its description and what it keeps."),
    "lint": ("lint", "Check rules, and say what to write instead."),
    "test": ("test_rules", "Run the stories of the rules."),
    "try": ("try_rule", "Try a rule, or all of them, on past events."),
    "fit": ("fit", "Fit a model of purchases, for rules that look ahead."),
    "convert": ("convert", "Make JSON lines of a CSV file."),
    "diff": ("diff", "Say what a deployment would change."),
    "deploy": ("deploy", "Deploy the rules: they go live while events flow."),
    "deployments": ("deployments", "List what was deployed, and what the partitions run."),
    "borders": ("borders", "Take borders from all customers, and show those published."),
    "rollback": ("rollback", "Deploy an earlier rule set again."),
    "replay": ("replay", "Compute segment events from a file of events, without Kafka."),
    "why": ("why", "Ask the workers why a customer is in a segment, or not."),
    "identities": ("identities", "List the ids that were merged into a customer."),
    "report": ("report", "Report what came of segments: conversion, stays, experiments."),
    "members": ("members", "List the members of a segment."),
    "deliver": ("deliver", "Send enters and exits to the tools that act."),
    "console": ("console", "Serve pages about segments and customers."),
    "export": ("export", "Print all that is known of a customer."),
    "erase": ("erase", "Erase a customer."),
    "dead-letters": ("dead_letters", "Show refused records, and send them again."),
    "reset": ("reset", "Delete the state of a group, so that it is computed again."),
    "new": ("new", "Create a rule file to start from."),
    "settings": ("settings", "List all settings: variable, value, default, meaning."),
}

# An error is ours if its class, or one that it is made from, is defined in one of these packages.
OUR_PACKAGES = frozenset({"segments", "schemas", "streams"})
KAFKA_ERRORS = frozenset({"kafka.errors.KafkaError", "aiokafka.errors.KafkaError"})

# What a shell makes of a process that died of SIGINT and of SIGPIPE.
INTERRUPTED = 130
PIPE_CLOSED = 141


class Commands(click.Group):
    """The subcommands whose modules exist, each imported only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of the commands that exist, in the order of the table."""
        return [name for name, (module, _) in COMMANDS.items() if find_spec(f"{__name__}.{module}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        # What is imported stays: to look for garbage in it takes a tenth of the time.
        gc.disable()
        try:
            command = importlib.import_module(f"{__name__}.{COMMANDS[cmd_name][0]}").command
        finally:
            gc.enable()
        return cast("click.Command", command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; for one that does not exist the nearest name is told."""
        if args and args[0] not in (names := self.list_commands(ctx)) and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], names, n=1)
            ctx.fail(f"No such command '{args[0]}'." + (f" Did you mean '{near[0]}'?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; what goes wrong ends in words and an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            end_with_closed_pipe()
        except Exception as error:
            if (message := in_words(error)) is None:
                raise
            click.echo(f"Error: {visible_lines(message)}", err=True)
            sys.exit(getattr(error, "exit_code", 1))
        return result


def in_words(error: Exception) -> str | None:
    """What to tell the user about an error; None for one that nobody foresaw: it deserves its traceback."""
    classes = type(error).__mro__
    if any(each.__module__.partition(".")[0] in OUR_PACKAGES for each in classes):
        return str(error)
    if KAFKA_ERRORS.intersection(f"{each.__module__}.{each.__qualname__}" for each in classes):
        return f"Kafka refused or did not answer: {str(error) or type(error).__name__}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return None


def end_with_closed_pipe() -> NoReturn:
    """Ends without a word: who read our output has seen enough (`segments consume … | head`)."""
    # The interpreter flushes stdout once more at its end, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(PIPE_CLOSED)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="segments", prog_name="segments")
def main() -> None:
    """Customer segments in real time: a segment is entered and left the moment it becomes true."""

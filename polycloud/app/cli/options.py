"""The options that many commands share, each with one meaning everywhere."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")
Decorator = Callable[[Callable[P, R]], Callable[P, R]]

FILE = click.Path(path_type=Path)
INPUT = click.Path(path_type=Path, exists=True, dir_okay=False)  # a file that is read, and must be there


class Number(click.FloatRange):
    """A number in a range; ``nan`` compares with nothing, so that the range alone would let it pass."""

    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if not math.isfinite(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found


def estate_option(command: Callable[P, R]) -> Callable[P, R]:
    return click.option(
        "-e",
        "--estate",
        type=FILE,
        envvar="POLYCLOUD_ESTATE",
        help="The estate; default: estate.yaml here, then above.",
    )(command)


def environment_option(command: Callable[P, R]) -> Callable[P, R]:
    return click.option("--env", envvar="POLYCLOUD_ENV", help="The layer of this environment: estate.ENV.yaml.")(
        command
    )


def state_option(command: Callable[P, R]) -> Callable[P, R]:
    return click.option(
        "--state",
        type=FILE,
        envvar="POLYCLOUD_STATE",
        help="The state directory; default: .polycloud beside the estate.",
    )(command)


def running_options(command: Callable[P, R]) -> Callable[P, R]:
    """How a command finds the instance that runs: by the state directory beside the estate."""
    return estate_option(state_option(json_option(command)))


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)

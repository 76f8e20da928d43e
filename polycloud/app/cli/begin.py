"""``polycloud init``: a first estate, from a few questions or from a LiteLLM configuration; it passes ``check``."""

import sys
from pathlib import Path

import click

from polycloud.app.cli.beginning import MODELS, REGIONS, Begun, chosen, converted, named, stands, unused, write
from polycloud.app.cli.options import json_option
from polycloud.app.cli.output import NO, OK, emit, note, say


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--from-litellm", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A config.yaml.")
@click.option("--name", help="The estate's name; default: the directory's.")
@click.option("--cloud", "clouds", multiple=True, help="CLOUD or CLOUD:REGION,REGION; can be repeated.")
@click.option("--model", "models", multiple=True, help="A model of the catalogue; can be repeated.")
@click.option("--sandbox/--no-sandbox", default=None, help="Simulate all clouds on this machine: no account needed.")
@click.option("--country", help="Where your own servers stand (ISO 3166-1 code), for --from-litellm.")
@click.option("--force", is_flag=True, help="Overwrite an estate.yaml.")
@json_option
def init(
    directory: Path,
    from_litellm: Path | None,
    name: str | None,
    clouds: tuple[str, ...],
    models: tuple[str, ...],
    sandbox: bool | None,
    country: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Write an estate.yaml into DIRECTORY (default: here), and check it.

    It asks for what is not given; without a terminal, defaults are taken.
    """
    path = unused(directory, force)
    name = named(name or "", path)
    if from_litellm is not None:
        begun = write(path, *converted(from_litellm, name, lambda hall, at: _country(hall, at, country or "")))
    else:
        begun = write(path, chosen(name, *_asked(clouds, models, sandbox)))
    found = begun.examined
    value = {"file": str(path), "holds": found.holds, "notes": begun.notes, "diagnostics": found.diagnostics}
    emit(as_json, value, lambda: _print(begun))
    return OK if found.holds else NO


def _print(begun: Begun) -> None:
    say(f"wrote {begun.file}")
    for line in begun.notes:
        say(f"  - {line}")
    for diagnostic in begun.examined.diagnostics:
        note(str(diagnostic))


def _country(hall: str, at: str, country: str) -> str:
    if not country and sys.stdin.isatty():
        return str(click.prompt(f"In which country does {at} stand (such as DE)"))
    return stands(hall, country)


def _asked(
    clouds: tuple[str, ...], models: tuple[str, ...], sandbox: bool | None
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The choices of the options, and of answers where a person sits there."""
    person = sys.stdin.isatty()
    if not clouds:
        answer = click.prompt("Clouds", default="aws azure gcp oci") if person else "aws azure gcp oci"
        clouds = tuple(answer.replace(",", " ").split())
        if person:
            clouds = tuple(f"{c}:{click.prompt(f'  regions of {c}', default=REGIONS.get(c, ''))}" for c in clouds)
    if not models:
        answer = click.prompt("Models", default=" ".join(MODELS)) if person else " ".join(MODELS)
        models = tuple(answer.replace(",", " ").split())
    if sandbox is None:
        sandbox = click.confirm("Simulate the clouds on this machine first?", default=True) if person else True
    return clouds, models, sandbox

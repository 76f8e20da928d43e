"""``polycloud init``: a first estate, from a few questions or from a LiteLLM configuration; it passes ``check``."""

import sys
from pathlib import Path
from typing import Any

import click
import yaml

from polycloud.app.cli.litellm import convert
from polycloud.app.cli.options import json_option
from polycloud.app.cli.output import NO, OK, emit, note, say
from polycloud.app.library import catalog, examine
from polycloud.app.settings import ESTATE_FILE, BadSettings
from polycloud.core.errors import BadRequest

REGIONS = {  # one that has the most models there, in the catalogue of 2026-11
    "aws": "us-east-1",
    "azure": "eastus",
    "gcp": "us-central1",
    "oci": "us-chicago-1",
}
NEEDED = {  # what an address of the real cloud can not be made without; shown as a place to fill in
    "gcp": {"project": "PROJECT"},
    "oci": {"compartment": "ocid1.compartment.oc1..COMPARTMENT"},
}
MODELS = ("gpt-4o", "claude-sonnet-4-6", "llama-3.3-70b-instruct")
HEAD = """\
# Made by `polycloud init`. What next:
#   polycloud check                 find mistakes, prove that data stays where it must
#   polycloud up                    serve it on http://127.0.0.1:8080
#   polycloud schema > estate.schema.json   lets an editor complete this file
"""


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
    path = directory / ESTATE_FILE
    if path.exists() and not force:
        raise BadSettings(f"{path} exists already; --force overwrites it")
    name = name or _name(directory.resolve().name)
    notes: list[str] = []
    if from_litellm is not None:
        estate, notes = _converted(from_litellm, name, country)
    else:
        estate = _asked(name, clouds, models, sandbox)
    directory.mkdir(parents=True, exist_ok=True)
    text = HEAD + yaml.safe_dump(estate, sort_keys=False, allow_unicode=True, width=110)
    path.write_text(text, "utf8")
    found = examine(path)
    value = {"file": str(path), "holds": found.holds, "notes": notes, "diagnostics": found.diagnostics}

    def people() -> None:
        say(f"wrote {path}")
        for line in notes:
            say(f"  - {line}")
        for diagnostic in found.diagnostics:
            note(str(diagnostic))

    emit(as_json, value, people)
    return OK if found.holds else NO


def _converted(source: Path, name: str, country: str | None) -> tuple[dict[str, Any], list[str]]:
    """An estate and what to know of it. Raises BadRequest for a file that is none or of which nothing is left."""
    try:
        config = yaml.safe_load(source.read_text("utf8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRequest(f"{source} is no YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(config, dict) or not config.get("model_list"):
        raise BadRequest(f"{source} has no model_list; is it a LiteLLM config.yaml?")
    made = convert(config, name, catalog())
    if "models" not in made.estate:
        raise BadRequest("no model could be carried over:\n  " + "\n  ".join(made.notes))
    for hall, facts in made.estate.get("onprem", {}).items():
        if country is None and sys.stdin.isatty():
            facts["country"] = click.prompt(f"In which country does {facts['models_at']} stand (such as DE)")
        elif country is None:
            raise BadRequest(f"rules on residency need to know where {hall} stands: give --country, such as DE")
        else:
            facts["country"] = country.upper()
    return made.estate, made.notes


def _name(text: str) -> str:
    kept = "".join(c if c.isalnum() and c.isascii() else "-" for c in text.lower()).strip("-")
    return kept if kept[:1].isalpha() else "estate"


def _asked(name: str, clouds: tuple[str, ...], models: tuple[str, ...], sandbox: bool | None) -> dict[str, Any]:
    """An estate from the options, and from answers where a person sits there."""
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
    sites = _sites(clouds)
    estate: dict[str, Any] = {"estate": name}
    estate["clouds"] = {cloud: {**NEEDED.get(cloud, {}), "sites": regions} for cloud, regions in sites.items()}
    if sandbox:
        estate["sandbox"] = {"clouds": "all", "key": "pk-demo", "team": "default"}
    estate["models"] = {model: {"deployments": _deployments(model, sites)} for model in models}
    estate["teams"] = {"default": {}}
    return estate


def _sites(clouds: tuple[str, ...]) -> dict[str, list[str]]:
    """Regions by cloud. Raises BadRequest for names that the catalogue does not know."""
    found: dict[str, list[str]] = {}
    for given in clouds:
        cloud, _, regions = given.partition(":")
        if cloud not in REGIONS:
            raise BadRequest(f"{cloud!r} is no cloud (known: {', '.join(REGIONS)})")
        for region in regions.replace(",", " ").split() or [REGIONS[cloud]]:
            if catalog().site(f"{cloud}/{region}") is None:
                near = ", ".join(catalog().similar("site", f"{cloud}/{region}")[:3])
                raise BadRequest(f"{cloud} has no region {region!r}" + (f"; did you mean {near}?" if near else ""))
            found.setdefault(cloud, []).append(region)
    return found


def _deployments(model: str, sites: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Where the catalogue says that a model is offered. Raises BadRequest when none of the clouds does."""
    found = []
    for cloud, regions in sites.items():
        profile = catalog().model(cloud, model)
        if profile is None or not profile.usable:
            continue
        for region in regions:
            row: dict[str, Any] = {"at": f"{cloud}/{region}"}
            scope = next((s for s in profile.scopes if region.startswith(s.split(":")[-1])), None)
            if not profile.regional and scope is None:
                continue
            found.append(row if profile.regional or scope is None else {**row, "profile": scope})
    if not found:
        near = ", ".join(sorted({n for c in sites for n in catalog().similar("model", model)})[:5])
        raise BadRequest(f"none of {', '.join(sites)} offers {model!r}" + (f"; did you mean {near}?" if near else ""))
    return found

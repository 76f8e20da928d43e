"""A first estate from a few choices or from a LiteLLM configuration, written to a folder and checked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml
from pydantic import TypeAdapter, ValidationError

from polycloud.app.cli.litellm import convert
from polycloud.app.library import Examined, catalog, examine
from polycloud.app.settings import ESTATE_FILE, BadSettings
from polycloud.core.errors import BadRequest
from polycloud.estate.scalars import Name

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


class Begun(msgspec.Struct, frozen=True):
    """The file that was written and what was found in it; ``notes`` say what could not be carried over."""

    file: Path
    examined: Examined
    notes: tuple[str, ...] = ()


def init(
    directory: str | Path = ".",
    *,
    clouds: Sequence[str] = tuple(REGIONS),
    models: Sequence[str] = MODELS,
    name: str = "",
    sandbox: bool = True,
    from_litellm: str | Path | None = None,
    country: str = "",
    force: bool = False,
) -> Begun:
    """Writes an ``estate.yaml`` into ``directory``, and checks it: what ``polycloud init`` does without questions.

    ``clouds`` are ``CLOUD`` or ``CLOUD:REGION,REGION``; ``sandbox`` simulates them on this machine. A LiteLLM
    ``config.yaml`` may say all that instead; ``country`` is then where one's own servers stand. Raises BadSettings
    for a file that is there already, without ``force``, and BadRequest for names that the catalogue does not know.
    """
    path = unused(Path(directory), force)
    name = named(name, path)
    if from_litellm is not None:
        return write(path, *converted(Path(from_litellm), name, lambda hall, _: stands(hall, country)))
    return write(path, chosen(name, clouds, models, sandbox))


def unused(directory: Path, force: bool) -> Path:
    """The estate file of ``directory``. Raises BadSettings when it is there and not to be overwritten."""
    path = directory / ESTATE_FILE
    if path.exists() and not force:
        raise BadSettings(f"{path} exists already; --force overwrites it")
    return path


def write(path: Path, estate: dict[str, Any], notes: Sequence[str] = ()) -> Begun:
    """Writes the estate and examines it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + yaml.safe_dump(estate, sort_keys=False, allow_unicode=True, width=110), "utf8")
    return Begun(path, examine(path), tuple(notes))


def stands(hall: str, country: str) -> str:
    """Raises BadRequest when nobody said where a hall stands."""
    if not country:
        raise BadRequest(f"rules on residency need to know where {hall} stands: give --country, such as DE")
    return country.upper()


def converted(source: Path, name: str, where: Callable[[str, str], str]) -> tuple[dict[str, Any], list[str]]:
    """An estate and what to know of it; ``where`` tells the country of a hall and its address. Raises BadRequest for a
    file that is none or of which nothing is left."""
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
        facts["country"] = where(hall, facts["models_at"])
    return made.estate, made.notes


def named(name: str, path: Path) -> str:
    """``name``, or one made of the folder's. Raises BadRequest for a name that an estate can not have."""
    if not name:
        folder = path.parent.resolve().name.lower()
        kept = "".join(c if c.isalnum() and c.isascii() else "-" for c in folder).strip("-")
        return kept if kept[:1].isalpha() else "estate"
    try:
        return TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise BadRequest(f"--name {name!r}: {error.errors(include_url=False)[0]['msg']}") from error


def chosen(name: str, clouds: Sequence[str], models: Sequence[str], sandbox: bool) -> dict[str, Any]:
    """An estate of these clouds and models. Raises BadRequest."""
    sites = _sites(clouds)
    estate: dict[str, Any] = {"estate": name}
    estate["clouds"] = {cloud: {**NEEDED.get(cloud, {}), "sites": regions} for cloud, regions in sites.items()}
    if sandbox:
        estate["sandbox"] = {"clouds": "all", "key": "pk-demo", "team": "default"}
    estate["models"] = {model: {"deployments": _deployments(model, sites)} for model in models}
    estate["teams"] = {"default": {}}
    return estate


def _sites(clouds: Sequence[str]) -> dict[str, list[str]]:
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
            if scope is None and profile.scopes == ("global",):
                scope = "global"
            if not profile.regional and scope is None:
                continue
            found.append(row if profile.regional or scope is None else {**row, "profile": scope})
    if not found:
        near = ", ".join(sorted({n for c in sites for n in catalog().similar("model", model)})[:5])
        raise BadRequest(f"none of {', '.join(sites)} offers {model!r}" + (f"; did you mean {near}?" if near else ""))
    return found

"""What all Terraform roots share: versions, state, tags, variables, the head of each file, identifiers."""

import hashlib
import re
from collections.abc import Mapping

import msgspec

from polycloud.deploy.blueprint import Blueprint, Cluster, Network, Pool
from polycloud.deploy.hcl import Attribute, Block, Expr, Part, Value, block, render
from polycloud.deploy.ports import Reference, Rendered, Resource
from polycloud.deploy.yaml import header

REQUIRED_VERSION = ">= 1.11"  # the first with S3 state locking and write-only arguments; OpenTofu counts likewise
BACKEND_SINCE = {"oci": ">= 1.12"}  # developer.hashicorp.com/terraform/language/backend/oci, 2026-11
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
DIGEST = 6  # characters, as in the names of the clouds
# Source and version of each provider, as of 2026-10.
PROVIDERS = {
    "aws": ("hashicorp/aws", "~> 6.69"),
    "google": ("hashicorp/google", "~> 8.7"),
    "azuread": ("hashicorp/azuread", "~> 3.10"),
    "azurerm": ("hashicorp/azurerm", "~> 5.10"),
    "oci": ("oracle/oci", "~> 8.28"),
    "cloudflare": ("cloudflare/cloudflare", "~> 5.28"),
    "vault": ("hashicorp/vault", "~> 5.13"),
}


def identifier(*parts: str) -> str:
    """A Terraform identifier made from names, different for different names: ``us-east-1`` is ``us_east_1``.

    Parts are joined by two underscores. What else than small words and single dashes stands in a name is replaced,
    and a digest of the name follows after three.
    """
    return "__".join(_word(part) for part in parts)


def _word(name: str) -> str:
    if PLAIN.fullmatch(name):
        return name.replace("-", "_")
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST]
    words = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return f"{words if words[:1].isalpha() else f'n_{words}'}___{digest}"


def ref(text: str) -> Expr:
    """A reference or call, such as ``ref("aws_vpc.main.id")``; never made from an estate's text."""
    return Expr(text)


def resource(kind: str, name: str, attributes: Mapping[str, Value], *parts: Part) -> Block:
    return block("resource", kind, name, attributes=attributes, parts=parts)


def variable(
    name: str,
    described: str,
    kind: str = "string",
    default: Value = None,
    sensitive: bool = False,
    ephemeral: bool = False,
) -> Block:
    """An input. Without a default it must be given; an ephemeral one is kept in no plan and no state."""
    given: dict[str, Value] = {"description": described, "type": Expr(kind)}
    if default is not None:
        given["default"] = default
    if sensitive:
        given["sensitive"] = True
    if ephemeral:
        given["ephemeral"] = True
    return block("variable", name, attributes=given)


def output(name: str, described: str, value: Value, sensitive: bool = False) -> Block:
    return block(
        "output",
        name,
        attributes={"description": described, "value": value, "sensitive": True if sensitive else None},
    )


def network_output(network: Network, id: Expr, subnets: Value, **more: Value) -> Block:
    """What is to be known of a site's network: the same in every root, and ``more`` where a cloud has more."""
    value = {"id": id, "cidr": network.cidr, "subnets": subnets, **more}
    return output(f"network_{identifier(network.site.region)}", f"The network at {network.site.id}.", value)


def versions(*providers: str, state: str = "") -> Block:
    """The ``terraform`` block: which Terraform, which providers. ``state`` is the kind of the backend."""
    wanted: dict[str, Value] = {
        name: {"source": PROVIDERS[name][0], "version": PROVIDERS[name][1]} for name in sorted(providers)
    }
    return block(
        "terraform",
        attributes={"required_version": BACKEND_SINCE.get(state, REQUIRED_VERSION)},
        parts=(block("required_providers", attributes=wanted),),
    )


def backend(kind: str, settings: Mapping[str, Value]) -> Block:
    """Where the state is kept: one place for each root."""
    return block("terraform", parts=(block("backend", kind, attributes=settings),))


def forgotten(address: str) -> Block:
    """What Terraform lets go of without deleting it, and passes over where it never had it."""
    kept = block("lifecycle", attributes={"destroy": False})
    return block("removed", attributes={"from": Expr(address)}, parts=(kept,))


class Root:
    """Collects one root module: blocks by file, the resources in them, and references to other artefacts.

    A file is written only when something is in it. ``cloud`` names the folder under ``terraform/``.
    """

    def __init__(self, cloud: str, blueprint: Blueprint) -> None:
        self.cloud = cloud
        self.blueprint = blueprint
        self._files: dict[str, list[Part]] = {}
        self._about: dict[str, tuple[str, str]] = {}
        self._extra: dict[str, str] = {}
        self._resources: list[Resource] = []
        self._provides: list[str] = []
        self._needs: list[Reference] = []
        self._gaps: list[str] = []
        self.moves: list[tuple[str, str]] = []

    def about(self, file: str, what: str, source: str) -> None:
        """The head of a file: what it is, and the parts of the estate that it comes from."""
        self._about[file] = (what, source)

    def add(self, file: str, *parts: Part) -> None:
        self._files.setdefault(file, []).extend(parts)

    def made(
        self,
        file: str,
        part: Block,
        site: str,
        source: str,
        kind: str,
        monthly: int | None = None,
        data_class: str = "",
        note: str = "",
    ) -> Expr:
        """Adds a resource and its entry in the list of what will exist; answers with its address, for references."""
        address = f"{part.labels[0]}.{part.labels[1]}"
        self.add(file, part)
        self._resources.append(Resource(f"{self.cloud}/{address}", kind, site, source, monthly, data_class, note))
        return Expr(address)

    def section(
        self, file: str, site: str, source: str, kind: str, common: Mapping[str, Value] | None = None
    ) -> "Section":
        """What is made in one file for one thing of the estate; ``common`` attributes come first in each resource."""
        return Section(self, file, site, source, kind, common or {})

    def provides(self, *names: str) -> None:
        self._provides.extend(names)

    def needs(self, file: str, *names: str) -> None:
        self._needs.extend(Reference(name, f"terraform/{self.cloud}/{file}") for name in names)

    def gap(self, sentence: str) -> None:
        """Something that this cloud can not do as the estate says it."""
        self._gaps.append(sentence)

    def text(self, file: str, content: str) -> None:
        """A file of the root that is not HCL blocks, such as a policy document."""
        self._extra[file] = content

    def has(self, address: str) -> bool:
        """Whether a resource, or a variable as ``var.name``, is there already: two parts may need the same one."""
        kind, _, name = address.partition(".")
        return any(
            isinstance(part, Block) and part.labels == ((name,) if kind == "var" else (kind, name))
            for parts in self._files.values()
            for part in parts
        )

    def declared(self) -> dict[str, Block]:
        """Resources and data sources by their address, the latter as ``data.…``."""
        found = {}
        for part in (part for parts in self._files.values() for part in parts):
            if isinstance(part, Block) and part.kind in ("resource", "data"):
                found[("data." if part.kind == "data" else "") + ".".join(part.labels)] = part
        return found

    def change(self, to: Mapping[str, Block]) -> None:
        """Puts other blocks in the place of resources and data sources, by address."""
        now = self.declared()
        later = {id(now[address]): block for address, block in to.items()}
        for parts in self._files.values():
            parts[:] = [later.get(id(part), part) for part in parts]

    def resources(self) -> tuple[Resource, ...]:
        """What the root makes so far."""
        return tuple(self._resources)

    def moved(self, was: str, address: str) -> None:
        """Notes that a resource was at another address before."""
        self.moves.append((was, address))

    def asked(self) -> list[tuple[str, str]]:
        """The variables that have no default, with their types."""
        found = []
        for part in self._files.get("variables.tf", []):
            if isinstance(part, Block):
                given = {inner.name: inner.value for inner in part.body if isinstance(inner, Attribute)}
                kind = given.get("type")
                if "default" not in given and isinstance(kind, Expr):
                    found.append((part.labels[0], kind.text))
        return found

    def asks_clouds_for(self) -> set[str]:
        """The kinds of data sources that the root reads."""
        parts = (part for parts in self._files.values() for part in parts)
        return {part.labels[0] for part in parts if isinstance(part, Block) and part.kind == "data"}

    def kinds(self) -> tuple[str, ...]:
        """The providers whose resources are in the root, by name."""
        return tuple(sorted({one.address.partition("/")[2].partition("_")[0] for one in self._resources}))

    def rendered(self) -> Rendered:
        """The root as files. Raises KeyError for a file without ``about``."""
        files = {}
        for file, parts in sorted(self._files.items()):
            what, source = self._about[file]
            files[f"terraform/{self.cloud}/{file}"] = header(what, self.blueprint.estate, source) + "\n" + render(parts)
        files |= {f"terraform/{self.cloud}/{file}": content for file, content in sorted(self._extra.items())}
        blocks = {f"{self.cloud}/{address}": found for address, found in self.declared().items()}
        return Rendered(
            files,
            tuple(msgspec.structs.replace(one, block=blocks[one.address]) for one in self._resources),
            tuple(self._provides),
            tuple(self._needs),
            tuple(dict.fromkeys(self._gaps)),
            {f"{self.cloud}/{was}": f"{self.cloud}/{address}" for was, address in self.moves},
        )


class Section:
    """Resources of one file that share their site, their origin and their first attributes."""

    def __init__(self, root: Root, file: str, site: str, source: str, kind: str, common: Mapping[str, Value]) -> None:
        self.root = root
        self._file, self._site, self._source, self._kind = file, site, source, kind
        self._common = common

    def make(
        self,
        type: str,
        label: str,
        attributes: Mapping[str, Value] | None = None,
        *parts: Part,
        kind: str = "",
        monthly: int | None = None,
        data_class: str = "",
        note: str = "",
    ) -> Expr:
        """Adds a resource and answers with its address; how often it is made comes before all else in it."""
        given = attributes or {}
        often = {name: given[name] for name in ("count", "for_each") if name in given}
        made = resource(type, label, {**often, **self._common, **given}, *parts)
        return self.root.made(self._file, made, self._site, self._source, kind or self._kind, monthly, data_class, note)

    def add(self, *parts: Part) -> None:
        self.root.add(self._file, *parts)


def pool_source(cluster: Cluster, pool: Pool) -> str:
    """The part of the estate that a pool comes from."""
    return f"clusters.{cluster.name}.pools.{pool.name}"


def times(count: int, unit_price: int | None) -> int | None:
    """The price of so many; None where the price of one is not known."""
    return None if unit_price is None else count * unit_price


KEEP = block("lifecycle", attributes={"prevent_destroy": True})  # for whatever holds data


def attribute(address: Expr, name: str) -> Expr:
    """``attribute(vpc, "id")`` is ``aws_vpc.main.id``."""
    return Expr(f"{address.text}.{name}")

"""What deploy asks of a renderer, and what a renderer answers with."""

from typing import Protocol

import msgspec

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Block


class Resource(msgspec.Struct, frozen=True):
    """One thing that the files bring into being.

    ``address`` is its name in its tool (``aws/aws_s3_bucket.raw``), ``source`` the part of the estate it comes from
    (``datasets.clickstream``). ``monthly`` is micro-USD at list prices less the estate's discounts; None: not known,
    which is never nothing. ``data_class`` is what residency is proved for, "" for what holds no data. ``block`` is
    what Terraform reads of it, where it is a resource of Terraform's.
    """

    address: str
    kind: str
    site: str
    source: str
    monthly: int | None = None
    data_class: str = ""
    note: str = ""
    block: Block | None = None


class Reference(msgspec.Struct, frozen=True):
    """A name that one file uses and another must provide, such as ``cluster:aws-us-east-1`` or ``metric:up``."""

    name: str
    file: str


class Rendered(msgspec.Struct, frozen=True):
    """Files by their path under the output folder, and what can be said of them without reading them again.

    ``provides`` and ``needs`` are checked against each other over all renderers; ``gaps`` are sentences about what
    a tool or a cloud can not express, for people. ``moved`` are addresses before a renaming, with those of now.
    """

    files: dict[str, str]
    resources: tuple[Resource, ...] = ()
    provides: tuple[str, ...] = ()
    needs: tuple[Reference, ...] = ()
    gaps: tuple[str, ...] = ()
    moved: dict[str, str] = {}


class Renderer(Protocol):
    """Pure: the same blueprint gives the same bytes. Raises nothing for a blueprint that ``derive`` made."""

    def __call__(self, blueprint: Blueprint) -> Rendered: ...

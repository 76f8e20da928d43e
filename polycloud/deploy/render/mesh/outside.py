"""Addresses outside of the mesh that the estate itself names: halls' models, stores, the sign-in, the collector."""

from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from polycloud.deploy.blueprint import Blueprint

TLS = 443
ANYWHERE = "0.0.0.0/0"


class Address(NamedTuple):
    """A host with its port. ``cidr`` is where it is as far as its name tells."""

    host: str
    port: int
    scheme: str

    @property
    def numeric(self) -> bool:
        try:
            return bool(ip_address(self.host))
        except ValueError:
            return False

    @property
    def cidr(self) -> str:
        if not self.numeric:
            return ANYWHERE
        return f"{self.host}/{128 if ':' in self.host else 32}"

    @property
    def plain(self) -> bool:
        """Whether it is one of many names under TLS at the usual port."""
        return self.scheme == "https" and self.port == TLS and not self.numeric


def called(blueprint: Blueprint) -> tuple[Address, ...]:
    """All of them, in order."""
    issuer = blueprint.sign_in.issuer if blueprint.sign_in is not None else ""
    return _parsed(*blueprint.called, issuer, blueprint.otlp)


def called_by_gateway(blueprint: Blueprint) -> tuple[Address, ...]:
    """Those that need a port of their own in network policies: pods reach 443 anyway."""
    return tuple(one for one in _parsed(*blueprint.called) if one.port != TLS)


def collected_at(blueprint: Blueprint) -> tuple[Address, ...]:
    """Where the central collector sends to, when it is not 443."""
    return tuple(one for one in _parsed(blueprint.otlp) if one.port != TLS)


def _parsed(*urls: str) -> tuple[Address, ...]:
    found = set()
    for url in urls:
        parts = urlsplit(url)
        if parts.hostname:
            found.add(Address(parts.hostname, parts.port or (80 if parts.scheme == "http" else TLS), parts.scheme))
    return tuple(sorted(found))

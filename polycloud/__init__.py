"""polycloud: AI over AWS, Azure, Google Cloud, Oracle Cloud and one's own machines, as one place.

>>> import polycloud
>>> estate = polycloud.load("estate.yaml")
>>> polycloud.prove(estate).holds
True
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polycloud.app.client import Client as Client
    from polycloud.app.client import NotRunning as NotRunning
    from polycloud.app.client import Refused as Refused
    from polycloud.app.library import Examined as Examined
    from polycloud.app.library import Query as Query
    from polycloud.app.library import check as check
    from polycloud.app.library import compile as compile
    from polycloud.app.library import connect as connect
    from polycloud.app.library import examine as examine
    from polycloud.app.library import explain as explain
    from polycloud.app.library import load as load
    from polycloud.app.library import prove as prove
    from polycloud.app.library import schema as schema
    from polycloud.core.errors import EstateError as EstateError
    from polycloud.core.errors import PolycloudError as PolycloudError

__version__ = "0.1.0"

_PLACES = {
    "Client": "polycloud.app.client",
    "EstateError": "polycloud.core.errors",
    "Examined": "polycloud.app.library",
    "NotRunning": "polycloud.app.client",
    "PolycloudError": "polycloud.core.errors",
    "Query": "polycloud.app.library",
    "Refused": "polycloud.app.client",
    "check": "polycloud.app.library",
    "compile": "polycloud.app.library",
    "connect": "polycloud.app.library",
    "examine": "polycloud.app.library",
    "explain": "polycloud.app.library",
    "load": "polycloud.app.library",
    "prove": "polycloud.app.library",
    "schema": "polycloud.app.library",
}
__all__ = [
    "Client",
    "EstateError",
    "Examined",
    "NotRunning",
    "PolycloudError",
    "Query",
    "Refused",
    "__version__",
    "check",
    "compile",
    "connect",
    "examine",
    "explain",
    "load",
    "prove",
    "schema",
]


def __getattr__(name: str) -> object:
    """Public names are loaded on first use, so that a worker that imports the package pays for none of them."""
    if name not in _PLACES:
        raise AttributeError(f"module 'polycloud' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__

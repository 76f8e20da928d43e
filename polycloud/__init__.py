"""polycloud: AI over AWS, Azure, Google Cloud, Oracle Cloud and one's own machines, as one place.

>>> import polycloud
>>> estate = polycloud.load("estate.yaml")
>>> polycloud.prove(estate).holds
True
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polycloud.app.calling import Called as Called
    from polycloud.app.cli.beginning import Begun as Begun
    from polycloud.app.cli.beginning import init as init
    from polycloud.app.client import Client as Client
    from polycloud.app.client import Streamed as Streamed
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
    from polycloud.app.planning import PlaceQuery as PlaceQuery
    from polycloud.app.planning import place as place
    from polycloud.app.planning import placement_report as placement_report
    from polycloud.app.planning import trade_offs as trade_offs
    from polycloud.app.planning import what_if as what_if
    from polycloud.app.running import sandbox_of as sandbox_of
    from polycloud.app.running import up as up
    from polycloud.app.settings import BadSettings as BadSettings
    from polycloud.app.simulated import Sandbox as Sandbox
    from polycloud.core.errors import BadRequest as BadRequest
    from polycloud.core.errors import EstateError as EstateError
    from polycloud.core.errors import NotRunning as NotRunning
    from polycloud.core.errors import PolycloudError as PolycloudError
    from polycloud.core.errors import Refused as Refused
    from polycloud.placement.answer.conflicts import NoPlan as NoPlan
    from polycloud.placement.answer.values import Placement as Placement
    from polycloud.placement.build import Changes as Changes

__version__ = "0.1.0"

_PLACES = {
    "BadRequest": "polycloud.core.errors",
    "BadSettings": "polycloud.app.settings",
    "Begun": "polycloud.app.cli.beginning",
    "Called": "polycloud.app.calling",
    "Changes": "polycloud.placement.build",
    "Client": "polycloud.app.client",
    "EstateError": "polycloud.core.errors",
    "Examined": "polycloud.app.library",
    "NoPlan": "polycloud.placement.answer.conflicts",
    "NotRunning": "polycloud.core.errors",
    "PlaceQuery": "polycloud.app.planning",
    "Placement": "polycloud.placement.answer.values",
    "PolycloudError": "polycloud.core.errors",
    "Query": "polycloud.app.library",
    "Refused": "polycloud.core.errors",
    "Sandbox": "polycloud.app.simulated",
    "Streamed": "polycloud.app.client",
    "check": "polycloud.app.library",
    "compile": "polycloud.app.library",
    "connect": "polycloud.app.library",
    "examine": "polycloud.app.library",
    "explain": "polycloud.app.library",
    "init": "polycloud.app.cli.beginning",
    "load": "polycloud.app.library",
    "place": "polycloud.app.planning",
    "placement_report": "polycloud.app.planning",
    "prove": "polycloud.app.library",
    "sandbox_of": "polycloud.app.running",
    "schema": "polycloud.app.library",
    "trade_offs": "polycloud.app.planning",
    "up": "polycloud.app.running",
    "what_if": "polycloud.app.planning",
}
__all__ = [
    "BadRequest",
    "BadSettings",
    "Begun",
    "Called",
    "Changes",
    "Client",
    "EstateError",
    "Examined",
    "NoPlan",
    "NotRunning",
    "PlaceQuery",
    "Placement",
    "PolycloudError",
    "Query",
    "Refused",
    "Sandbox",
    "Streamed",
    "__version__",
    "check",
    "compile",
    "connect",
    "examine",
    "explain",
    "init",
    "load",
    "place",
    "placement_report",
    "prove",
    "sandbox_of",
    "schema",
    "trade_offs",
    "up",
    "what_if",
]


def __getattr__(name: str) -> object:
    """Public names are loaded on first use, so that a worker that imports the package pays for none of them."""
    if name not in _PLACES:
        raise AttributeError(f"module 'polycloud' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return __all__

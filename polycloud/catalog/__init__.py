"""Dated, sourced facts: regions, jurisdictions, models, prices, and where cross-region scopes process.

``Catalog.load()`` reads the tables in ``tables/`` (made by tools/build_catalog.py, never by hand); every row
names its source and date. The catalogue is a value: load it once, pass it on.

Which price holds: the row of the region or cross-region scope that is asked for; else the model's general row,
which holds in commercial regions only; else none, and an unknown price is never treated as free. Where a vendor
gives no exact set of regions for a scope, the larger set stands and its note says so.

What machines, storage and traffic cost, and how far apart places are, is another value, ``market.Market``: not
loaded here, so that who only routes requests does not pay for it.

Public here: ``Catalog``, ``UnknownScope``, and the rows that look-ups answer with.
"""

from polycloud.catalog.lookup import Catalog as Catalog
from polycloud.catalog.lookup import UnknownScope as UnknownScope
from polycloud.catalog.rows import Adequacy as Adequacy
from polycloud.catalog.rows import Jurisdiction as Jurisdiction
from polycloud.catalog.rows import ModelProfile as ModelProfile
from polycloud.catalog.rows import PriceRow as PriceRow
from polycloud.catalog.rows import Region as Region
from polycloud.catalog.rows import Scope as Scope
from polycloud.catalog.rows import Source as Source

"""The one file: schema, load, check."""

from polycloud.estate.check import check
from polycloud.estate.ground import sites_of
from polycloud.estate.jsonschema import json_schema
from polycloud.estate.load import Loaded, load
from polycloud.estate.schema import Estate

__all__ = ["Estate", "Loaded", "check", "json_schema", "load", "sites_of"]

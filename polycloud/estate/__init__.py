"""The one file: schema, load, check."""

from polycloud.estate.jsonschema import json_schema
from polycloud.estate.load import Loaded, load
from polycloud.estate.schema import Estate

__all__ = ["Estate", "Loaded", "json_schema", "load"]

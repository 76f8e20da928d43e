"""The everyday run holds the sandbox estate against the real tools; `make test-all` holds all of them."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("POLYCLOUD_ALL_ESTATES"):
        return
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("slow") is not None:
            item.add_marker(pytest.mark.skip(reason="all estates under all tools: make test-all"))

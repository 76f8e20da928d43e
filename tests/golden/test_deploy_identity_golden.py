"""The report on sign-in and rights of the example estates that have roles, as a page to review.

``POLYCLOUD_GOLDEN=write`` writes the files anew.
"""

import os
from pathlib import Path

import pytest

from polycloud.app.wiring import renderers
from polycloud.deploy.render.identity_report import FILE
from tests.deploy.blueprints import blueprint

FILES = Path(__file__).parent / "deploy"


@pytest.mark.parametrize("name", ["active-active", "oci-primary"])
def test_the_report_reads_as_it_was_reviewed(name: str) -> None:
    text = renderers()["identity"](blueprint(name)).files[FILE]
    kept = FILES / name / FILE
    if os.environ.get("POLYCLOUD_GOLDEN") == "write":
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(text, encoding="utf8")
    assert text == kept.read_text(encoding="utf8")

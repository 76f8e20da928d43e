"""Stores that several datasets share, with ages of their own, under the real Terraform and checkov."""

from pathlib import Path

import pytest

from polycloud.clouds.aws import render as aws
from polycloud.clouds.azure import render as azure
from polycloud.clouds.gcp import render as gcp
from polycloud.clouds.oci import render as oci
from polycloud.deploy.ports import Renderer
from tests.deploy import roots

RENDERERS = {"aws": aws.render, "azure": azure.render, "gcp": gcp.render, "oci": oci.render}


@pytest.mark.slow
@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
def test_folders_with_ages_of_their_own_are_planned_once(render: Renderer, tmp_path: Path) -> None:
    roots.is_planned_once(render, "shared", tmp_path, {})
    roots.is_clean(render, "shared", tmp_path)
    roots.ships_tests_that_pass(render, "shared", tmp_path)

"""The stub providers, once for all tests here: building the messages of whole schemas takes a second each."""

import pytest

from tools.stub_provider.run import NotInstalled, stub


@pytest.fixture(scope="session")
def providers():
    """The environment for Terraform in which every provider's every resource is served."""
    try:
        with stub() as env:
            yield env
    except NotInstalled as missing:
        pytest.skip(str(missing))

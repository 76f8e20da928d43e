"""What clouds promise of their machines, each by its own word."""

import pytest

from polycloud.placement.availability import machines_up


@pytest.mark.parametrize(
    ("site", "alone", "several"),
    [
        ("aws/us-east-1", 0.995, 0.9999),
        ("azure/westeurope", 0.999, 0.9999),
        ("gcp/europe-west1", 0.999, 0.9999),
        ("gcp/europe-north2", 0.999, 0.9995),
        ("oci/eu-frankfurt-1", 0.995, 0.9999),
    ],
)
def test_one_machine_is_promised_less_than_several_and_not_the_same_everywhere(
    site: str, alone: float, several: float
) -> None:
    assert machines_up(site, alone=True) == alone
    assert machines_up(site, alone=False) == several

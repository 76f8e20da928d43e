"""A recovery point keeps copies away from sites that can not hold it, while enough others are left."""

from collections.abc import Callable

import pytest

from polycloud.catalog.market_network import Where
from polycloud.catalog.market_rows import Rtt, Throughput
from polycloud.placement.build import Built

Make = Callable[..., Built]
US, DE, IE, BE, IOWA = "aws/us-east-1", "aws/eu-central-1", "aws/eu-west-1", "gcp/europe-west1", "gcp/us-central1"
# 329 TB a month are 1.0008 Gbps.
DATA = "datasets: {d: {at: aws/us-east-1, size: 4 TB, grows: {size: 329 TB, per: month}, replicas: COPIES, rpo: RPO}}"
GBPS = {DE: 0.9, IE: 1.1, BE: 0.5, IOWA: 0.5}


@pytest.fixture
def thin(small: type) -> object:
    class Thin(small):  # type: ignore[misc]
        """Ways of known width and length."""

        def throughput(self, src: str, dst: str) -> Throughput | None:
            return Throughput(src, dst, GBPS[dst]) if dst in GBPS else None

        def rtt(self, a: Where, b: Where) -> Rtt | None:
            return Rtt(100.0, True, 100.0, 100.0)

    return Thin(())


def kept(built: Built) -> set[str]:
    return {built.problem.sites[at].id for at, _ in built.problem.items[0].hold}


def test_sites_whose_way_is_too_thin_are_left_out_and_told(make: Make, thin: object) -> None:
    built = make(DATA.replace("COPIES", "2").replace("RPO", "5m"), thin)
    assert kept(built) == {US, IE}
    why = {row.what: row.why for row in built.problem.left_out}
    assert why[f"{DE}: dataset d"] == "0.9 Gbps were measured to it, and 1.0 Gbps of new data come: rpo is 5m"
    assert not built.diagnostics


def test_where_too_few_are_able_all_stay_and_that_is_told(make: Make, thin: object) -> None:
    built = make(DATA.replace("COPIES", "3").replace("RPO", "5m"), thin)
    assert kept(built) == {US, DE, IE, BE, IOWA}
    assert [found.code for found in built.diagnostics if found.code != "unit_slip"] == ["rpo_short"]


def test_a_copy_that_is_asked_for_by_name_stays(make: Make, thin: object) -> None:
    text = DATA.replace("COPIES", f"2, replicate_to: [{DE}]").replace("RPO", "5m")
    built = make(text, thin)
    assert kept(built) == {US, DE}
    assert [found.code for found in built.diagnostics] == ["rpo_short"]


def test_half_a_round_trip_longer_than_may_be_lost(make: Make, thin: object) -> None:
    built = make(DATA.replace("COPIES", "2").replace("RPO", "40ms"), thin)
    assert [found.code for found in built.diagnostics] == ["rpo_short"]
    assert kept(make(DATA.replace("COPIES", "1").replace("RPO", "40ms"), thin)) == {US, DE, IE, BE, IOWA}

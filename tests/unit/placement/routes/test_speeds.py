"""Speeds: measured before declared before guessed, and guesses low."""

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.placement.routes.network import Hop
from polycloud.placement.routes.speeds import Speeds

CATALOG, MARKET = Catalog.load(), Market.load()
SPEEDS = Speeds(MARKET, [site.id for site in CATALOG.sites()])


def test_a_measured_pair_is_what_was_measured() -> None:
    row = MARKET.throughput("aws/us-east-1", "gcp/us-central1")
    assert row is not None
    assert SPEEDS.of(Hop(0, 1, ()), ("aws/us-east-1", "gcp/us-central1")) == (row.gbps, True)


def test_a_declared_bandwidth_is_taken_as_it_is() -> None:
    assert SPEEDS.of(Hop(0, 1, (), "link x", 2.5), ("oci/us-ashburn-1", "onprem/halle")) == (2.5, True)


def test_a_guess_is_no_faster_than_nine_of_ten_measured_pairs() -> None:
    guess, measured = SPEEDS.of(Hop(0, 1, ()), ("oci/eu-frankfurt-1", "gcp/europe-west3"))
    near = [
        row.gbps
        for a in CATALOG.sites()
        for b in CATALOG.sites()
        if (row := MARKET.throughput(a.id, b.id)) and (rtt := MARKET.rtt(a.id, b.id)) and rtt.ms < 20
    ]
    assert guess is not None and not measured
    assert sum(rate >= guess for rate in near) >= 0.88 * len(near)


def test_what_nobody_can_know_is_not_known() -> None:
    assert SPEEDS.of(Hop(0, 1, ()), ("aws/us-east-1", "onprem/halle")) == (None, False)
    assert SPEEDS.of(Hop(0, 1, (), "link x"), ("aws/us-east-1", "gcp/us-central1")) == (None, False)

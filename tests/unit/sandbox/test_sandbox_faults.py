"""Which requests a fault hits, and for how long."""

import msgspec
import pytest

from polycloud.sandbox.faults import FAULTS_MAX, Fault, Faults
from polycloud.sandbox.ledger import Ledger
from polycloud.sandbox.spec import SandboxSpec, SiteSpec

AWS = SiteSpec(site="aws/eu-west-1", cloud="aws", region="eu-west-1", models=("m",))
GCP = SiteSpec(site="gcp/europe-west1", cloud="gcp", region="europe-west1", models=("m",))


class StillClock:
    def __init__(self) -> None:
        self.now = 100.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def faults(clock: StillClock) -> Faults:
    return Faults(3, clock)


def hits(faults: Faults, site: SiteSpec = AWS, model: str = "m", key: str = "k", stream: bool = False) -> str | None:
    fault = faults.hit(site, model, key, stream)
    return None if fault is None else fault.kind


def test_a_fault_hits_what_fits_all_its_patterns(faults: Faults) -> None:
    faults.add(Fault(kind="throttle", cloud="aws", site="aws/eu-*", model="m*", key="k?"))
    assert hits(faults, key="k1") == "throttle"
    assert hits(faults, key="k") is None
    assert hits(faults, GCP, key="k1") is None
    assert hits(faults, model="n", key="k1") is None


def test_the_first_that_fits_counts(faults: Faults) -> None:
    faults.add(Fault(kind="quota", count=1))
    faults.add(Fault(kind="throttle"))
    assert [hits(faults) for _ in range(3)] == ["quota", "throttle", "throttle"]
    assert [a.hits for a in faults.list()] == [1, 2]


def test_faults_of_streams_leave_whole_answers_alone(faults: Faults) -> None:
    faults.add(Fault(kind="broken_frame"))
    assert hits(faults) is None
    assert hits(faults, stream=True) == "broken_frame"


def test_a_fault_ends_by_itself_or_by_name(faults: Faults, clock: StillClock) -> None:
    faults.add(Fault(kind="throttle", duration_seconds=10))
    named = faults.add(Fault(kind="quota"))
    clock.now += 10
    assert hits(faults) == "quota"
    assert faults.remove(named.id) and not faults.remove(named.id)
    assert hits(faults) is None and faults.list() == []


def test_probability_is_drawn_from_the_seed(clock: StillClock) -> None:
    def draws(seed: int) -> list[str | None]:
        faults = Faults(seed, clock)
        faults.add(Fault(kind="throttle", probability=0.5))
        return [hits(faults) for _ in range(50)]

    assert draws(1) == draws(1) != draws(2)
    assert 10 < draws(1).count("throttle") < 40


def test_an_outage_is_the_sites(faults: Faults, clock: StillClock) -> None:
    faults.add(Fault(kind="outage", cloud="aws", duration_seconds=5))
    assert faults.outage(AWS) and not faults.outage(GCP)
    assert hits(faults) is None
    clock.now += 5
    assert not faults.outage(AWS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "flood"},
        {"kind": "cut", "where": "x"},
        {"kind": "outage", "key": "x"},
        {"kind": "outage", "count": 1},
        {"kind": "http_error", "status": 200},
        {"kind": "cut", "count": 0},
        {"kind": "cut", "after_events": -1},
        {"kind": "cut", "probability": 1.5},
    ],
)
def test_a_wrong_fault_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, Fault)


def test_there_is_room_for_so_many(faults: Faults) -> None:
    for _ in range(FAULTS_MAX):
        faults.add(Fault(kind="cut"))
    with pytest.raises(ValueError, match="remove some"):
        faults.add(Fault(kind="cut"))


def test_the_ledger_adds_up() -> None:
    ledger = Ledger()
    ledger.book("s", "m", "ok", (1, 2, 3, 4))
    ledger.book("s", "m", "ok", (10, 20, 30, 40))
    ledger.book("s", "m", "hung_up", (5, 0, 0, 0))
    first, second = ledger.rows()
    assert (first.outcome, first.requests, first.input_tokens) == ("hung_up", 1, 5)
    assert (second.requests, second.input_tokens, second.output_tokens) == (2, 11, 22)
    assert (second.cache_read_tokens, second.cache_write_tokens) == (33, 44)
    ledger.clear()
    assert ledger.rows() == []


def test_a_site_is_listed_once() -> None:
    with pytest.raises(ValueError, match="aws/eu-west-1"):
        SandboxSpec(sites=(AWS, GCP, AWS))

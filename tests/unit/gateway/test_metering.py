"""Records: each value in the field that it belongs to, and what is booked of answers that broke off."""

from types import SimpleNamespace

import msgspec

from polycloud.core.errors import BadRequest, ModelUnknown, TimedOut
from polycloud.core.money import TokenPrice
from polycloud.core.usage import AttemptRecord, Usage
from polycloud.gateway import metering
from polycloud.gateway.routes import Candidate

OF = SimpleNamespace(
    id="req-1", asked="gpt", face=SimpleNamespace(name="openai_chat"), classes=("personal", "ledger"), spent=0.000_123,
    principal=SimpleNamespace(id="k1", team="search"), envelope=SimpleNamespace(input_tokens=99),
    generation=SimpleNamespace(
        policy="p" * 16, view=SimpleNamespace(overlay=SimpleNamespace(version=9)),
        compiled=SimpleNamespace(deployments=[SimpleNamespace(id="aws/x/m"), SimpleNamespace(id="gcp/y/n")]),
        eligible=lambda mask: SimpleNamespace(ids=("gcp/y/n", "aws/x/m") if mask == 3 else ()),
    ),
)  # fmt: skip


def made(**changes):
    row = SimpleNamespace(id="gcp/y/n", cloud="gcp", site="gcp/y", model="n", price=TokenPrice(2, 3))
    target = SimpleNamespace(deployment=row, evidence=lambda headers: ("y", headers[b"x-id"].decode()))
    values = {
        "target": target, "candidate": Candidate(1, True, 0, 5), "number": 2, "headers": {b"x-id": b"prov-1"},
        "status": 200, "sent": 10.0, "first_content": 10.25, "usage": Usage(7, 5), "finish": "stop",
        "stream": True, "degraded": ("seed",), "seen_bytes": 0,
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changes})


def test_every_value_of_an_attempt_is_in_its_field():
    record = metering.attempted(OF, made(), "ok", None, 10.5, 1_700_000_000.5, final=True)
    assert msgspec.structs.asdict(record) == {
        "request": "req-1", "at_ms": 1_700_000_000_500, "number": 2, "key": "k1", "team": "search", "asked": "gpt",
        "deployment": "gcp/y/n", "cloud": "gcp", "site": "gcp/y", "model": "n", "outcome": "ok", "code": "",
        "status": 200, "latency_ms": 500.0, "first_token_ms": 250.0, "usage": Usage(7, 5), "cost_pico_usd": 29,
        "streamed": True, "final": True, "equivalent": True, "degraded": ("seed",), "reported_region": "y",
        "provider_request": "prov-1", "policy": "p" * 16, "overhead_us": 123, "estimated": False, "v": 1,
    }  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(record), type=AttemptRecord) == record  # of the declared types


def test_a_failed_attempt_says_why_and_counts_no_overhead_before_the_last():
    record = metering.attempted(
        OF, made(usage=None, finish=None, first_content=None, sent=0.0), "error", TimedOut("no"), 10.5, 1.0, final=False
    )
    assert (record.code, record.latency_ms, record.first_token_ms) == ("provider_timeout", 0.0, None)
    assert (record.usage, record.cost_pico_usd, record.overhead_us) == (None, None, 0)


def test_every_value_of_a_decision_is_in_its_field():
    choice = SimpleNamespace(route=SimpleNamespace(name="all"), order=[Candidate(1, False, 0, 5)], eligible=3)
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    record = metering.decision(OF, choice, 1_700_000_000.5, trace)
    assert msgspec.structs.asdict(record) == {
        "request": "req-1", "at_ms": 1_700_000_000_500, "key": "k1", "team": "search", "asked": "gpt", "route": "all",
        "classes": ("personal", "ledger"), "policy": "p" * 16, "overlay": 9, "chosen": "gcp/y/n",
        "eligible": ("gcp/y/n", "aws/x/m"), "refused": {}, "expected_pico_usd": 5, "face": "openai_chat", "code": "",
        "trace": "0af7651916cd43dd8448eb211c80319c", "v": 1,
    }  # fmt: skip
    refused = metering.decision(OF, None, 1.0, None, BadRequest("it quotes the body"))
    assert (refused.chosen, refused.route, refused.eligible, refused.code) == ("", "", (), "bad_request")
    assert refused.refused == {}
    long = SimpleNamespace(**{**vars(OF), "asked": "m" * 1_000_000})
    refused = metering.decision(long, None, 1.0, None, ModelUnknown("no such model"))
    assert refused.refused == {"*": "no such model"}
    assert len(msgspec.json.encode(refused)) < 1000


FIELDS = {"messages": b'[{"role": "user", "content": "%b"}]' % (b"x" * 100), "model": b'"a-long-name-of-a-model"'}
ENVELOPE = SimpleNamespace(fields={name: msgspec.Raw(raw) for name, raw in FIELDS.items()})


def test_what_broke_off_is_estimated_and_what_the_provider_counted_is_not():
    assert metering.used(made(), "ok", ENVELOPE) == (Usage(7, 5), False)
    assert metering.used(made(usage=None, finish=None, seen_bytes=40), "error", ENVELOPE) == (Usage(25, 11), True)
    assert metering.used(made(finish=None, seen_bytes=40), "error", ENVELOPE) == (Usage(7, 11), True)
    assert metering.used(made(usage=None, finish=None), "cancelled", ENVELOPE) == (Usage(25, 0), True)
    assert metering.used(made(usage=None, finish=None, sent=0.0), "cancelled", ENVELOPE) == (None, False)

"""When each alert begins, under promtool: just past its bound and long enough, and neither before nor below."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from polycloud.deploy.blueprint import Objective
from polycloud.deploy.render.monitoring import FOLDER, render
from tests.deploy import checkers
from tests.deploy.estates import blueprint, written

Case = dict[str, Any]
PROVIDER = '{cloud="aws"}'


def firing(alert: str, series: dict[str, str], minute: int, *others: str, **labels: str) -> Case:
    """That an alert with these labels is firing at a minute; with ``others``, that it is not."""
    where = ",".join(f'{name}="{text}"' for name, text in {"alertname": alert, **labels}.items())
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertstate="firing",{where}}}) or vector(0)',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": 0 if others else 1}],
            }
        ],
    }


def pair(
    alert: str, name: str, past: float | str, below: float | str, minutes: int, long: int = 15, **labels: str
) -> list[Case]:
    """Past its bound for longer than it waits, not as long, and below it for longer."""
    steady = [f"{value}+0x{long * 2}" if isinstance(value, float | int) else value for value in (past, below)]
    return [
        firing(alert, {name: steady[0]}, minutes + 1, **labels),
        firing(alert, {name: steady[0]}, minutes - 1, "not yet", **labels),
        firing(alert, {name: steady[1]}, long, "never", **labels),
    ]


def way(seconds: float) -> dict[str, str]:
    labels = 'job="cross-cloud",pair="cross-cloud",to="there"'
    return {
        f'probe_http_duration_seconds{{{labels},phase="processing"}}': f"{seconds}+0x30",
        f"probe_success{{{labels}}}": "1+0x30",
    }


def burning(times: float, minutes: int = 90) -> dict[str, str]:
    """So many times the errors that a promise of 99.9 % has for its month."""
    return {
        'polycloud_requests_total{outcome="ok"}': f"0+{10_000 - 10 * times:g}x{minutes}",
        'polycloud_requests_total{outcome="error"}': f"0+{10 * times:g}x{minutes}",
    }


def burns(times: float, windows: list[str]) -> list[Case]:
    every = ("1h", "6h", "1d", "3d")
    told = {True: (), False: ("not",)}
    return [
        firing("ErrorBudgetBurns", burning(times), 80, *told[window in windows], slo="up", window=window)
        for window in every
    ]


def over() -> list[Case]:
    """An outage that is past: its hour still looks bad, its last minutes do not."""
    series = {
        'polycloud_requests_total{outcome="ok"}': "0+1000x30 30000+0x20 30000+1000x30",
        'polycloud_requests_total{outcome="error"}': "0+0x30 0+1000x20 20000+0x30",
    }
    label = {"slo": "up", "window": "1h"}
    return [
        firing("ErrorBudgetBurns", series, 50, **label),
        firing("ErrorBudgetBurns", series, 60, "no more", **label),
    ]


def slow(seconds: float, share: float) -> dict[str, str]:
    """Answers of which a share came within so many seconds, and the rest in the next bucket."""
    name = 'polycloud_response_seconds_bucket{cloud="aws",le="%s"}'
    return {
        name % seconds: f"0+{100 * share:g}x30",
        name % "10": "0+100x30",
        name % "+Inf": "0+100x30",
    }


LOST = {"trigger": "site-lost"}
CASES: dict[str, list[Case]] = {
    "providers": pair("ProviderErrors", f"polycloud_provider_error_ratio{PROVIDER}", 0.051, 0.049, 5),
    "ways": [
        firing("CrossCloudLatencyHigh", way(0.101), 6),
        firing("CrossCloudLatencyHigh", way(0.101), 4, "not yet"),
        firing("CrossCloudLatencyHigh", way(0.099), 20, "never"),
    ],
    "burns fast": burns(15, ["1h", "6h", "1d", "3d"]),
    "burns": burns(7, ["6h", "1d", "3d"]),
    "burns slowly": burns(4, ["1d", "3d"]),
    "burns too fast to last": burns(2, ["3d"]),
    "burns as it may": burns(0.9, []),
    "over": over(),
    "lost: unavailable": pair(
        "SiteLost", f"polycloud_provider_availability{PROVIDER}", 0.94, 0.96, 1, **LOST, on="availability_below"
    ),
    "lost: errors": pair(
        "SiteLost", f"polycloud_provider_error_ratio{PROVIDER}", 0.011, 0.009, 1, **LOST, on="error_rate_over"
    ),
    "lost: slow": [
        firing("SiteLost", slow(5, 0.90), 20, **LOST, on="response_time_over"),
        firing("SiteLost", slow(5, 0.96), 20, "most are quick", **LOST, on="response_time_over"),
    ],
    "down": pair("PolycloudDown", 'up{job="polycloud"}', 0, 1, 1),
    "gone": [firing("PolycloudDown", {'up{job="another"}': "1+0x30"}, 2)],
    "refused": pair("EstateRefused", "polycloud_estate_refused", 1, 0, 1),
    "journal": pair("JournalLags", "polycloud_journal_lag_bytes", 50_000_001, 50_000_000, 5),
    "credential": [
        firing("CredentialExpires", {'polycloud_credential_expires{credential="x"}': "1000+0x30"}, 15),
        firing("CredentialExpires", {'polycloud_credential_expires{credential="x"}': "1000+0x30"}, 10, "not yet"),
        firing("CredentialExpires", {'polycloud_credential_expires{credential="x"}': "0+0x30"}, 20, "it never does"),
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = msgspec.structs.replace(
        blueprint("active-active"), objectives=(Objective("up", "availability", 999_000, 30 * 86_400),)
    )
    return written(tmp_path_factory.mktemp("rules"), render(whole)) / FOLDER / "prometheus/tests"


def test_every_alert_begins_where_it_says(folder: Path) -> None:
    cases = [case for some in CASES.values() for case in some]
    file = folder / "moments.yml"
    content = {"rule_files": ["../rules/polycloud.yml"], "evaluation_interval": "1m", "tests": cases}
    file.write_text(yaml.safe_dump(content))
    assert checkers.promtool_test(file) == []
    ruled = yaml.safe_load((folder.parent / "rules/polycloud.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in ruled for rule in group["rules"] if "alert" in rule}
    asked = {case["promql_expr_test"][0]["expr"].partition('alertname="')[2].partition('"')[0] for case in cases}
    assert alerts - asked <= {"ClusterUnreachable", "ReplicationLags"}  # test_monitoring has these


def test_promises_with_names_that_are_alike_are_counted_apart() -> None:
    names = ("a-b", "a_b", "a.b")
    whole = msgspec.structs.replace(
        blueprint("active-active"), objectives=tuple(Objective(n, "availability", 999_000, 86_400) for n in names)
    )
    groups = yaml.safe_load(render(whole).files[f"{FOLDER}/prometheus/rules/polycloud.yml"])["groups"]
    records = [rule["record"] for group in groups for rule in group["rules"] if "record" in rule]
    assert len(records) == len(set(records))

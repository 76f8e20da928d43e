"""An instance started, called, troubled and stopped from Python, without the command line."""

import json
from pathlib import Path

import pytest

import polycloud
from polycloud.app.client import Address

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_from_init_to_an_outage_survived(tmp_path: Path) -> None:
    begun = polycloud.init(tmp_path, clouds=("azure:eastus,westeurope",), models=("gpt-4o",), name="small")
    assert begun.examined.holds and begun.file == tmp_path / "estate.yaml"
    with polycloud.up(begun.file) as client:
        simulated = polycloud.sandbox_of(begun.file)
        run = json.loads((tmp_path / ".polycloud" / "run.json").read_bytes())
        before = client.call("gpt-4o", "hi")
        assert before.text and before.attempts == 1 and before.deployment.startswith("azure/")
        assert client.call("gpt-4o", "hi", anthropic=True, max_tokens=3).output_tokens == 3
        site = before.deployment.rpartition("/")[0]
        made = simulated.fault("http_error", site=site)
        after = client.call("gpt-4o", "hi")
        assert after.deployment != before.deployment and after.attempts == 2
        for path, told in (
            ("faults", simulated.faults()),
            ("requests", simulated.requests()),
            ("sites", simulated.sites()),
        ):
            assert told and told == Address(run["sandbox"]).whole("GET", f"/{path}").json()[path]
        assert simulated.clear(made["id"]) == []
        with pytest.raises(polycloud.Refused, match="nothing") as refused:
            client.call("nothing", "hi")
        assert refused.value.answer_status == 404
    with pytest.raises(polycloud.NotRunning):
        client.status()
    with pytest.raises(polycloud.NotRunning):
        polycloud.sandbox_of(begun.file)


def test_up_says_why_nothing_was_started(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text("estate: x\nmodels: {m: {deployments: [{at: aws/us-east-1}]}}\nroutes: [{models: [no]}]\n")
    with pytest.raises(polycloud.NotRunning, match="nothing was started"), polycloud.up(file):
        pass

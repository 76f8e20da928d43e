"""An instance started, called, troubled and stopped from Python, without the command line."""

import json
import time
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


def test_an_answer_comes_piece_by_piece(tmp_path: Path) -> None:
    begun = polycloud.init(tmp_path, clouds=("azure:eastus",), models=("gpt-4o",), name="small")
    with polycloud.up(begun.file) as client:
        simulated = polycloud.sandbox_of(begun.file)
        for anthropic in (False, True):
            whole = client.call("gpt-4o", "words: 40", anthropic=anthropic)
            with client.stream("gpt-4o", "words: 40", anthropic=anthropic) as stream:
                pieces = list(stream)
            assert len(pieces) > 3 and "".join(pieces) == stream.answer.text == whole.text
            assert stream.answer.deployment == "azure/eastus/gpt-4o" and stream.answer.request == stream.request
            assert (stream.answer.input_tokens, stream.answer.output_tokens) == (
                whole.input_tokens,
                whole.output_tokens,
            )
            with pytest.raises(polycloud.Refused, match="nothing") as refused:
                client.stream("nothing", "hi", anthropic=anthropic)
            assert refused.value.answer_status == 404
        _ends_the_attempt_when_left_early(client, simulated)
        simulated.fault("error_in_stream", after_events=9)
        for anthropic in (False, True):
            with pytest.raises(polycloud.Refused), client.stream("gpt-4o", "hi", anthropic=anthropic) as stream:
                list(stream)


def _ends_the_attempt_when_left_early(client: polycloud.Client, simulated: polycloud.Sandbox) -> None:
    made = simulated.fault("slow_tokens", seconds=0.2)
    with client.stream("gpt-4o", "words: 200") as stream:
        for _ in stream:
            break
    assert list(stream) == []  # nothing more is read
    end = time.monotonic() + 20  # the answer would take 40 seconds
    outcomes: list[str] = []
    while "cancelled" not in outcomes and time.monotonic() < end:
        time.sleep(0.1)
        trail = client.decisions(stream.request)["requests"]
        outcomes = [str(record.get("outcome")) for one in trail for record in one["records"]]
    assert "cancelled" in outcomes
    simulated.clear(made["id"])


def test_up_says_why_nothing_was_started(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text("estate: x\nmodels: {m: {deployments: [{at: aws/us-east-1}]}}\nroutes: [{models: [no]}]\n")
    with pytest.raises(polycloud.NotRunning, match="nothing was started"), polycloud.up(file):
        pass

"""litellm as a client, in an environment of its own, through both faces of the gateway to each of the five clouds."""

import json
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
PYTHON = HERE.parents[1] / ".tools" / "litellm" / "bin" / "python"


@pytest.fixture(scope="module")
def seen(gateway, in_process):
    command = [str(PYTHON), str(HERE / "litellm_calls.py")]
    return in_process(command, "litellm is not installed in .tools: run `make tools`", gateway)


@pytest.fixture(params=["openai", "anthropic"])
def look(request, seen, model):
    def find(feature):
        found = seen[f"{request.param} {model}"][feature]
        assert "failed" not in found, found["failed"]
        return found

    return find


def names(found):
    return sorted(name for _, name, _ in found["calls"])


def test_chat(look, model, cloud_of):
    found = look("chat")
    assert found["text"] == "Grüße"
    assert found["finish"] == "stop"
    assert min(found["usage"]) > 0
    assert found["deployment"].split("/")[0] == cloud_of(model)


def test_stream(look):
    found = look("stream")
    assert found["chunks"] > 3
    assert len(found["text"].split()) == 40
    assert found["finish"] == "stop"
    assert min(found["usage"]) > 0


def test_tools(look, fits):
    assert names(look("one tool")) == ["get_weather"]
    for feature in ("parallel tools", "streamed tools"):
        found = look(feature)
        assert names(found) == ["get_clock", "get_weather"]
        assert len({call_id for call_id, _, _ in found["calls"]}) == 2
        assert all(fits(name, arguments) for _, name, arguments in found["calls"])
        assert found["finish"] == "tool_calls"
    assert names(look("forced tool")) == ["get_clock"]
    assert "result of get_weather" in look("results")["text"]
    assert "result of get_clock" in look("results")["text"]


def test_structured_output(look, fits):
    assert fits("get_weather", json.loads(look("structured")["text"]))


def test_errors(look, model, cloud_of):
    assert look("bad key")["status"] == 401
    assert look("unknown model")["status"] == 404
    policy = look("policy")
    if cloud_of(model) == "onprem":
        assert policy["status"] == 200
    else:
        assert policy["status"] == 403
        assert "secret-de" in policy["message"]

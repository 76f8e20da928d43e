"""litellm as a client, in an environment of its own, through both faces of the gateway to each of the five clouds."""

import json
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
PYTHON = HERE.parents[1] / ".tools" / "litellm" / "bin" / "python"


@pytest.fixture(scope="module")
def tool():
    return [str(PYTHON), str(HERE / "litellm_calls.py")], "litellm is not installed in .tools: run `make tools`"


@pytest.fixture(scope="module")
def seen(gateway, in_process, tool):
    return in_process(*tool, gateway)


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


@pytest.mark.parametrize("streamed", ["", "streamed "])
def test_refusals_have_their_class(request, look, model, cloud_of, streamed):
    openai = request.node.callspec.params["look"] == "openai"  # where litellm has no class of its own for a 403
    for feature, kind, status, word in (
        ("bad key", "AuthenticationError", 401, "key"),
        ("unknown model", "NotFoundError", 404, "on-mars"),
        ("policy", "APIError" if openai else "PermissionDeniedError", 403, "secret-de"),
    ):
        found = look(streamed + feature)
        if feature == "policy" and cloud_of(model) == "onprem":
            assert found["text"]
        else:
            assert (found.get("status"), found["kinds"][0]) == (status, kind), found["message"]
            assert word in found["message"]


@pytest.mark.parametrize("face", ["openai", "anthropic"])
def test_a_cloud_that_is_down_is_answered_for_by_another(in_trouble, face):
    found = in_trouble("http_error", ["anywhere"])[f"{face} anywhere"]
    assert found["whole"]["deployment"].startswith("gcp/europe-west1/")
    for feature in ("whole", "stream"):
        assert "gcp/europe-west1" in found[feature]["text"]
        assert found[feature]["finish"] == "stop"


@pytest.mark.parametrize("face", ["openai", "anthropic"])
def test_an_error_inside_a_stream_never_looks_like_its_end(in_trouble, clouds, model, face):
    found = in_trouble("error_in_stream", clouds, after_events=6)[f"{face} {model}"]
    assert found["whole"]["finish"] == "stop"
    assert found["stream"]["kinds"][-2:] == ["APIError", "OpenAIError"]
    assert "the provider failed inside the stream" in found["stream"]["message"]

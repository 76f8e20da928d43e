"""Random requests, written for each cloud, stand before the vendors' own validators.

botocore's ParamValidator for Converse, google-genai's strict types for Gemini, and the oci SDK's
models (their attribute maps) for OCI. The rest are rules that providers enforce and their SDKs do not.
"""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polycloud.core.chat import (
    ChatRequest,
    Message,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from polycloud.gateway.dialects.bedrock_converse import BedrockConverse
from polycloud.gateway.dialects.gemini import Gemini
from polycloud.gateway.dialects.oci_generic import OciGeneric

RUNS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.text(max_size=20)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
CALL_IDS = st.text(min_size=1, max_size=80)
CACHE = st.sampled_from(["", "5m", "1h"])
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda v: st.lists(v, max_size=2), max_leaves=4)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)
ARGUMENTS = OBJECTS.map(json.dumps) | TEXT
SCHEMAS = st.dictionaries(NAMES, st.just({"type": "string"}), max_size=3).map(
    lambda p: json.dumps({"type": "object", "properties": p}).encode()
)
TEXTS = st.builds(Text, TEXT, CACHE)
THINKING = st.builds(
    Thinking,
    TEXT,
    st.sampled_from(["", "c2ln", "gemini:c2ln"]),
    st.sampled_from(["", "EtkE", "bedrock:/wA="]),
)
CALLS = st.builds(ToolCall, CALL_IDS, NAMES, ARGUMENTS, st.sampled_from(["", "c2ln"]), CACHE)
RESULTS = st.builds(ToolResult, CALL_IDS, st.lists(TEXTS, max_size=2).map(tuple), st.booleans(), CACHE)
MESSAGES = st.one_of(
    st.builds(Message, st.just("system"), st.lists(TEXTS, max_size=2).map(tuple)),
    st.builds(Message, st.just("user"), st.lists(TEXTS | RESULTS, max_size=3).map(tuple), st.sampled_from(["", "Ann"])),
    st.builds(Message, st.just("assistant"), st.lists(TEXTS | THINKING | CALLS, max_size=4).map(tuple)),
)
TOOLS = st.builds(Tool, NAMES, TEXT, SCHEMAS | st.just(b""), st.sampled_from([None, True, False]), CACHE)
MAYBE_FLOAT = st.none() | st.floats(0, 2)


@st.composite
def requests(draw):
    tools = draw(st.lists(TOOLS, max_size=3, unique_by=lambda t: t.name).map(tuple))
    choices = [st.none(), st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"]))]
    if tools:
        choices.append(st.builds(ToolChoice, st.just("named"), st.sampled_from([t.name for t in tools])))
    return ChatRequest(
        model="m",
        messages=(
            Message("user", (Text("hi"),)),
            *draw(st.lists(MESSAGES, max_size=6)),
        ),
        tools=tools,
        tool_choice=draw(st.one_of(choices)),
        parallel_tools=draw(st.sampled_from([None, True, False])),
        response_format=draw(st.none() | st.builds(ResponseFormat, NAMES, SCHEMAS | st.just(b""), st.none(), TEXT)),
        max_tokens=draw(st.none() | st.integers(1, 100_000)),
        temperature=draw(MAYBE_FLOAT),
        top_p=draw(st.none() | st.floats(0, 1)),
        top_k=draw(st.none() | st.integers(1, 500)),
        stop=draw(st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple)),
        seed=draw(st.none() | st.integers(0, 2**31 - 1)),
        frequency_penalty=draw(MAYBE_FLOAT),
        presence_penalty=draw(MAYBE_FLOAT),
        effort=draw(st.sampled_from([None, "none", "minimal", "low", "medium", "high", "xhigh", "max"])),
        thinking_budget=draw(st.none() | st.integers(0, 50_000)),
        stream=draw(st.booleans()),
    )


@pytest.fixture(scope="module")
def converse_problems():
    session = pytest.importorskip("botocore.session")
    validate = pytest.importorskip("botocore.validate")
    model = session.get_session().get_service_model("bedrock-runtime")
    shape = model.operation_model("Converse").input_shape
    return lambda body: validate.ParamValidator().validate({"modelId": "m", **body}, shape).generate_report()


@RUNS
@given(
    requests(),
    st.sampled_from(
        [
            "anthropic.claude-3-7-sonnet-20250219-v1:0",
            "us.anthropic.claude-sonnet-4-6",
            "anthropic.claude-opus-4-7",
            "amazon.nova-2-lite-v1:0",
            "openai.gpt-oss-120b-1:0",
            "meta.llama3-3-70b-instruct-v1:0",
        ]
    ),
)
def test_bedrock_takes_what_is_written(converse_problems, request_, model):
    body = json.loads(BedrockConverse().write_request(request_, model))
    assert not converse_problems(body)
    messages = body["messages"]
    assert all(a["role"] != b["role"] for a, b in pairwise(messages))
    blocks = [block for message in messages for block in message["content"]]
    assert all(block.get("text") != "" for block in blocks)
    for block in blocks:
        for kind in ("toolUse", "toolResult"):
            if kind in block:
                assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", block[kind]["toolUseId"])
    if any("toolUse" in block for block in blocks):
        assert body["toolConfig"]["tools"]
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {})
    if thinking.get("type") == "enabled":
        assert 1024 <= thinking["budget_tokens"] < body["inferenceConfig"]["maxTokens"]


@RUNS
@given(requests(), st.sampled_from(["gemini-2.5-pro", "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3-pro"]))
def test_gemini_takes_what_is_written(request_, model):
    types = pytest.importorskip("google.genai.types")
    body = json.loads(Gemini().write_request(request_, model))
    contents = body.pop("contents")
    config = body.pop("generationConfig", {})
    types.GenerateContentConfig.model_validate({**config, **body})
    types.GenerationConfig.model_validate(config)
    for content in contents:
        types.Content.model_validate(content)
        assert content["parts"]
        for part in content["parts"]:
            assert len(part.keys() - {"thought", "thoughtSignature"}) == 1
    assert all(a["role"] != b["role"] for a, b in pairwise(contents))
    if "gemini-3" in model:
        for content in contents:
            calls = [part for part in content["parts"] if "functionCall" in part]
            assert not calls or calls[0]["thoughtSignature"]


def oci_problems(value, kind, models, path="$"):
    """What in ``value`` the oci SDK's model ``kind`` has no place for."""
    if value is None or kind in ("str", "int", "float", "bool", "object"):
        return []
    if kind.startswith("list["):
        return [p for i, v in enumerate(value) for p in oci_problems(v, kind[5:-1], models, f"{path}[{i}]")]
    cls = getattr(models, kind)
    if hasattr(cls, "get_subtype"):
        cls = getattr(models, cls.get_subtype(value))
    shape = cls()
    types = {wire: shape.swagger_types[name] for name, wire in shape.attribute_map.items()}
    problems = [f"{path}.{name} is no member of {cls.__name__}" for name in value.keys() - types.keys()]
    for name in value.keys() & types.keys():
        attribute = next(a for a, wire in shape.attribute_map.items() if wire == name)
        if isinstance(value[name], str):
            setattr(shape, attribute, value[name])  # refuses, or replaces, what is not in an enumeration
            if getattr(shape, attribute) != value[name]:
                problems.append(f"{path}.{name} can not be {value[name]}")
        problems += oci_problems(value[name], types[name], models, f"{path}.{name}")
    return problems


@RUNS
@given(requests(), st.sampled_from(["openai.gpt-oss-120b", "meta.llama-3.3-70b-instruct"]))
def test_oci_takes_what_is_written(request_, model):
    models = pytest.importorskip("oci.generative_ai_inference.models")
    body = json.loads(OciGeneric().write_request(request_, model))
    assert oci_problems(body, "BaseChatRequest", models) == []
    for message in body["messages"]:
        assert message["content"] != ""
        assert message["content"] is not None or message["toolCalls"]
    assert ("maxTokens" in body) <= (not model.startswith("openai."))


def test_the_oci_check_finds_what_is_wrong():
    models = pytest.importorskip("oci.generative_ai_inference.models")
    body = {"apiFormat": "GENERIC", "messages": [{"role": "USER", "contents": []}], "reasoningEffort": "LOW", "n": 1}
    assert sorted(oci_problems(body, "BaseChatRequest", models)) == [
        "$.messages[0].contents is no member of UserMessage",
        "$.n is no member of GenericChatRequest",
    ]


@RUNS
@given(requests())
def test_what_one_asks_is_never_lost_in_silence(request_):
    """A field that changes nothing in the body is named as dropped."""
    for dialect, model in ((BedrockConverse(), "meta.llama3"), (Gemini(), "gemini-2.5-pro"), (OciGeneric(), "meta.l")):
        written = dialect.write_request(request_, model)
        told = dialect.dropped(request_)
        for name in ("seed", "frequency_penalty", "top_k", "top_p", "max_tokens", "temperature"):
            value = getattr(request_, name)
            if value is None or name in told:
                continue
            words = name.split("_")
            camel = words[0] + "".join(w.title() for w in words[1:])
            wire = {"max_tokens": "(maxTokens|maxOutputTokens)"}.get(name, camel)
            assert re.search(f'"{wire}":'.encode(), written), (dialect.name, name)

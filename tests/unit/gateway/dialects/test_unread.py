"""What of a caller's body no other format gets: named by path, and carried where the format has a place."""

import json

import pytest

from polycloud.core.chat import Media
from polycloud.gateway.dialects.openai_chat import OpenAIChat
from polycloud.gateway.dialects.prompt_size import text_tokens
from polycloud.gateway.faces.anthropic import AnthropicFace
from polycloud.gateway.faces.openai import OpenAIFace

HI = [{"role": "user", "content": "hi"}]


def read(face, **fields):
    body = {"model": "m", "messages": HI, "max_tokens": 9, **fields}
    return face.read_request(face.peek(json.dumps(body).encode()))


def parts(*content):
    return {"messages": [{"role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({}, ()),
        ({"messages": [{"role": "user", "content": "hi", "mine": 1}]}, ("messages.mine",)),
        (parts({"type": "text", "text": "x", "mine": 1}, {"type": "text", "text": "y", "mine": 2}),
         ("messages.content.mine",)),
        (parts({"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}),
         ("messages.content.prompt_cache_breakpoint",)),
        ({"messages": [*HI, {"role": "assistant", "content": "a", "annotations": [], "audio": None}, *HI]}, ()),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"any": 1}, "a": 1}, "b": 2}]},
         ("tools.function.a", "tools.b")),
        ({"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
         ("stream_options.include_obfuscation",)),
        (parts({"type": "image_url", "image_url": {"url": "https://x.example/y", "detail": "low"}}), ()),
    ],
)  # fmt: skip
def test_of_openai(fields, lost):
    request = read(OpenAIFace(), **fields)
    assert request.lost == lost and not request.prefill


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        (parts({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "scope": "global"}}),
         ("messages.content.cache_control.scope",)),
        (parts({"type": "document", "title": "T", "citations": {"on": True}, "source": {"type": "url", "url": "u"}}),
         ("messages.content.title", "messages.content.citations")),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, ("thinking.display",)),
        ({"tools": [{"name": "f", "input_schema": {"any": 1}, "eager_input_streaming": True}]},
         ("tools.eager_input_streaming",)),
        ({"metadata": {"user_id": "u", "team": "t"}}, ("metadata.team",)),
        ({"tools": [{"name": "f", "input_schema": {}}], "messages": [
            *HI, {"role": "assistant", "content": [
                {"type": "tool_use", "id": "t", "name": "f", "input": {"x": {}}, "caller": {"type": "direct"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [
                {"type": "text", "text": "r", "mine": 1}]}]}]}, ("messages.content.content.mine",)),
    ],
)  # fmt: skip
def test_of_anthropic(fields, lost):
    assert read(AnthropicFace(), **fields).lost == lost


def test_a_begun_answer_is_known_as_such():
    assert read(AnthropicFace(), messages=[*HI, {"role": "assistant", "content": "{"}]).prefill
    assert "messages.prefill" in OpenAIChat().dropped(
        read(AnthropicFace(), messages=[*HI, {"role": "assistant", "content": "{"}]), "gpt-4o"
    )


def test_what_openai_says_of_media_comes_back():
    image = {"type": "image_url", "image_url": {"url": "https://x.example/y.png", "detail": "high"}}
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
    request = read(OpenAIFace(), **parts(image, file))
    assert request.messages[0].parts[0] == Media("image", url="https://x.example/y.png", detail="high")
    assert json.loads(OpenAIChat().write_request(request, "m"))["messages"][0]["content"] == [image, file]


def test_a_prompts_size_is_that_of_its_text():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
    body = {
        "model": "a-model", "system": "s" * 8, "tools": [],
        "messages": [
            {"role": "user", "content": "x" * 20},
            {"role": "user", "content": [{"type": "text", "text": "é" * 4}, picture]},
        ],
    }  # fmt: skip
    envelope = OpenAIFace().peek(json.dumps(body, ensure_ascii=False).encode())
    assert text_tokens(envelope.fields) == (8 + 20 + 8 + len("[]")) // 4


def test_depth_breaks_neither():
    deep = b'{"a":' * 900 + b'"text"' + b"}" * 900
    block = b'{"type":"tool_use","id":"t","name":"f","input":' + deep + b"}"
    turns = b'[{"role":"user","content":"x"},{"role":"assistant","content":[' + block + b"]}]"
    envelope = AnthropicFace().peek(b'{"model":"m","max_tokens":5,"messages":' + turns + b"}")
    assert text_tokens(envelope.fields) in (1, len(turns) // 4)
    assert AnthropicFace().read_request(envelope).lost == ()

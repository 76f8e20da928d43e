"""What a target can not do: sent elsewhere, done in another way and named, or refused; never quietly left out."""

import asyncio
import json

import msgspec
import pytest

from polycloud.core.chat import Need

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
SHAPE = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def lacking(needs, only=None, unsupported="degrade", **more):
    """A plane whose deployments (those with ``only`` in their id) lack ``needs``."""

    def prepare(plane):
        plane.route = {"prefer": "order", "unsupported": unsupported, **more}
        made = plane.tables

        def tables():
            found = made()
            rows = tuple(
                msgspec.structs.replace(d, can=d.can & ~int(needs)) if only is None or only in d.id else d
                for d in found.deployments
            )
            return msgspec.structs.replace(found, deployments=rows)

        plane.tables = tables

    return prepare


def claude(plane, cloud="gcp"):
    """``onprem/a`` of the plane speaks Anthropic messages, as Vertex AI or Azure does."""
    plane.route = {"prefer": "order"}
    made = plane.deployment

    def deployment(name, *more):
        row = made(name, *more)
        if name != "a":
            return row
        upstream = msgspec.structs.replace(
            row.upstream, cloud=cloud, dialect="anthropic_messages", model="claude-sonnet-4-6", options={"project": "p"}
        )
        return msgspec.structs.replace(row, adapter=cloud, upstream=upstream)

    plane.deployment = deployment


MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 5, "output_tokens": 2},
}  # fmt: skip


def saying(script, *pieces):
    async def answer(call):
        await call.start_stream()
        for piece in pieces:
            await call.event(script.delta(content=piece))
        for event in (script.FINISH, script.USAGE, b"[DONE]"):
            await call.event(event)
        await call.end()

    return answer


@pytest.mark.parametrize("said", [("Sure! ", "{}"), ('{"b"', ": 1}"), ('{"a":', '"1"}')])
def test_a_stream_that_is_not_the_json_it_was_asked_for_is_answered_from_elsewhere(run, script, said):
    async def body(plane):
        plane.a.answers = [saying(script, *said)]
        plane.b.answers = [saying(script, '{"a"', ": 1}")]
        got = await plane.chat(stream=True, response_format=SHAPE)
        assert (got.status, got.text, got.events[-1]) == (200, '{"a": 1}', "[DONE]")
        assert "response_format:prompt" in got.headers["x-polycloud-degraded"]
        assert "response_format" not in plane.a.calls[0].json
        assert plane.a.calls[0].json["messages"][0]["content"].endswith(json.dumps(SCHEMA))
        first, second = plane.attempts()
        assert (first["outcome"], first["code"], second["outcome"]) == ("error", "broken_stream", "ok")

    run(body, lacking(Need.JSON_SCHEMA))


def test_what_the_check_of_a_schema_leaves_out_is_named(run, script):
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": "email", "minLength": 3}}}
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    async def body(plane):
        plane.a.answers = [saying(script, '{"a": "x"}')]
        plane.b.answers = [saying(script, '{"a": "x@y"}')]
        got = await plane.chat(stream=True, response_format=shape)
        assert (got.status, got.text) == (200, '{"a": "x@y"}')
        assert got.headers["x-polycloud-degraded"] == "response_format:prompt,response_format.schema.format"

    run(body, lacking(Need.JSON_SCHEMA))


def test_prose_everywhere_is_an_error_and_not_an_answer(run, script):
    async def body(plane):
        plane.a.answers = plane.b.answers = [saying(script, "Sure!")]
        got = await plane.chat(stream=True, response_format={"type": "json_object"})
        assert got.status == 502 and "asked for JSON by prompt" in got.json["error"]["message"]

    run(body, lacking(Need.JSON_OBJECT))


def test_a_streamed_tool_call_is_no_text_to_check(run, script):
    async def answer(call):
        await call.start_stream()
        call_ = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        await call.event(script.delta(tool_calls=[call_]))
        finish = {**script.FINISH, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
        for event in (finish, script.USAGE, b"[DONE]"):
            await call.event(event)
        await call.end()

    async def body(plane):
        plane.a.answers = [answer]
        got = await plane.chat(stream=True, response_format=SHAPE, tools=[TOOL])
        assert got.status == 200 and b'"f"' in got.body

    run(body, lacking(Need.JSON_SCHEMA))


@pytest.mark.parametrize("unsupported", ["degrade", "reroute"])
@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "custom", "custom": {"name": "c"}}]},
        {"functions": [{"name": "f"}]},
        {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}}},
        {"modalities": ["text", "audio"], "audio": {"voice": "a", "format": "mp3"}},
    ],
)
def test_tools_of_one_format_do_not_vanish_in_another(run, script, unsupported, fields):
    async def body(plane):
        got = await plane.chat(model="m", **fields)
        assert got.status == 422 and "native_tools" in got.json["error"]["message"]
        assert not plane.a.calls and not plane.b.calls

    run(body, lacking(Need.NATIVE_TOOLS, unsupported=unsupported))


def test_a_server_tool_of_anthropic_is_not_left_out_either(run, script):
    async def body(plane):
        tools = [{"type": "bash_20250124", "name": "bash"}]
        got = await plane.chat("/v1/messages", max_tokens=50, tools=tools)
        assert got.status == 422 and "native_tools do not carry over" in got.json["error"]["message"]

    run(body, lacking(0))


def test_what_is_left_out_goes_by_its_own_name(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        content = [{"type": "text", "text": "hi", "citations": [{"x": 1}], "caller": None}]
        got = await plane.chat(
            "/v1/messages", max_tokens=50, messages=[{"role": "user", "content": content}],
            context_management={"edits": []}, metadata={"user_id": "u", "team": "x"},
            headers="anthropic-beta: ctx-1\r\n",
        )  # fmt: skip
        assert got.status == 200
        told = set(got.headers["x-polycloud-degraded"].split(","))
        assert told == {"context_management", "messages.content.citations", "metadata.team", "anthropic_beta"}
        (attempt,) = plane.attempts()
        assert set(attempt["degraded"]) == told

    run(body, lacking(Need.ANTHROPIC_EXTRAS))


MARKED = [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}]


@pytest.mark.parametrize("unsupported", ["degrade", "reroute"])
def test_marks_that_nobody_takes_are_taken_off_and_named(run, script, unsupported):
    async def body(plane):
        plane.a.answers = [script.reply]
        tools = [{**TOOL, "cache_control": {"type": "ephemeral"}}]
        got = await plane.chat(messages=MARKED, tools=tools, n=1, logprobs=True, custom={"x": 1})
        assert (got.status, got.headers["x-polycloud-degraded"]) == (200, "cache_control")
        sent = plane.a.calls[0].json
        assert sent["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
        assert sent["tools"] == [TOOL] and sent["logprobs"] is True and sent["custom"] == {"x": 1}

    run(body, lacking(Need.PROMPT_CACHE, unsupported=unsupported))


def test_marks_move_a_request_to_who_takes_them(run, script):
    async def body(plane):
        plane.b.answers = [script.reply]
        got = await plane.chat(messages=MARKED)
        assert got.status == 200 and "x-polycloud-degraded" not in got.headers
        assert plane.b.calls[0].json["messages"] == MARKED and not plane.a.calls

    run(body, lacking(Need.PROMPT_CACHE, "onprem/a", "reroute"))


def test_more_stop_sequences_than_one_takes_go_to_another(run, script):
    async def body(plane):
        plane.b.answers = [script.reply]
        got = await plane.chat(stop=list("abcdef"))
        assert got.status == 200 and plane.b.calls[0].json["stop"] == list("abcdef") and not plane.a.calls

    run(body, lacking(Need.FIVE_STOPS | Need.MANY_STOPS, "onprem/a", "reroute"))


def test_a_refusal_says_what_can_not_be_done(run, script):
    async def body(plane):
        got = await plane.chat("/v1/messages", max_tokens=5, messages=[
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://x.example/y"}}]}
        ])  # fmt: skip
        said = got.json["error"]["message"]
        assert got.status == 422 and said.rstrip().endswith("into which images do not carry over")

    run(body, lacking(0, unsupported="reroute"))


def test_betas_and_thinking_reach_claude_as_it_takes_them(run, script):
    async def whole(call):
        await call.reply(MESSAGE)

    async def body(plane):
        plane.a.answers = [whole]
        foreign = {"type": "thinking", "thinking": "hm", "signature": "gemini:x"}
        messages = [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [foreign, {"type": "text", "text": "b"}]},
            {"role": "user", "content": [{"type": "search_result", "source": "s", "title": "t", "content": []}]},
        ]
        beta = "anthropic-version: 2023-06-01\r\nanthropic-beta: one-1, two-2\r\n"
        got = await plane.chat("/v1/messages", beta, max_tokens=50, messages=messages)
        assert (got.status, got.headers["x-polycloud-degraded"]) == (200, "thinking")
        sent = plane.a.calls[0].json
        assert sent["anthropic_beta"] == ["one-1", "two-2"]
        assert sent["messages"][1]["content"] == [{"type": "text", "text": "b"}]
        assert sent["messages"][2] == messages[2]

    run(body, claude)


def test_betas_reach_claude_on_azure_in_a_header(run, script):
    async def whole(call):
        await call.reply(MESSAGE)

    async def body(plane):
        plane.a.answers = [whole]
        plane.b.answers = [script.reply]
        betas = "anthropic-beta: one-1, two-2\r\n"
        for headers in (betas, "", betas):
            got = await plane.chat("/v1/messages", headers, max_tokens=50)
            assert (got.status, got.headers.get("x-polycloud-degraded")) == (200, None)
        first, second, third = plane.a.calls
        assert "anthropic-version: 2023-06-01\r\n" in first.head + "\r\n"
        assert first.head == third.head and "anthropic-beta: one-1,two-2" in first.head
        assert "anthropic-beta" not in second.head  # the header is of that request alone
        assert "anthropic_beta" not in first.json
        bad = await plane.chat("/v1/messages", max_tokens=50, anthropic_beta=["a b"])
        assert bad.status == 400 and "no name of a beta" in bad.json["error"]["message"]

    run(body, lambda plane: claude(plane, "azure"))


def test_a_version_that_never_was_is_refused(run, script):
    async def body(plane):
        got = await plane.chat("/v1/messages", "anthropic-version: 1999-01-01\r\n", max_tokens=5)
        assert got.status == 400 and "anthropic-version" in got.json["error"]["message"]

    run(body)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_an_error_means_the_same_in_a_stream_as_whole(run, script, path, stream):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

    async def streamed(call):
        await call.start_stream()
        await call.chunk(b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n")
        await call.end()

    async def whole(call):
        await call.reply(error, 529)

    async def body(plane):
        plane.a.answers = [streamed if stream else whole]
        plane.b.answers = [script.stream if stream else script.reply]
        assert (await plane.chat(path, stream=stream, max_tokens=5)).status == 200
        assert [a.get("code", "") for a in plane.attempts()] == ["provider_unavailable", ""]

    run(body, claude)


def test_a_hang_up_books_the_prompts_text_and_not_its_json(run, script):

    async def silent(call):
        await asyncio.sleep(5)

    async def body(plane):
        plane.a.answers = [silent]
        messages = [{"role": "user", "content": "x" * 40}]
        _reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(plane.request(messages=messages))
        while not plane.a.calls:
            await asyncio.sleep(0.01)
        writer.close()
        await plane.settled()
        (attempt,) = plane.attempts()
        assert attempt["outcome"] == "cancelled" and attempt["estimated"]
        assert attempt["usage"]["input_tokens"] == 10

    run(body)


def reasoning(plane, unsupported="reroute"):
    """``onprem/a`` is a reasoning model of OpenAI's under a name that people chose."""
    lacking(Need.STOP | Need.TEMPERATURE | Need.PENALTIES, "onprem/a", unsupported)(plane)
    made = plane.deployment

    def deployment(name, *more):
        row = made(name, *more)
        return msgspec.structs.replace(row, upstream=msgspec.structs.replace(row.upstream, known="o4-mini"))

    plane.deployment = deployment


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_reasoning_models_get_the_bound_and_the_sampling_that_they_take(run, script, path):
    async def body(plane):
        plane.a.answers = [script.reply]
        got = await plane.chat(path, max_tokens=300, temperature=1, top_p=1)
        sent = plane.a.calls[-1].json
        assert got.status == 200 and "x-polycloud-degraded" not in got.headers
        assert sent["model"] == "up-model" and sent["max_completion_tokens"] == 300
        assert not sent.keys() & {"max_tokens", "temperature", "top_p"}

    run(body, reasoning)


def test_of_two_bounds_a_reasoning_model_gets_the_newer(run, script):
    async def body(plane):
        plane.a.answers = [script.reply]
        await plane.chat(max_tokens=300, max_completion_tokens=200)
        assert plane.a.calls[-1].json["max_completion_tokens"] == 200
        await plane.chat(max_tokens=300, max_completion_tokens=None)
        assert plane.a.calls[-1].json["max_completion_tokens"] == 300

    run(body, reasoning)


@pytest.mark.parametrize("field", [{"stop": ["x"]}, {"logit_bias": {"5": 1}}, {"temperature": 0.2}])
def test_what_reasoning_models_refuse_is_done_elsewhere_or_left_out_and_told(run, script, field):
    async def body(plane):
        plane.a.answers = plane.b.answers = [script.reply]
        got = await plane.chat(**field)
        assert got.headers["x-polycloud-deployment"] == "onprem/b/m" and field.items() <= plane.b.calls[0].json.items()

    run(body, reasoning)

    async def alone(plane):
        plane.a.answers = [script.reply]
        got = await plane.chat(headers="x-polycloud-class: only-a\r\n", **field)
        assert (
            got.headers["x-polycloud-degraded"].split(",")[0] in field
            and not field.keys() & plane.a.calls[0].json.keys()
        )

    run(alone, lambda plane: reasoning(plane, "degrade"))


def test_claude_thinks_whatever_its_deployment_is_called(run, script):
    def renamed(plane):
        claude(plane, "azure")
        made = plane.deployment

        def deployment(name, *more):
            row = made(name, *more)
            upstream = msgspec.structs.replace(row.upstream, known=row.upstream.model, model="prod-bot")
            return msgspec.structs.replace(row, upstream=upstream)

        plane.deployment = deployment

    async def body(plane):
        async def answer(call):
            await call.reply(MESSAGE)

        plane.a.answers = [answer]
        got = await plane.chat(reasoning_effort="high", max_tokens=20_000)
        sent = plane.a.calls[-1].json
        assert got.status == 200 and sent["model"] == "prod-bot" and "reasoning_effort" not in str(got.headers)
        assert sent["thinking"]["type"] in ("enabled", "adaptive")

    run(body, renamed)


def named(model, lacks=0):
    """``onprem/a`` serves ``model`` under this name, and can not do ``lacks``."""

    def prepare(plane):
        plane.route = {"prefer": "order"}
        made = plane.deployment

        def deployment(name, *more):
            row = made(name, *more)
            upstream = msgspec.structs.replace(row.upstream, model=model)
            return msgspec.structs.replace(row, upstream=upstream, can=row.can & ~int(lacks))

        plane.deployment = deployment

    return prepare


SIGNED = [
    {"role": "user", "content": "a"},
    {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "c",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "s"}},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "c", "content": "c"},
]
REASONED = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "b", "reasoning_content": "hm"},
    {"role": "user", "content": "c"},
]


@pytest.mark.parametrize(
    ("model", "asked", "degraded", "absent"),
    [
        ("gpt-5.1", {"reasoning_effort": "low", "temperature": 0.3}, "temperature", {"temperature"}),
        ("gpt-5.1", {"reasoning_effort": "none", "temperature": 0.3}, None, set()),
        ("qwen3-32b", {"reasoning_effort": "low", "temperature": 0.3}, None, set()),
        ("gpt-4o", {"messages": REASONED}, "thinking", {"reasoning_content"}),
        ("gpt-4o", {"messages": REASONED, "n": 2}, None, set()),  # two answers have no common form
        ("qwen3-32b", {"messages": REASONED}, None, set()),
        ("gpt-4o", {"messages": SIGNED, "tools": [TOOL]}, None, {"extra_content"}),
        ("qwen3-32b", {"messages": SIGNED, "tools": [TOOL]}, None, {"extra_content"}),
        ("gemini-3-flash", {"messages": SIGNED, "tools": [TOOL]}, None, set()),
    ],
)
def test_what_some_refuse_and_others_take_is_left_out_where_it_is_refused(run, script, model, asked, degraded, absent):
    async def body(plane):
        plane.a.answers = [script.reply]
        got = await plane.chat(**asked)
        assert (got.status, got.headers.get("x-polycloud-degraded")) == (200, degraded)
        said = plane.a.calls[0].body.decode()
        for name in ("temperature", "reasoning_content", "extra_content"):
            assert (f'"{name}"' in said) == (name in json.dumps(asked) and name not in absent)

    run(body, named(model))


def test_a_model_that_does_not_think_is_not_told_to_stop(run, script):
    """OpenAI and Azure refuse a wish for no effort, by a model that knows of none, as an unknown parameter."""

    async def body(plane):
        plane.a.answers = [script.reply]
        got = await plane.chat("/v1/messages", max_tokens=9, thinking={"type": "disabled"})
        assert (got.status, got.headers.get("x-polycloud-degraded")) == (200, None)
        assert "reasoning_effort" not in plane.a.calls[0].json

    run(body, named("gpt-4o", Need.REASONING))

"""What the OpenAI and Anthropic formats can say survives writing and reading, and the vendors' own types take it.

The strategies draw what each format can carry, in the one way its reader spells it; what it can not
carry is the business of the unit tests (``dropped``).
"""

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polycloud.core.chat import (
    ChatReply,
    ChatRequest,
    Ended,
    Finished,
    Media,
    Message,
    ResponseFormat,
    Started,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
    Used,
)
from polycloud.core.errors import BadRequest, BrokenStream, RequestError
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.anthropic_messages import AnthropicMessages
from polycloud.gateway.dialects.openai_chat import OpenAIChat
from polycloud.gateway.faces.anthropic import AnthropicFace
from polycloud.gateway.faces.openai import OpenAIFace

RUNS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OPENAI, OPENAI_FACE = OpenAIChat(), OpenAIFace()
ANTHROPIC, ANTHROPIC_FACE = AnthropicMessages(), AnthropicFace()
PAIRS = [(OPENAI, OPENAI_FACE), (ANTHROPIC, ANTHROPIC_FACE)]

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SPOKEN = WORDS.filter(str.strip)  # Anthropic refuses blank text
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
MARKS = st.sampled_from(["", "5m", "1h"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS, lambda v: st.lists(v, max_size=2), max_leaves=4
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=3)
ARGUMENTS = OBJECTS.map(json.dumps)
SCHEMAS = st.dictionaries(NAMES, st.just({"type": "string"}), max_size=3).map(
    lambda p: json.dumps({"type": "object", "properties": p}).encode()
)
STRICT = st.sampled_from([None, True, False])
IMAGES = st.builds(Media, st.just("image"), st.just("image/png"), st.just("AAAA")) | st.builds(
    Media, st.just("image"), url=st.just("https://images.example/a.png")
)
COUNTS = st.integers(0, 10**6)


def tuples(strategy, low=0, high=3):
    return st.lists(strategy, min_size=low, max_size=high).map(tuple)


@st.composite
def usages(draw):
    read, write, plain, reasoning, rest = (draw(COUNTS) for _ in range(5))
    return Usage(plain + read + write, reasoning + rest, read, write, reasoning)


def tools(schema, marks):
    one = st.builds(Tool, NAMES, st.just("") | WORDS, schema, STRICT, marks)
    return st.lists(one, max_size=3, unique_by=lambda tool: tool.name).map(tuple)


def choices(declared):
    named = st.builds(ToolChoice, st.just("named"), st.sampled_from([tool.name for tool in declared]))
    return st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"])) | named


# OpenAI

OPENAI_TEXTS = st.builds(Text, WORDS)
OPENAI_MESSAGES = st.one_of(
    st.builds(Message, st.just("system"), tuples(OPENAI_TEXTS, 1)),
    st.builds(Message, st.just("user"), tuples(OPENAI_TEXTS | IMAGES, 1), st.just("") | NAMES),
    st.builds(
        Message,
        st.just("user"),
        st.builds(ToolResult, WORDS, tuples(OPENAI_TEXTS)).map(lambda result: (result,)),
    ),
    st.builds(
        lambda thinking, texts, calls: Message("assistant", thinking + texts + calls),
        tuples(st.builds(Thinking, WORDS), 0, 1),
        tuples(OPENAI_TEXTS),
        tuples(st.builds(ToolCall, WORDS, NAMES, ARGUMENTS | st.text(max_size=5), st.sampled_from(["", "c2ln"]))),
    ),
)


@st.composite
def openai_requests(draw):
    declared = draw(tools(SCHEMAS | st.just(b""), st.just("")))
    stream = draw(st.booleans())
    maybe = st.none() | st.floats(-2, 2)
    formats = [
        st.none(),
        st.just(ResponseFormat()),
        st.builds(ResponseFormat, NAMES, SCHEMAS, STRICT, st.just("") | WORDS),
    ]
    return ChatRequest(
        model="gemini-deepseek-r1",  # a name that earlier reasoning and thought signatures are written for
        messages=draw(tuples(OPENAI_MESSAGES, 1, 6)),
        tools=declared,
        tool_choice=draw(st.none() | choices(declared)) if declared else None,
        parallel_tools=draw(STRICT) if declared else None,
        response_format=draw(st.one_of(formats)),
        max_tokens=draw(st.none() | st.integers(1, 10**6)),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1)),
        top_k=draw(st.none() | st.integers(1, 500)),
        stop=draw(tuples(WORDS)),
        seed=draw(st.none() | st.integers(-(2**63), 2**63)),
        frequency_penalty=draw(maybe),
        presence_penalty=draw(maybe),
        effort=draw(st.sampled_from([None, "none", "minimal", "low", "medium", "high", "xhigh", "max"])),
        stream=stream,
        include_usage=stream,
        user=draw(st.just("") | WORDS),
        hints=draw(st.sampled_from([{}, {"metadata": b'{"a":"b"}', "service_tier": b'"flex"'}])),
        extras=draw(st.sampled_from([{}, {"openai_chat": {"logit_bias": b'{"1":2}', "mine": b"[1.50]"}}])),
    )


SIGNED = st.one_of(
    st.builds(Thinking, st.just("") | WORDS, WORDS),
    st.builds(Thinking, redacted=WORDS),
)


@st.composite
def openai_replies(draw):
    thinking = draw(tuples(SIGNED) | tuples(st.builds(Thinking, WORDS), 0, 1))
    texts = draw(tuples(OPENAI_TEXTS, 0, 1))
    calls = draw(tuples(st.builds(ToolCall, WORDS, NAMES, st.text(max_size=5), st.sampled_from(["", "c2ln"]))))
    finish = draw(st.sampled_from(["length", "content_filter", "tool_calls" if calls else "stop", "stop_sequence"]))
    stop = draw(WORDS) if finish == "stop_sequence" else ""
    refusal = finish == "stop" and bool(texts) and draw(st.booleans())
    return ChatReply(draw(NAMES), draw(NAMES), thinking + texts + calls, finish, draw(usages()), stop, refusal)


def deltas(thinking, arguments):
    """Strategies of a stream's content: texts, thoughts and calls with their fragments, in any order."""

    @st.composite
    def drawn(draw):
        events, calls = [], 0
        for kind in draw(st.lists(st.sampled_from(["text", "thought", "call"]), max_size=6)):
            if kind == "text":
                events.append(TextDelta(draw(WORDS)))
            elif kind == "thought":
                events.append(draw(thinking))
            else:
                events.append(ToolCallStarted(calls, draw(WORDS), draw(NAMES), draw(st.sampled_from(["", "c2ln"]))))
                text = draw(arguments)
                cut = draw(st.integers(0, len(text)))
                events += [ToolCallDelta(calls, part) for part in (text[:cut], text[cut:]) if part]
                calls += 1
        return events

    return drawn()


@st.composite
def openai_streams(draw):
    signed = st.builds(ThinkingDelta, st.just("") | WORDS, WORDS) | st.builds(ThinkingDelta, redacted=WORDS)
    content = draw(deltas(st.builds(ThinkingDelta, WORDS) | signed, st.text(max_size=6)))
    called = any(isinstance(event, ToolCallStarted) for event in content)
    finish = draw(st.sampled_from(["length", "content_filter", "tool_calls" if called else "stop"]))
    return [*content, Finished(finish), Used(draw(usages())), Ended()]


# Anthropic

ANTHROPIC_TEXTS = st.builds(Text, SPOKEN, MARKS)
ANTHROPIC_MEDIA = st.one_of(
    st.builds(Media, st.just("image"), st.just("image/png"), st.just("AAAA"), cache=MARKS),
    st.builds(Media, st.just("document"), url=st.just("https://pages.example/a.pdf"), cache=MARKS),
)
ANTHROPIC_MARKED = WORDS.filter(lambda word: ":" not in word)
OWN_THINKING = st.builds(Thinking, st.just("") | WORDS, ANTHROPIC_MARKED) | st.builds(
    Thinking, redacted=ANTHROPIC_MARKED
)
RESULTS = st.builds(ToolResult, NAMES, tuples(ANTHROPIC_TEXTS | ANTHROPIC_MEDIA), st.booleans(), MARKS)
USER_TURNS = st.builds(
    lambda results, rest: Message("user", results + rest),
    tuples(RESULTS),
    tuples(ANTHROPIC_TEXTS | ANTHROPIC_MEDIA, 1),
)
OWN_CALLS = st.builds(ToolCall, NAMES, NAMES, ARGUMENTS, cache=MARKS)
ASSISTANT_TURNS = st.builds(Message, st.just("assistant"), tuples(OWN_THINKING | ANTHROPIC_TEXTS | OWN_CALLS, 1, 4))


@st.composite
def anthropic_requests(draw):
    declared = draw(tools(SCHEMAS, MARKS))
    choice = draw(st.none() | choices(declared)) if declared else None
    turns = [draw(USER_TURNS)]
    for _ in range(draw(st.integers(0, 2))):
        turns += [draw(ASSISTANT_TURNS), draw(USER_TURNS)]
    system = draw(tuples(st.builds(Message, st.just("system"), tuples(ANTHROPIC_TEXTS, 1)), 0, 1))
    effort = draw(st.sampled_from([None, "none", "low", "medium", "high", "xhigh", "max"]))
    free = effort in (None, "none")  # a thinking Claude takes next to no sampling parameters
    return ChatRequest(
        model="claude-opus-4-7",
        messages=(*system, *turns),
        tools=declared,
        tool_choice=choice,
        parallel_tools=draw(STRICT) if choice is not None and choice.mode != "none" else None,
        response_format=draw(st.none() | st.builds(ResponseFormat, schema=SCHEMAS)),
        max_tokens=draw(st.integers(1, 10**6)),
        temperature=draw(st.none() | st.floats(0, 1)) if free else None,
        top_p=draw(st.none() | st.floats(0 if free else 0.95, 1)),
        top_k=draw(st.none() | st.integers(1, 500)) if free else None,
        stop=draw(tuples(WORDS.filter(str.strip))),  # Claude refuses blank ones: they are left out
        effort=effort,
        stream=draw(st.booleans()),
        include_usage=True,
        user=draw(st.just("") | WORDS),
        hints=draw(st.sampled_from([{}, {"speed": b'"fast"', "service_tier": b'"standard_only"'}])),
        extras=draw(st.sampled_from([{}, {"anthropic_messages": {"container": b'"c"', "mine": b"[1.50]"}}])),
    )


@st.composite
def anthropic_replies(draw):
    calls = st.builds(ToolCall, WORDS, NAMES, ARGUMENTS, st.sampled_from(["", "gemini:c2ln"]))
    thoughts = st.builds(Thinking, st.text(max_size=9), st.text(max_size=9)) | st.builds(Thinking, redacted=WORDS)
    finish = draw(
        st.sampled_from(["stop", "stop_sequence", "length", "tool_calls", "content_filter", "context_window", "pause"])
    )
    return ChatReply(
        draw(NAMES),
        draw(NAMES),
        draw(tuples(st.builds(Text, WORDS) | thoughts | calls, 0, 5)),
        finish,
        draw(usages()),
        draw(WORDS) if finish == "stop_sequence" else "",
        finish == "content_filter",
    )


@st.composite
def anthropic_streams(draw):
    thinking = st.one_of(
        st.builds(ThinkingDelta, WORDS),
        st.builds(ThinkingDelta, signature=WORDS),
        st.builds(ThinkingDelta, redacted=WORDS),
    )
    content = draw(deltas(thinking, ARGUMENTS))
    finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
    return [*content, Finished(finish), Used(draw(usages())), Ended()]


def through(dialect, face, request):
    body = dialect.write_request(request, request.model)
    return face.read_request(face.peek(body))


@RUNS
@given(openai_requests())
def test_openai_requests_come_back(request_):
    assert through(OPENAI, OPENAI_FACE, request_) == request_
    assert not OPENAI.dropped(request_)


@RUNS
@given(anthropic_requests())
def test_anthropic_requests_come_back(request_):
    assert through(ANTHROPIC, ANTHROPIC_FACE, request_) == request_
    assert not ANTHROPIC.dropped(request_)


@RUNS
@given(openai_replies())
def test_openai_replies_come_back(reply):
    assert OPENAI.read_reply(OPENAI_FACE.write_reply(reply, reply.model, 1)) == reply


@RUNS
@given(anthropic_replies())
def test_anthropic_replies_come_back(reply):
    assert ANTHROPIC.read_reply(ANTHROPIC_FACE.write_reply(reply, reply.model, 1)) == reply


def stream(face, events, cuts=()):
    writer = face.stream_writer("m", "r1", 1, True)
    bounds = sorted({0, len(events), *(cut % (len(events) + 1) for cut in cuts)})
    return b"".join(writer.write(events[a:b]) for a, b in pairwise(bounds))


CUTS = st.lists(st.integers(0, 10_000), max_size=5)


@RUNS
@given(openai_streams(), CUTS)
def test_openai_streams_come_back(events, cuts):
    data = stream(OPENAI_FACE, events, cuts)
    assert OPENAI.stream_reader().feed(data) == [Started("r1", "m"), *events]


@RUNS
@given(anthropic_streams(), CUTS)
def test_anthropic_streams_come_back(events, cuts):
    data = stream(ANTHROPIC_FACE, events, cuts)
    started, *found = ANTHROPIC.stream_reader().feed(data)
    assert isinstance(started, Started)  # with the counts that were known when the content began
    assert found == events


@RUNS
@given(st.sampled_from(PAIRS), openai_streams() | anthropic_streams(), CUTS, st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_splitting_bytes_changes_nothing(pair, events, cuts, ending):
    dialect, face = pair
    whole = stream(face, events)
    data = whole.replace(b"\n", ending)
    bounds = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    pieces = [data[a:b] for a, b in pairwise(bounds)]
    reader = dialect.stream_reader()
    assert [event for piece in pieces for event in reader.feed(piece)] == dialect.stream_reader().feed(whole)
    tap = face.tap(face.peek(b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],'
                             b'"stream_options":{"include_usage":true}}'))  # fmt: skip
    assert b"".join(tap.feed(piece) for piece in pieces) == data
    assert tap.ended
    assert tap.usage == events[-2].usage
    assert tap.content == any(isinstance(e, TextDelta | ThinkingDelta | ToolCallStarted) for e in events)


@RUNS
@given(st.sampled_from(PAIRS), openai_streams(), st.data())
def test_a_cut_stream_has_no_end(pair, events, data):
    dialect, face = pair
    whole = stream(face, events)
    found = dialect.stream_reader().feed(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert Ended() not in found


@RUNS
@given(
    st.sampled_from(PAIRS),
    st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | OBJECTS.map(json.dumps).map(str.encode),
)
def test_any_bytes_get_a_plain_answer(pair, data):
    dialect, face = pair
    with pytest.raises(BadRequest):
        face.peek(data)
    with pytest.raises(BrokenStream):
        dialect.read_reply(data)
    try:
        dialect.stream_reader().feed(b"data: " + data + b"\n\n")
        face.tap(face.peek(b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}')).feed(data)
    except BrokenStream:
        pass


@RUNS
@given(openai_requests() | anthropic_requests())
def test_requests_of_one_format_become_requests_of_the_other(request_):
    for source, source_face in PAIRS:
        try:
            read = through(source, source_face, request_)
        except RequestError:
            continue
        for target, target_face in PAIRS:
            model = "claude-sonnet-4-5" if target is ANTHROPIC else "gpt-5"
            try:
                body = target.write_request(read, model)
            except RequestError as error:
                assert "carry" in error.message
                continue
            assert target_face.peek(body).model == model


# the vendors' own types


@RUNS
@given(openai_replies() | anthropic_replies(), openai_streams() | anthropic_streams())
def test_openai_types_take_what_is_written(reply, events):
    chat = pytest.importorskip("openai.types.chat")
    found = chat.ChatCompletion.model_validate_json(OPENAI_FACE.write_reply(reply, "m", 1))
    assert found.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens
    frames = stream(OPENAI_FACE, events).removesuffix(b"data: [DONE]\n\n").split(b"\n\n")[:-1]
    chunks = [chat.ChatCompletionChunk.model_validate_json(frame.removeprefix(b"data: ")) for frame in frames]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "".join(e.text for e in events if isinstance(e, TextDelta))


@RUNS
@given(openai_replies() | anthropic_replies(), openai_streams() | anthropic_streams())
def test_anthropic_types_take_what_is_written(reply, events):
    types = pytest.importorskip("anthropic.types")
    pydantic = pytest.importorskip("pydantic")
    found = types.Message.model_validate_json(ANTHROPIC_FACE.write_reply(reply, "m", 1))
    assert found.usage.output_tokens == reply.usage.output_tokens
    adapter = pydantic.TypeAdapter(types.RawMessageStreamEvent)
    opened, closed = [], []
    for frame in stream(ANTHROPIC_FACE, events).split(b"\n\n")[:-1]:
        event = adapter.validate_json(frame.partition(b"\ndata: ")[2])
        if event.type == "content_block_start":
            opened.append(event.index)
        elif event.type == "content_block_delta":
            assert event.index in opened
            assert event.index not in closed
        elif event.type == "content_block_stop":
            closed.append(event.index)
    assert opened == list(range(len(opened)))
    assert sorted(closed) == opened

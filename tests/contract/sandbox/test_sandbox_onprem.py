"""The openai SDK speaks to the sandbox's on-premises server; faults of the connection; what is booked."""

import json
import socket
import time
from typing import Any

import httpx2
import openai
import pytest

SITE = "onprem/frankfurt"
MODEL = "llama-3.3-70b"


def client(sandbox: Any, site: str = SITE, **over: Any) -> openai.OpenAI:
    options = {"api_key": sandbox.keys.onprem_key, "max_retries": 0, **over}
    return openai.OpenAI(base_url=sandbox.at(site), **options)


def ask(openai_client: openai.OpenAI, text: str = "echo: good morning", **more: Any) -> Any:
    return openai_client.chat.completions.create(
        **{"model": MODEL, "messages": [{"role": "user", "content": text}], **more}
    )


def until(condition: Any) -> None:
    """Waits for what another thread is about to do."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_chat_and_models(sandbox: Any) -> None:
    assert [m.id for m in client(sandbox).models.list()] == [MODEL]
    assert ask(client(sandbox)).choices[0].message.content == "good morning"
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        ask(client(sandbox), model="other")
    with pytest.raises(openai.AuthenticationError):
        ask(client(sandbox, api_key="wrong"))


def test_reasoning_is_shown(sandbox: Any) -> None:
    message = ask(client(sandbox), reasoning_effort="high").choices[0].message
    assert message.content == "good morning" and message.reasoning_content
    chunks = list(ask(client(sandbox), reasoning_effort="high", stream=True))
    thought = "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in chunks)
    assert thought == message.reasoning_content


def test_the_system_prompt_and_the_turns_are_visible(sandbox: Any) -> None:
    messages = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Ahoy."},
        {"role": "user", "content": "Again."},
    ]
    text = ask(client(sandbox), messages=messages).choices[0].message.content
    assert 'The system prompt begins: "You are a pirate."' in text and "This is turn 2" in text


def test_an_outage_refuses_connections_and_ends(sandbox: Any) -> None:
    address, openai_client = sandbox.at(SITE), client(sandbox)
    ask(openai_client)
    fault = sandbox.fault(kind="outage", site=SITE)
    with pytest.raises(openai.APIConnectionError):
        ask(openai_client)
    host, port = address.removeprefix("http://").removesuffix("/v1").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    sites = {s["site"]: s["down"] for s in httpx2.get(f"{sandbox.running.control}/sites").json()["sites"]}
    assert [name for name, down in sites.items() if down] == [SITE]
    assert httpx2.delete(f"{sandbox.running.control}/faults/{fault}").json() == {"faults": []}
    assert sandbox.at(SITE) == address and ask(openai_client).choices


def test_an_outage_ends_by_itself(sandbox: Any) -> None:
    sandbox.fault(kind="outage", site=SITE, duration_seconds=0.1)
    # By its control: the list is the sandbox's own thread's, which forgets in it what is over.
    until(lambda: httpx2.get(f"{sandbox.running.control}/faults").json()["faults"] == [])

    def answers() -> bool:
        try:
            return bool(ask(client(sandbox)).choices)
        except openai.APIConnectionError:
            return False

    until(answers)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_a_connection_that_breaks(sandbox: Any, kind: str, stream: bool) -> None:
    sandbox.fault(kind=kind, site=SITE)
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        list(ask(client(sandbox), stream=stream))
    until(lambda: sandbox.served(SITE, kind)["requests"] == 1)


def test_silence(sandbox: Any) -> None:
    sandbox.fault(kind="silence", site=SITE)
    with pytest.raises(openai.APITimeoutError):
        ask(client(sandbox, timeout=0.2))
    until(lambda: sandbox.served(SITE, "silence")["requests"] == 1)
    assert sum(sandbox.served(SITE, "silence").values()) == 1  # no token was generated


def test_silence_in_mid_stream_keeps_what_was_sent(sandbox: Any) -> None:
    sandbox.fault(kind="silence_mid_stream", site=SITE, after_events=3)
    seen = []
    with pytest.raises((openai.APITimeoutError, httpx2.ReadTimeout)):
        for chunk in ask(client(sandbox, timeout=0.3), "echo: one two three four five six", stream=True):
            seen.append(chunk.choices[0].delta.content)
    assert seen == ["", "one two three", " four five s"]
    until(lambda: sandbox.served(SITE, "silence_mid_stream")["requests"] == 1)


def test_a_caller_that_hangs_up_is_counted_with_what_it_got(sandbox: Any) -> None:
    stream = ask(client(sandbox, "onprem/slow"), "words: 400", model="slow", stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()
    until(lambda: sandbox.served("onprem/slow", "hung_up")["requests"] == 1)
    counted = sandbox.served("onprem/slow", "hung_up")
    assert counted["input_tokens"] == 3 and 0 < counted["output_tokens"] < 200
    assert sandbox.served("onprem/slow", "ok")["requests"] == 0


def test_an_outage_ends_the_streams_under_way(sandbox: Any) -> None:
    stream = ask(client(sandbox, "onprem/slow"), "words: 400", model="slow", stream=True)
    next(iter(stream))
    sandbox.fault(kind="outage", site="onprem/slow")
    with pytest.raises((openai.APIConnectionError, httpx2.TransportError)):
        list(stream)
    until(lambda: sandbox.served("onprem/slow", "hung_up")["requests"] == 1)


def test_a_caller_that_hangs_up_while_it_waits(sandbox: Any) -> None:
    sandbox.fault(kind="slow_first", site=SITE, seconds=60)
    with pytest.raises(openai.APITimeoutError):
        ask(client(sandbox, timeout=0.2))
    until(lambda: sandbox.served(SITE, "hung_up")["requests"] == 1)


def test_slow_answers_arrive(sandbox: Any) -> None:
    sandbox.fault(kind="slow_first", site=SITE, seconds=0.05, count=1)
    assert ask(client(sandbox)).choices[0].message.content == "good morning"
    sandbox.fault(kind="slow_tokens", site=SITE, seconds=0.001)
    chunks = list(ask(client(sandbox), stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "good morning"


def test_bodies_that_lie(sandbox: Any) -> None:
    sandbox.fault(kind="bad_json", site=SITE, count=1)
    with pytest.raises((json.JSONDecodeError, openai.APIResponseValidationError)):
        ask(client(sandbox))
    sandbox.fault(kind="wrong_content_type", site=SITE, count=1)
    raw = client(sandbox).chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": "hi"}]
    )
    assert raw.headers["content-type"] == "text/html" and raw.text.startswith("<html>")
    assert sandbox.served(SITE, "ok")["requests"] == 0


def test_everything_served_is_booked(sandbox: Any) -> None:
    ask(client(sandbox))
    list(ask(client(sandbox), stream=True))
    with pytest.raises(openai.BadRequestError):
        ask(client(sandbox), messages=[])
    assert sandbox.served(SITE, "ok") == {
        "requests": 2,
        "input_tokens": 10,
        "output_tokens": 6,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
    }
    assert sandbox.served(SITE, "http_400")["requests"] == 1


def test_the_control_api_is_strict(sandbox: Any) -> None:
    control = sandbox.running.control
    for body, words in (
        (b"{", "not a fault"),
        (b'{"kind": "flood"}', "flood"),
        (b'{"kind": "cut", "wher": 1}', "unknown field `wher`"),
        (b'{"kind": "outage", "model": "x"}', "an outage hits a whole site"),
        (b'{"kind": "cut", "probability": 2}', "0 to 1"),
        (b'{"kind": "cut", "site": "nope"}', "onprem/frankfurt"),
        (b'{"kind": "cut", "cloud": "aws", "site": "onprem/*"}', "no site here is 'onprem/*' of cloud 'aws'"),
    ):
        reply = httpx2.post(f"{control}/faults", content=body)
        assert reply.status_code == 400 and words in reply.json()["error"]
    assert httpx2.get(f"{control}/health").json() == {"status": "ok"}
    assert httpx2.get(f"{control}/nothing").status_code == 404
    assert httpx2.post(f"{control}/health").status_code == 405
    assert httpx2.delete(f"{control}/faults/fault-99999").status_code == 404
    credentials = httpx2.get(f"{control}/credentials").json()["credentials"]
    assert credentials["azure"]["api_key"] == {
        "kind": "api_key",
        "fields": {"key": sandbox.keys.azure_key},
        "expires_at": 0.0,
        "version": 0,
    }
    assert {cloud: list(kinds) for cloud, kinds in credentials.items()} == {
        "aws": ["aws", "bearer"],
        "azure": ["api_key", "bearer"],
        "gcp": ["bearer", "service_account"],
        "oci": ["oci", "bearer"],
        "onprem": ["bearer"],
    }

"""litellm's calls, run by its own Python: one JSON argument in, one JSON value out (model → feature → what it saw)."""

import asyncio
import json
import os
import sys
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no network at import

import httpx2  # noqa: F401 - openai looks into it as soon as it is there, half imported by another thread or not
import litellm
import openai

ASKED = json.loads(sys.argv[1])
SCHEMAS = ASKED["schemas"]
TOOLS = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}
    for name, schema in SCHEMAS.items()
]
FORMAT = {"type": "json_schema", "json_schema": {"name": "trip", "strict": True, "schema": SCHEMAS["get_weather"]}}
litellm.telemetry = False


async def call(face: str, model: str, text: str | list[Any], **fields: Any) -> Any:
    base = ASKED["url"] + ("/v1" if face == "openai" else "")
    messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
    fields = {"api_key": ASKED["key"], "num_retries": 0, "max_retries": 0, "timeout": 60, "max_tokens": 900, **fields}
    return await litellm.acompletion(model=f"{face}/{model}", api_base=base, messages=messages, **fields)


def shown(answer: Any) -> dict[str, Any]:
    choice = answer.choices[0]
    headers = answer._hidden_params.get("additional_headers") or {}
    return {
        "text": choice.message.content,
        "finish": choice.finish_reason,
        "calls": [[c.id, c.function.name, c.function.arguments] for c in choice.message.tool_calls or []],
        "usage": [answer.usage.prompt_tokens, answer.usage.completion_tokens],
        "deployment": headers.get("llm_provider-x-polycloud-deployment", ""),
    }


async def streamed(face: str, model: str, text: str, **fields: Any) -> dict[str, Any]:
    options = {"include_usage": True}
    chunks = [c async for c in await call(face, model, text, stream=True, stream_options=options, **fields)]
    return shown(litellm.stream_chunk_builder(chunks)) | {"chunks": len(chunks)}


async def round_trip(face: str, model: str) -> dict[str, Any]:
    asked = [{"role": "user", "content": "Call get_weather and get_clock."}]
    message = (await call(face, model, asked, tools=TOOLS)).choices[0].message
    results = [
        {"role": "tool", "tool_call_id": c.id, "content": f"result of {c.function.name}"} for c in message.tool_calls
    ]
    return shown(await call(face, model, [*asked, message, *results], tools=TOOLS))


async def told(asked: Any) -> dict[str, Any]:
    """What was answered, or how the refusal is told."""
    try:
        found = await asked
        return found if isinstance(found, dict) else shown(found)
    except openai.APIError as error:  # the base of litellm's own
        kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith(("litellm", "openai"))]
        return {"kinds": kinds, "status": getattr(error, "status_code", 0), "message": str(error)}


FEATURES = {
    "chat": lambda f, m: call(f, m, "echo: Grüße"),
    "stream": lambda f, m: streamed(f, m, "words: 40"),
    "one tool": lambda f, m: call(f, m, "Call get_weather.", tools=TOOLS),
    "parallel tools": lambda f, m: call(f, m, "Call get_weather and get_clock.", tools=TOOLS),
    "streamed tools": lambda f, m: streamed(f, m, "Call get_weather and get_clock.", tools=TOOLS),
    "forced tool": lambda f, m: call(
        f, m, "Hello.", tools=TOOLS, tool_choice={"type": "function", "function": {"name": "get_clock"}}
    ),
    "results": round_trip,
    "structured": lambda f, m: call(f, m, "Plan a trip.", response_format=FORMAT),
    "bad key": lambda f, m: told(call(f, m, "hi", api_key="pk-wrong")),
    "unknown model": lambda f, m: told(call(f, "on-mars", "hi")),
    "policy": lambda f, m: told(call(f, m, "hi", extra_headers={"x-polycloud-class": "secret-de"})),
    "streamed bad key": lambda f, m: told(streamed(f, m, "hi", api_key="pk-wrong")),
    "streamed unknown model": lambda f, m: told(streamed(f, "on-mars", "hi")),
    "streamed policy": lambda f, m: told(streamed(f, m, "hi", extra_headers={"x-polycloud-class": "secret-de"})),
}
TROUBLE = {
    "whole": lambda f, m: told(call(f, m, "words: 80")),
    "stream": lambda f, m: told(streamed(f, m, "words: 80")),
}


async def main() -> None:
    found: dict[str, dict[str, Any]] = {}
    features = TROUBLE if ASKED["troubled"] else FEATURES
    for i, face in enumerate(("openai", "anthropic")):
        for name, models in ASKED["models"].items():
            model = models[i]
            answers = await asyncio.gather(*(use(face, model) for use in features.values()), return_exceptions=True)
            found[f"{face} {name}"] = {
                feature: {"failed": repr(answer)}
                if isinstance(answer, BaseException)
                else (answer if isinstance(answer, dict) else shown(answer))
                for feature, answer in zip(features, answers, strict=True)
            }
    sys.stdout.write(json.dumps(found) + "\n")


asyncio.run(main())

"""Azure: OpenAI's chat completions with Azure's paths, keys, filter results, headers and errors, and Claude beside it.

Sources: recorded traffic; learn.microsoft.com/azure/ai-foundry/openai/reference and
.../openai/api-version-lifecycle (2026-11). Of Claude: platform.claude.com/docs/en/build-with-claude/
claude-in-microsoft-foundry; github.com/anthropics/claude-code issue 67179 (2026-11).
"""

import re
import uuid
from urllib.parse import parse_qs, unquote

import msgspec

from polycloud.sandbox.ask import Answer, Ask
from polycloud.sandbox.credentials import Credentials
from polycloud.sandbox.protocols import anthropic
from polycloud.sandbox.protocols.claude import is_claude
from polycloud.sandbox.protocols.common import Call, Frame, Refused, Trouble, whole_seconds
from polycloud.sandbox.protocols.openai import JSON, ChatWriter, context_reply, error_reply, invalid, parse
from polycloud.sandbox.protocols.openai_body import EFFORT_TOKENS, Body, JsonSchemaFormat, ask_of
from polycloud.sandbox.protocols.strict_schema import broken_rule
from polycloud.sandbox.spec import SiteSpec
from polycloud.sandbox.wire import Reply, Request

CLAUDE_PATH = "/anthropic/"
CLAUDE_VERSIONS = ("2023-06-01", "2026-10-21")  # the documented one, and what anthropic 2.11.0 sends
LIMIT_REQUESTS = 10_000  # what the rate-limit headers name; the sandbox itself sets no limit
LIMIT_TOKENS = 10_000_000
TOOL_NAME_MAX = 64
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)/chat/completions")
_REASONING = re.compile(r"(^|[-_/.])(o[134]|(?!gpt-5-chat)gpt-[56])(?!\d)", re.IGNORECASE)
_WHEN_ASKED = re.compile(r"gpt-5\.[124](?!\d)(?!.*(chat|codex|pro))", re.IGNORECASE)  # these reason only when asked to
_SAFE = {"filtered": False, "severity": "safe"}
_COMPLETION_FILTER = {
    "hate": _SAFE,
    "protected_material_code": {"filtered": False, "detected": False},
    "protected_material_text": {"filtered": False, "detected": False},
    "self_harm": _SAFE,
    "sexual": _SAFE,
    "violence": _SAFE,
}
_PROMPT_FILTER = {
    "hate": _SAFE,
    "jailbreak": {"filtered": False, "detected": False},
    "self_harm": _SAFE,
    "sexual": _SAFE,
    "violence": _SAFE,
}
REGION_NAMES = {
    "australiaeast": "Australia East",
    "brazilsouth": "Brazil South",
    "canadacentral": "Canada Central",
    "canadaeast": "Canada East",
    "centralus": "Central US",
    "eastasia": "East Asia",
    "eastus": "East US",
    "eastus2": "East US 2",
    "francecentral": "France Central",
    "germanywestcentral": "Germany West Central",
    "italynorth": "Italy North",
    "japaneast": "Japan East",
    "japanwest": "Japan West",
    "koreacentral": "Korea Central",
    "northcentralus": "North Central US",
    "northeurope": "North Europe",
    "norwayeast": "Norway East",
    "polandcentral": "Poland Central",
    "southafricanorth": "South Africa North",
    "southcentralus": "South Central US",
    "southeastasia": "Southeast Asia",
    "southindia": "South India",
    "spaincentral": "Spain Central",
    "swedencentral": "Sweden Central",
    "switzerlandnorth": "Switzerland North",
    "switzerlandwest": "Switzerland West",
    "uaenorth": "UAE North",
    "uksouth": "UK South",
    "ukwest": "UK West",
    "westeurope": "West Europe",
    "westus": "West US",
    "westus2": "West US 2",
    "westus3": "West US 3",
}


def is_reasoning(model: str) -> bool:
    """Whether a deployment's name says that it is one of OpenAI's reasoning models."""
    return _REASONING.search(model) is not None


class AzureWriter(ChatWriter):
    """Chat completions with content-filter results; a stream opens with a chunk that has no choices."""

    def __init__(self, model: str, include_usage: bool, headers: dict[str, str]) -> None:
        super().__init__(model, include_usage, shows_thinking=False)
        self.headers = headers

    def whole(self, answer: Answer) -> Reply:
        body = self.completion(answer)
        choices = body["choices"]
        assert isinstance(choices, list)
        for choice, one in zip(choices, answer.choices(), strict=True):
            choice["content_filter_results"] = _COMPLETION_FILTER if one.text() else {}
        body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _PROMPT_FILTER}]
        return Reply(200, msgspec.json.encode(body), {**JSON, **self.headers})

    def head(self, answer: Answer) -> dict[str, str]:
        return {**super().head(answer), **self.headers}

    def frames(self, answer: Answer) -> list[Frame]:
        first = {
            "choices": [],
            "created": 0,
            "id": "",
            "model": "",
            "object": "",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _PROMPT_FILTER}],
        }
        return [(b"data: " + msgspec.json.encode(first) + b"\n\n", 0), *super().frames(answer)]

    def choice_extras(self, finished: bool) -> dict[str, object]:
        return {"content_filter_results": {} if finished else _COMPLETION_FILTER}


class Azure:
    """One Azure AI resource; its deployments carry the names in ``site.models``."""

    def __init__(self, site: SiteSpec, credentials: Credentials) -> None:
        self._site, self._credentials = site, credentials

    def read(self, request: Request) -> Call | Reply:
        """Raises Refused."""
        if request.path.startswith(CLAUDE_PATH):
            return self._claude(request)
        deployment = self._route(request)
        key = self._authenticate(request)
        if request.method != "POST":
            raise self._refused(error_body(405, "405", "Method Not Allowed"))
        try:
            body = parse(request.body)
        except Refused as refused:
            refused.reply.headers.update(self._headers(deployment or ""))
            raise
        model = deployment or body.model
        if model is None:
            raise self._refused(invalid("you must provide a model parameter").reply)
        if model not in self._site.models:
            raise self._refused(_no_deployment())
        if is_claude(model):
            raise self._refused(error_body(404, "api_not_supported", "Requested API is currently not supported"))
        effort = body.reasoning_effort or ("none" if _WHEN_ASKED.search(model) else "medium")
        if is_reasoning(model):
            self._check_reasoning(body, sampled=effort == "none")
        ask = ask_of(body)
        self._check_forms(body, ask)
        ask.show_thinking = False
        ask.thinking = EFFORT_TOKENS[effort] if is_reasoning(model) else 0
        options = body.stream_options
        writer = AzureWriter(model, bool(options and options.include_usage), self._headers(model))
        return Call(ask=ask, model=model, key=key, stream=bool(body.stream), writer=writer, choices=body.n or 1)

    def _claude(self, request: Request) -> Call:
        key = self._authenticate(request)
        if request.path != f"{CLAUDE_PATH}v1/messages" or request.method != "POST":
            raise self._refused(error_body(404, "404", "Resource not found"))
        try:
            if "anthropic-version" not in request.headers:
                raise anthropic.invalid("anthropic-version: header is required")
            if request.headers["anthropic-version"] not in CLAUDE_VERSIONS:
                raise anthropic.invalid(f"anthropic-version: {request.headers['anthropic-version']} is not supported")
            body = anthropic.parse_azure(request.body)
        except Refused as refused:
            raise self._refused(refused.reply) from None
        if body.model not in self._site.models:
            raise self._refused(_no_deployment())
        omits = body.thinking is not None and body.thinking.get("display") == "omitted"
        headers = {**self._headers(body.model), "request-id": "req_simulated"}
        writer = anthropic.MessagesWriter(body.model, omits_thinking=omits, mark="", headers=headers)
        ask = anthropic.ask_of(body)
        return Call(ask=ask, model=body.model, key=key, stream=bool(body.stream), writer=writer, explicit_cache=True)

    def invalid(self, request: Request, message: str) -> Reply:
        wrong = anthropic.invalid if request.path.startswith(CLAUDE_PATH) else invalid
        return self._refused(wrong(message).reply).reply

    def trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        if request.path.startswith(CLAUDE_PATH):
            reply = self._claude_trouble(kind, request, status, retry_after_seconds)
        else:
            reply = self._trouble(kind, status, retry_after_seconds)
        reply.headers.update(self._headers(""))
        return reply

    def _trouble(self, kind: Trouble, status: int, retry_after_seconds: float) -> Reply:
        if kind == "throttle":
            message = (
                "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded the token rate "
                f"limit of your current pricing tier. Please retry after {whole_seconds(retry_after_seconds)} seconds."
            )
            reply = error_body(429, "429", message)
            reply.headers["retry-after"] = whole_seconds(retry_after_seconds)
            reply.headers["retry-after-ms"] = f"{retry_after_seconds * 1000:.0f}"
            return reply
        if kind == "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return error_reply(429, message, "insufficient_quota", "insufficient_quota")
        if kind == "unauthorized":
            return _wrong_key()
        if kind == "context_too_long":
            return context_reply(8192, 9000)
        if kind == "content_filter":
            return _filtered()
        return error_body(status, str(status), "The server had an error processing your request. Please retry.")

    def _claude_trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        """Azure's gateway says who may call and how much, Claude the rest."""
        if kind == "throttle":
            message = f"Your requests have exceeded the rate limit. Retry after {whole_seconds(retry_after_seconds)} s."
            reply = error_body(429, "RateLimitReached", message)
            reply.headers["retry-after"] = whole_seconds(retry_after_seconds)
            return reply
        if kind == "context_too_long":
            return anthropic.error(400, "invalid_request_error", "prompt is too long: 9000 tokens > 8192 maximum")
        if kind == "http_error":
            return anthropic.trouble(status)
        if kind == "content_filter":
            body = anthropic.parse_azure(request.body)
            return anthropic.refusal(body.model, stream=bool(body.stream), mark="")
        return self._trouble(kind, status, retry_after_seconds)

    def _route(self, request: Request) -> str | None:
        """The deployment that the path names; None on the v1 path, where the body names it."""
        version = parse_qs(request.query).get("api-version", [""])[0]
        if request.path == "/openai/v1/chat/completions":
            if version not in ("", "preview", "latest", "v1"):
                raise self._refused(error_body(400, "BadRequest", "API version not supported"))
            return None
        found = _DEPLOYMENT.fullmatch(request.path)
        if found is None or not _VERSION.fullmatch(version):
            raise self._refused(error_body(404, "404", "Resource not found"))
        return unquote(found[1])

    def _authenticate(self, request: Request) -> str:
        keys = self._credentials
        given = request.headers.get("api-key")
        if given is None and request.path.startswith(CLAUDE_PATH):
            given = request.headers.get("x-api-key")
        if given is not None:
            if given != keys.azure_key:
                raise self._refused(_wrong_key())
            return "api-key"
        bearer = request.headers.get("authorization", "")
        if bearer == f"Bearer {keys.azure_token}":
            return "entra"
        # The v1 path also takes the key where OpenAI's own client puts it.
        if bearer == f"Bearer {keys.azure_key}" and request.path.startswith("/openai/v1/"):
            return "api-key"
        raise self._refused(_wrong_token() if bearer else _wrong_key())

    def _check_reasoning(self, body: Body, *, sampled: bool) -> None:
        """``sampled``: it does not reason on this request, and takes sampling parameters then."""
        if body.max_tokens is not None:
            message = (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
                "instead."
            )
            raise self._refused(invalid(message, "unsupported_parameter", "max_tokens").reply)
        for name, value, default in (("temperature", body.temperature, 1), ("top_p", body.top_p, 1)):
            if value is not None and value != default and not sampled:
                message = (
                    f"Unsupported value: '{name}' does not support {value:g} with this model. Only the default (1) "
                    "value is supported."
                )
                raise self._refused(invalid(message, "unsupported_value", name).reply)
        for name, given in (
            ("presence_penalty", body.presence_penalty),
            ("frequency_penalty", body.frequency_penalty),
            ("logprobs", body.logprobs and not sampled),
            ("logit_bias", body.logit_bias),
            ("stop", body.stop),
        ):
            if given:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                raise self._refused(invalid(message, "unsupported_parameter", name).reply)

    def _check_forms(self, body: Body, ask: Ask) -> None:
        """Of the words: github.com/ultimatejimmy/xray.koplugin/issues/33 (2026-11)."""
        if ask.json_object and not any("json" in piece.text.lower() for piece in ask.pieces):
            message = (
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
            )
            raise self._refused(invalid(message, None, "messages").reply)
        for i, tool in enumerate(body.tools or ()):
            name, place = tool.function.name, f"tools[{i}].function.name"
            if not _TOOL_NAME.fullmatch(name):
                message = (
                    f"Invalid '{place}': string does not match pattern. Expected a string that matches the pattern "
                )
                raise self._refused(invalid(f"{message}'^[a-zA-Z0-9_-]+$'.", "invalid_value", place).reply)
            if len(name) > TOOL_NAME_MAX:
                message = f"Invalid '{place}': string too long. Expected a string with maximum length {TOOL_NAME_MAX}, "
                told = f"{message}but got a string with length {len(name)} instead."
                raise self._refused(invalid(told, "string_above_max_length", place).reply)
        form = body.response_format
        wanted = form.json_schema if isinstance(form, JsonSchemaFormat) else None
        broken = broken_rule(wanted.schema) if wanted is not None and wanted.strict and wanted.schema else ""
        if wanted is not None and broken:
            message = f"Invalid schema for response_format '{wanted.name}': {broken}"
            raise self._refused(invalid(message, None, "response_format").reply)

    def _refused(self, reply: Reply) -> Refused:
        reply.headers.update(self._headers(""))
        return Refused(reply)

    def _headers(self, deployment: str) -> dict[str, str]:
        headers = {
            "apim-request-id": str(uuid.uuid4()),
            "x-ms-region": REGION_NAMES.get(self._site.region, self._site.region),
            "x-ratelimit-limit-requests": str(LIMIT_REQUESTS),
            "x-ratelimit-remaining-requests": str(LIMIT_REQUESTS - 1),
            "x-ratelimit-limit-tokens": str(LIMIT_TOKENS),
            "x-ratelimit-remaining-tokens": str(LIMIT_TOKENS - 1),
        }
        if deployment:
            headers["x-ms-deployment-name"] = deployment
        return headers


def error_body(status: int, code: str, message: str) -> Reply:
    """Azure's own short error, without OpenAI's type and param."""
    return Reply(status, msgspec.json.encode({"error": {"code": code, "message": message}}), dict(JSON))


def _no_deployment() -> Reply:
    message = (
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again."
    )
    return error_body(404, "DeploymentNotFound", message)


def _wrong_key() -> Reply:
    message = (
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource."
    )
    return error_body(401, "401", message)


def _wrong_token() -> Reply:
    message = (
        "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), "
        "or have expired."
    )
    return error_body(401, "401", message)


def _filtered() -> Reply:
    result = {**_PROMPT_FILTER, "violence": {"filtered": True, "severity": "medium"}}
    message = (
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please "
        "modify your prompt and retry."
    )
    error = {
        "message": message,
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result},
    }
    return Reply(400, msgspec.json.encode({"error": error}), dict(JSON))

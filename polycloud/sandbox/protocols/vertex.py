"""Vertex AI: the paths, tokens and errors around Gemini and Claude.

Sources: recorded traffic; docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference,
.../docs/error-code-429 and cloud.google.com/apis/design/errors (2026-11).
"""

import re
from urllib.parse import parse_qs, unquote

import msgspec

from polycloud.sandbox.credentials import Credentials
from polycloud.sandbox.protocols import anthropic, gemini
from polycloud.sandbox.protocols.common import Call, Mistake, Refused, Trouble, mistake
from polycloud.sandbox.protocols.google_token import TokenDesk
from polycloud.sandbox.spec import SiteSpec
from polycloud.sandbox.wire import Reply, Request

# They have hosts of their own at Google; here the listener of any region stands in for them.
MULTI_REGIONS = ("global", "us", "eu")
_PATH = re.compile(
    r"/v1(?:beta1)?/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/publishers/(?P<publisher>google|anthropic)"
    r"/models/(?P<model>[^/:]+):(?P<method>\w+)"
)
_METHODS = {"google": ("generateContent", "streamGenerateContent"), "anthropic": ("rawPredict", "streamRawPredict")}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES = {"int": "TYPE_INT32", "str": "TYPE_STRING", "bool": "TYPE_BOOL", "float": "TYPE_FLOAT"}


def error(status: int, message: str, details: list[dict[str, object]] | None = None) -> Reply:
    """Google's error body."""
    body: dict[str, object] = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
    if details:
        body["details"] = details
    return Reply(status, msgspec.json.encode({"error": body}), {"content-type": gemini.JSON_TYPE})


class Vertex:
    """One location's ``aiplatform`` endpoint, and the token endpoint beside it."""

    def __init__(self, site: SiteSpec, credentials: Credentials, desk: TokenDesk) -> None:
        self._site, self._desk = site, desk
        self._email = credentials.gcp_email

    def read(self, request: Request) -> Call | Reply:
        """Raises Refused."""
        if request.path == "/token" and request.method == "POST":
            return self._desk.issue(request)
        self._authenticate(request)
        found = _PATH.fullmatch(unquote(request.path))
        if found is None or request.method != "POST" or found["method"] not in _METHODS[found["publisher"]]:
            raise Refused(
                Reply(404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", {"content-type": "text/html"})
            )
        if self._site.project and found["project"] != self._site.project:
            message = (
                f"Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/projects/"
                f"{found['project']}/locations/{found['location']}' (or it may not exist)."
            )
            raise Refused(error(403, message))
        if found["location"] not in (self._site.region, *MULTI_REGIONS):
            message = f"The location {found['location']!r} of the resource does not match the endpoint's location."
            raise Refused(error(400, message))
        model = found["model"]
        if model not in self._site.models:
            raise Refused(error(404, _unknown_model(found)))
        if found["publisher"] == "anthropic":
            return self._claude(request, model, found["method"] == "streamRawPredict")
        return self._gemini(request, model, found["method"] == "streamGenerateContent")

    def invalid(self, request: Request, message: str) -> Reply:
        if "/publishers/anthropic/" in request.path:
            return anthropic.invalid(message).reply
        return error(400, message)

    def trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        found = _PATH.fullmatch(unquote(request.path))
        model = found["model"] if found else ""
        is_claude = found is not None and found["publisher"] == "anthropic"
        if kind == "throttle":
            retry: dict[str, object] = {
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": f"{retry_after_seconds:g}s",
            }
            message = (
                "Resource exhausted. Please try again later. Please refer to https://cloud.google.com/vertex-ai/"
                "generative-ai/docs/error-code-429 for more details."
            )
            return error(429, message, [retry])
        if kind == "quota":
            return _quota(model, is_claude)
        if kind == "unauthorized":
            return _unauthenticated("Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if kind == "content_filter":
            return _filtered(request, model, is_claude)
        if is_claude:
            if kind == "context_too_long":
                return anthropic.error(400, "invalid_request_error", "prompt is too long: 9000 tokens > 8192 maximum")
            return anthropic.trouble(status)
        if kind == "context_too_long":
            message = "The input token count (9000) exceeds the maximum number of tokens allowed (8192)."
            return error(400, message)
        return error(
            status, "The service is currently unavailable." if status == 503 else "Internal error encountered."
        )

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not given:
            raise Refused(
                _unauthenticated("Request is missing required authentication credential.", "CREDENTIALS_MISSING")
            )
        if not given.startswith("Bearer ") or not self._desk.good(given.removeprefix("Bearer ")):
            message = "Request had invalid authentication credentials."
            raise Refused(_unauthenticated(message, "ACCESS_TOKEN_TYPE_UNSUPPORTED"))

    def _gemini(self, request: Request, model: str, stream: bool) -> Call:
        try:
            body = gemini.decode(request.body)
        except msgspec.ValidationError as wrong:
            raise Refused(error(400, _wording(mistake(wrong)))) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = "Invalid JSON payload received. Unexpected token."
            raise Refused(error(400, message)) from None
        complaint = gemini.complaint(body, model, stream)
        if complaint:
            raise Refused(error(400, complaint))
        writer = gemini.GeminiWriter(model, parse_qs(request.query).get("alt", [""])[0] == "sse")
        ask, count = gemini.ask_of(body), gemini.candidates(body)
        return Call(ask=ask, model=model, key=self._email, stream=stream, writer=writer, choices=count)

    def _claude(self, request: Request, model: str, stream: bool) -> Call:
        body = anthropic.parse(request.body)
        if bool(body.stream) != stream:
            raise anthropic.invalid("stream: must be true on streamRawPredict and absent or false on rawPredict")
        omits = body.thinking is not None and body.thinking.get("display") == "omitted"
        writer = anthropic.MessagesWriter(model, omits_thinking=omits)
        ask = anthropic.ask_of(body)
        return Call(ask=ask, model=model, key=self._email, stream=stream, writer=writer, explicit_cache=True)


def _wording(found: Mistake) -> str:
    at = gemini.snake(found.place)
    if found.kind == "unknown":
        where = f" at '{at}'" if at else ""
        return f'Invalid JSON payload received. Unknown name "{found.name}"{where}: Cannot find field.'
    if found.kind == "missing":
        return f"Unable to submit request because it must include the field '{found.path}'."
    if found.kind == "type":
        wanted = next((w.strip() for w in found.wanted.split("|") if w.strip() != "null"), "value")
        return f"Invalid value at '{at}' ({_TYPES.get(wanted, wanted)}), got {found.got}"
    return f"Invalid value at '{at}': {found.text}"


def _unknown_model(found: re.Match[str]) -> str:
    name = (
        f"projects/{found['project']}/locations/{found['location']}/publishers/{found['publisher']}/models/"
        f"{found['model']}"
    )
    return (
        f"Publisher Model `{name}` was not found or your project does not have access to it. Please ensure you "
        f"are using "
        "a valid model version. For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/"
        "model-versions"
    )


def _unauthenticated(message: str, reason: str) -> Reply:
    text = (
        f"{message} Expected OAuth 2 access token, login cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    detail: dict[str, object] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "aiplatform.googleapis.com"},
    }
    reply = error(401, text, [detail])
    reply.headers["www-authenticate"] = 'Bearer realm="https://accounts.google.com/"'
    return reply


def _quota(model: str, is_claude: bool) -> Reply:
    metric = (
        "online_prediction_requests_per_base_model"
        if is_claude
        else "generate_content_requests_per_day_per_project_per_base_model"
    )
    message = (
        f"Quota exceeded for aiplatform.googleapis.com/{metric} with base model: {model}. Please submit a quota "
        f"increase "
        "request. https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai."
    )
    violation = {"subject": f"base_model:{model}", "description": message}
    return error(429, message, [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}])


def _filtered(request: Request, model: str, is_claude: bool) -> Reply:
    """Both answer 200: Gemini names the reason for which it blocked the prompt, Claude refuses."""
    if is_claude:
        return anthropic.refusal(model, stream=":stream" in request.path)
    body = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"trafficType": "ON_DEMAND"},
        "modelVersion": model,
        "responseId": "simulated",
    }
    raw = msgspec.json.encode(body)
    if ":stream" not in request.path:
        return Reply(200, raw, {"content-type": gemini.JSON_TYPE})
    if "alt=sse" in request.query:
        return Reply(200, b"data: " + raw + b"\r\n\r\n", {"content-type": "text/event-stream"})
    return Reply(200, b"[" + raw + b"\n]\n", {"content-type": gemini.JSON_TYPE})

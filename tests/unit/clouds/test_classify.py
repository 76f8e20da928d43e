"""Golden table: what each provider says, and the class it means.

Texts marked # seen are quoted from public issue threads and recordings; the others are made from the
vendors' published schemas.
"""

import json

import pytest

from polycloud.clouds.aws.models import AwsModels
from polycloud.clouds.azure.models import AzureModels
from polycloud.clouds.gcp.models import GcpModels
from polycloud.clouds.oci.models import OciModels
from polycloud.clouds.onprem.models import OnpremModels
from polycloud.core.errors import (
    CloudError,
    ContentFiltered,
    ContextTooLong,
    NotFound,
    QuotaSpent,
    Rejected,
    Throttled,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from polycloud.core.ports.models import ModelPort, Upstream


def kind_of(port: ModelPort, cloud: str, dialect: str, status: int, headers: dict[str, str], body: object) -> object:
    upstream = Upstream(cloud, "r-1", "https://h.example", "m", dialect)
    return type(port.classify(upstream, status, headers, json.dumps(body).encode()))


VALIDATION = "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/"
AWS: list[tuple[int, str, str, type[CloudError]]] = [
    (429, "ThrottlingException", "Too many tokens, please wait before trying again.", Throttled),
    (429, "ThrottlingException", "Too many requests, please wait before trying again.", Throttled),
    (429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", QuotaSpent),
    (429, "ModelNotReadyException", "The model is not ready for inference.", Throttled),
    (400, "ServiceQuotaExceededException", "You have exceeded a service quota.", QuotaSpent),
    (408, "ModelTimeoutException", "The model timed out.", TimedOut),
    (424, "ModelErrorException", "The model failed.", Unavailable),
    (503, "ServiceUnavailableException", "Bedrock is unable to process your request.", Unavailable),
    (500, "InternalServerException", "The system encountered an unexpected error.", Unavailable),
    (403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", Unauthorized),
    (403, "UnrecognizedClientException", "The security token included in the request is invalid.", Unauthorized),
    (403, "ExpiredTokenException", "The security token included in the request is expired", Unauthorized),
    (400, "ExpiredTokenException", "The security token included in the request is expired", Unauthorized),
    (403, "InvalidSignatureException", "Signature expired", Unauthorized),
    (404, "ResourceNotFoundException", "Could not resolve the foundation model.", NotFound),
    (400, VALIDATION, "The provided model identifier is invalid.", NotFound),  # seen
    (
        400,
        VALIDATION,
        "Invocation of model ID m with on-demand throughput isn’t supported. Retry with an inference profile.",
        NotFound,
    ),
    (400, VALIDATION, "Malformed input request: #/messages/2: extraneous key", Rejected),
    (400, VALIDATION, "This model doesn't support the s3Uri field. Remove s3Uri and try again.", Rejected),  # seen
    (400, VALIDATION, "Input is too long for requested model.", ContextTooLong),  # seen
    (
        400,
        VALIDATION,
        "The model returned the following errors: prompt is too long: 227255 tokens > 200000 maximum",  # seen
        ContextTooLong,
    ),
    (
        400,
        VALIDATION,
        "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum",
        ContextTooLong,
    ),
    (400, VALIDATION, "Too many input tokens. Max input tokens: 8192, request input token count: 9000", ContextTooLong),
    (
        400,
        VALIDATION,
        "The maximum tokens you requested exceeds the model limit of 8192. Try again with a lower value.",
        Rejected,
    ),
    (400, VALIDATION, "Output blocked by content filtering policy", ContentFiltered),
]


@pytest.mark.parametrize(("status", "name", "message", "kind"), AWS)
def test_aws(status: int, name: str, message: str, kind: type[CloudError]) -> None:
    headers = {"x-amzn-errortype": name}
    assert kind_of(AwsModels(), "aws", "bedrock_converse", status, headers, {"message": message}) is kind


def test_aws_front_ends_name_the_error_in_the_body() -> None:
    body = {"__type": "com.amazon.coral.service#UnrecognizedClientException", "message": "invalid token"}
    assert kind_of(AwsModels(), "aws", "bedrock_converse", 400, {}, body) is Unauthorized


SPOKEN_TO = "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21"
OPENAI: list[tuple[int, object, type[CloudError]]] = [
    (401, {"code": "401", "message": "Access denied due to invalid subscription key"}, Unauthorized),
    (401, {"code": "invalid_api_key", "type": "invalid_request_error", "message": "Incorrect key"}, Unauthorized),
    (403, {"code": "PermissionDenied", "message": "The principal lacks the required data action"}, Unauthorized),
    (404, {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}, NotFound),
    (404, {"code": "404", "message": "Resource not found"}, NotFound),
    (400, {"code": "model_not_found", "type": "invalid_request_error", "message": "does not exist"}, NotFound),  # seen
    (429, {"code": "429", "message": SPOKEN_TO + " have exceeded token rate limit of your tier."}, Throttled),
    (429, {"code": "NoCapacity", "message": "The system is currently experiencing high demand"}, Throttled),
    (429, {"code": "rate_limit_exceeded", "type": "tokens", "message": "Rate limit reached (TPM): 10000"}, Throttled),
    (429, {"code": "insufficient_quota", "message": "You exceeded your current quota, please check"}, QuotaSpent),
    (429, {"code": "billing_hard_limit_reached", "message": "Billing hard limit has been reached"}, QuotaSpent),
    (
        400,
        {
            "code": "content_filter",
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
            "message": "The response was filtered due to the prompt triggering the content management policy.",
        },
        ContentFiltered,
    ),
    (400, {"code": None, "message": "The prompt triggers Azure OpenAI's content management policy"}, ContentFiltered),
    (400, {"code": "content_policy_violation", "message": "rejected by our safety system"}, ContentFiltered),
    (
        400,
        {
            "code": "context_length_exceeded",
            "message": "This model's maximum context length is 4097 tokens. However, you sent 4294 tokens.",
        },
        ContextTooLong,
    ),
    (400, {"code": None, "message": "Input tokens exceed the configured limit of 272000 tokens."}, ContextTooLong),
    (400, {"code": None, "message": "Your input exceeds the context window of this model."}, ContextTooLong),
    (400, {"code": "unsupported_value", "message": "'messages[0].role' does not support 'system'"}, Rejected),  # seen
    (400, {"code": "string_above_max_length", "message": "Invalid 'messages[0].name': string too long"}, Rejected),
    (400, {"code": "unsupported_parameter", "message": "Unsupported parameter: 'content_filter'"}, Rejected),
    (408, {"code": "Timeout", "message": "The operation was timeout."}, TimedOut),
    (500, {"code": "InternalServerError", "message": "Backend returned unexpected response."}, Unavailable),
    (503, {"code": "503", "message": "The service is temporarily unable to process your request."}, Unavailable),
]


@pytest.mark.parametrize(("status", "error", "kind"), OPENAI)
def test_azure_and_own_servers_share_a_form(status: int, error: object, kind: type[CloudError]) -> None:
    for port, cloud in ((AzureModels(), "azure"), (OnpremModels(), "onprem")):
        assert kind_of(port, cloud, "openai_chat", status, {}, {"error": error}) is kind


def test_azure_provisioned_throughput_is_full() -> None:
    upstream = Upstream("azure", "westeurope", "https://r.openai.azure.com", "gpt-4o", "openai_chat")
    headers = {"retry-after-ms": "1250", "retry-after": "1"}
    error = AzureModels().classify(upstream, 429, headers, b'{"error":{"code":"429","message":"PTU is full"}}')
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 1.25
    assert error.message == (
        "azure/westeurope gpt-4o answered 429: PTU is full; try again later, or add capacity elsewhere"
    )


OWN: list[tuple[int, object, type[CloudError]]] = [
    (
        400,  # vLLM before 0.10: flat
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        ContextTooLong,
    ),
    (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError"}, NotFound),
    (401, {"error": "Unauthorized"}, Unauthorized),
    (
        400,  # SGLang
        {
            "object": "error",
            "message": "The input (8192 tokens) is longer than the model's context length (4096 tokens).",
        },
        ContextTooLong,
    ),
    (
        400,  # llama.cpp
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
            }
        },
        ContextTooLong,
    ),
    (
        500,
        {"error": {"code": 500, "message": "Context size has been exceeded.", "type": "server_error"}},
        ContextTooLong,
    ),
    (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, Unavailable),
    (
        422,  # TGI
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
            "error_type": "validation",
        },
        ContextTooLong,
    ),
    (429, {"error": "Model is overloaded", "error_type": "overloaded"}, Throttled),
    (424, {"error": "Request failed during generation", "error_type": "generation"}, Unavailable),
    (422, {"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}, Rejected),
    (404, {"detail": "Not Found"}, NotFound),
    (404, {"error": "model 'x' not found, try pulling it first"}, NotFound),
]


@pytest.mark.parametrize(("status", "body", "kind"), OWN)
def test_own_servers(status: int, body: object, kind: type[CloudError]) -> None:
    assert kind_of(OnpremModels(), "onprem", "openai_chat", status, {}, body) is kind


def rpc(kind: str, **fields: object) -> dict[str, object]:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}"} | fields


GOOGLE: list[tuple[int, str, str, list[object], type[CloudError]]] = [
    (429, "RESOURCE_EXHAUSTED", "Resource exhausted, please try again later.", [], Throttled),
    (429, "RESOURCE_EXHAUSTED", "Too many requests. Exceeded the Provisioned Throughput.", [], Throttled),
    (429, "RESOURCE_EXHAUSTED", "Quota exceeded for generate_content_requests_per_minute", [], Throttled),
    (429, "RESOURCE_EXHAUSTED", "Quota exceeded for generate_content_requests_per_day_per_project", [], QuotaSpent),
    (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", [], QuotaSpent),
    (429, "RESOURCE_EXHAUSTED", "Your project has exceeded its monthly spending cap.", [], QuotaSpent),
    (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan.",
        [rpc("RetryInfo", retryDelay="32s")],
        Throttled,
    ),
    (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", [], Unauthorized),
    (403, "PERMISSION_DENIED", "Permission 'aiplatform.endpoints.predict' denied", [], Unauthorized),
    (403, "PERMISSION_DENIED", "Billing is off", [rpc("ErrorInfo", reason="BILLING_DISABLED")], QuotaSpent),
    (400, "INVALID_ARGUMENT", "API key not valid.", [rpc("ErrorInfo", reason="API_KEY_INVALID")], Unauthorized),
    (404, "NOT_FOUND", "Publisher Model `x` was not found or your project does not have access to it.", [], NotFound),
    (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        [],
        ContextTooLong,
    ),
    (
        400,
        "INVALID_ARGUMENT",
        "Unable to submit request because the input token count is 40000 but the model only supports up to 32768.",
        [],
        ContextTooLong,
    ),
    (400, "INVALID_ARGUMENT", "Invalid value at 'contents[0].parts'", [], Rejected),
    (400, "FAILED_PRECONDITION", "The model does not support this setting", [], Rejected),
    (499, "CANCELLED", "The operation was cancelled.", [], Unavailable),
    (500, "INTERNAL", "Internal error encountered.", [], Unavailable),
    (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", [], Unavailable),
    (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.", [], TimedOut),
]


@pytest.mark.parametrize(("status", "name", "message", "details", "kind"), GOOGLE)
def test_google(status: int, name: str, message: str, details: list[object], kind: type[CloudError]) -> None:
    body = {"error": {"code": status, "message": message, "status": name, "details": details}}
    for answer in (body, [body]):  # streams wrap it in a list
        for dialect in ("gemini", "anthropic_messages"):
            assert kind_of(GcpModels(), "gcp", dialect, status, {}, answer) is kind


def test_google_says_how_long_to_wait_in_the_body() -> None:
    upstream = Upstream("gcp", "r-1", "https://h.example", "m", "gemini")
    body = {
        "error": {"status": "RESOURCE_EXHAUSTED", "message": "later", "details": [rpc("RetryInfo", retryDelay="2.5s")]}
    }
    error = GcpModels().classify(upstream, 429, {}, json.dumps(body).encode())
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == 2.5


ANTHROPIC: list[tuple[int, str, str, type[CloudError]]] = [
    (400, "invalid_request_error", "prompt is too long: 205000 tokens > 200000 maximum", ContextTooLong),
    (
        400,
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 198214 + 8192 > 200000, decrease input length",  # seen
        ContextTooLong,
    ),
    (400, "invalid_request_error", "max_tokens: 100000 > 64000, which is the maximum allowed", Rejected),
    (400, "invalid_request_error", "This model does not support effort level 'xhigh'.", Rejected),  # seen
    (400, "invalid_request_error", "Your credit balance is too low to access the API", QuotaSpent),
    (400, "invalid_request_error", "You have reached your specified API usage limits.", QuotaSpent),
    (400, "invalid_request_error", "Output blocked by content filtering policy", ContentFiltered),
    (401, "authentication_error", "invalid x-api-key", Unauthorized),
    (402, "billing_error", "payment required", QuotaSpent),
    (403, "permission_error", "not allowed", Unauthorized),
    (404, "not_found_error", "model: claude-sonet-4-5", NotFound),  # seen
    (413, "request_too_large", "Request exceeds the maximum size", Rejected),
    (429, "rate_limit_error", "This request would exceed the rate limit of input tokens per minute", Throttled),
    (500, "api_error", "Internal server error", Unavailable),
    (504, "timeout_error", "timed out", TimedOut),
    (529, "overloaded_error", "Overloaded", Unavailable),
    (429, "overloaded_error", "Overloaded", Unavailable),  # the name says more than the status
]


@pytest.mark.parametrize(("status", "name", "message", "kind"), ANTHROPIC)
def test_anthropic_on_vertex_and_azure(status: int, name: str, message: str, kind: type[CloudError]) -> None:
    body = {"type": "error", "error": {"type": name, "message": message}, "request_id": "req_vrtx_1"}
    assert kind_of(GcpModels(), "gcp", "anthropic_messages", status, {}, body) is kind
    assert kind_of(AzureModels(), "azure", "anthropic_messages", status, {}, body) is kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, "DeploymentNotFound", NotFound), (401, "401", Unauthorized), (429, "RateLimitReached", Throttled)],
)
def test_azure_answers_for_itself_in_front_of_claude(status: int, code: str, kind: type[CloudError]) -> None:
    body = {"error": {"code": code, "message": "no"}}
    assert kind_of(AzureModels(), "azure", "anthropic_messages", status, {}, body) is kind


def test_anthropic_spend_limit_is_not_a_rate_limit() -> None:
    error = {"type": "rate_limit_error", "message": "no", "details": {"error_code": "enforced_spend_limit_reached"}}
    body = {"type": "error", "error": error}
    assert kind_of(GcpModels(), "gcp", "anthropic_messages", 429, {}, body) is QuotaSpent


OCI: list[tuple[int, str, str, type[CloudError]]] = [
    (401, "NotAuthenticated", "The required information to complete authentication was not provided.", Unauthorized),
    (403, "NotAllowed", "Operation not allowed", Unauthorized),
    (404, "NotAuthorizedOrNotFound", "Authorization failed or requested resource not found.", NotFound),
    (400, "RelatedResourceNotAuthorizedOrNotFound", "Compartment not found", NotFound),
    (429, "TooManyRequests", "Too many requests for the user", Throttled),
    (400, "LimitExceeded", "The limit was exceeded", QuotaSpent),
    (400, "QuotaExceeded", "The compartment's quota was exceeded", QuotaSpent),
    (400, "InvalidParameter", "maxTokens must be positive", Rejected),
    (400, "400", "Invalid 'maxTokens': Unsupported parameter: 'maxTokens' is not supported with this model.", Rejected),
    (400, "400", "Inappropriate output content detected in output blocklist", ContentFiltered),  # seen
    (400, "400", "Inappropriate content detected!!!", ContentFiltered),
    (400, "400", "too many tokens: total number of tokens in the prompt cannot exceed 4081", ContextTooLong),
    (
        400,
        "400",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        ContextTooLong,
    ),
    (409, "IncorrectState", "The endpoint is being updated", Unavailable),
    (500, "InternalServerError", "Out of host capacity", Unavailable),
    (503, "ServiceUnavailable", "The service is unavailable", Unavailable),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), OCI)
def test_oci(status: int, code: str, message: str, kind: type[CloudError]) -> None:
    body = {"code": code, "message": message}
    assert kind_of(OciModels(), "oci", "oci_generic", status, {"opc-request-id": "x"}, body) is kind


def test_the_message_is_one_short_line() -> None:
    upstream = Upstream("oci", "r-1", "https://h.example", "m", "oci_generic")
    said = "line one\r\nline two\u2028\x1b[31m" + "x" * 10_000
    error = OciModels().classify(upstream, 400, {}, json.dumps({"code": "InvalidParameter", "message": said}).encode())
    assert "line one line two" in error.message
    assert error.message.isprintable()
    assert len(error.message) < 450

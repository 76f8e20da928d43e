"""What Bedrock's Converse refuses, and in which words.

Sources: the service model of botocore 1.44.5, recorded traffic, and
docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html (2026-11).
"""

import re
import uuid
from typing import Literal

import msgspec

from polycloud.sandbox.ask import Ask
from polycloud.sandbox.protocols import claude
from polycloud.sandbox.protocols.bedrock_body import Converse, members
from polycloud.sandbox.protocols.common import Refused, mistake
from polycloud.sandbox.wire import Reply

_CLAUDE_FIELDS = {"thinking", "top_k", "tool_choice", "anthropic_beta", "output_config", "context_management"}
_NOVA_FIELDS = {"inferenceConfig", "reasoningConfig"}


def error(status: int, kind: str, message: str) -> Reply:
    headers = {
        "content-type": "application/json",
        "x-amzn-requestid": str(uuid.uuid4()),
        "x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/",
    }
    return Reply(status, msgspec.json.encode({"message": message}), headers)


def invalid(message: str) -> Refused:
    return Refused(error(400, "ValidationException", message))


def parse(raw: bytes, model: str) -> Converse:
    """Raises Refused."""
    try:
        body = _BODY.decode(raw)
    except msgspec.ValidationError as wrong:
        found = mistake(wrong)
        place = found.path.replace("[", ".").replace("]", "") or "body"
        if found.kind == "missing":
            constraint = "Member must not be null"
            message = f"1 validation error detected: Value null at '{place}' failed to satisfy constraint: {constraint}"
            raise invalid(message) from None
        if found.kind == "unknown":
            message = (
                f"Malformed input request: extraneous key [{found.name}] is not permitted, please reformat "
                f"your input and try again."
            )
            raise invalid(message) from None
        raise invalid(f"The value at {place} is of the wrong kind: {found.text}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(error(400, "SerializationException", "The request body is not valid JSON.")) from None
    _check(body, model)
    return body


def _check(body: Converse, model: str) -> None:
    """The rules of the API that its types do not say, in its own words where they are known."""
    # Claude takes a conversation that the assistant began (recorded traffic).
    if not body.messages or (body.messages[0].role != "user" and not claude.is_claude(model)):
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for i, message in enumerate(body.messages):
        if i and message.role == body.messages[i - 1].role:
            raise invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
        if not message.content:
            raise invalid(
                f"The content field in the Message object at messages.{i} is empty. Add a ContentBlock object to the "
                "content field and try again."
            )
        for j, block in enumerate(message.content):
            if len(members(block)) != 1:
                raise invalid(f"The ContentBlock object at messages.{i}.content.{j} must set exactly one member.")
            # White space beside other content passes (recorded traffic).
            alone = len(message.content) == 1
            if block.text == "" or (block.text is not None and alone and not block.text.strip()):
                raise invalid(
                    f"The text field in the ContentBlock object at messages.{i}.content.{j} is blank. Add text to the "
                    "text field, and try again."
                )
    for i, system in enumerate(body.system or ()):
        if len(members(system)) != 1 or system.text == "":
            raise invalid(
                f"The SystemContentBlock object at system.{i} must set exactly one member, and no blank text."
            )
    _check_ranges(body)
    _check_tools(body)


def _check_ranges(body: Converse) -> None:
    inference = body.inference_config
    if inference is None:
        return
    for name, value, low, high in (
        ("maxTokens", inference.max_tokens, 1, None),
        ("temperature", inference.temperature, 0, 1),
        ("topP", inference.top_p, 0, 1),
    ):
        if value is None:
            continue
        if value < low or (high is not None and value > high):
            bound = f"greater than or equal to {low}" if value < low else f"less than or equal to {high}"
            raise invalid(
                f"1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to satisfy "
                f"constraint: "
                f"Member must have value {bound}"
            )


def _check_tools(body: Converse) -> None:
    config = body.tool_config
    if config is not None:
        if not config.tools:
            raise invalid(
                "1 validation error detected: Value '[]' at 'toolConfig.tools' failed to satisfy constraint: "
                "Member must "
                "have length greater than or equal to 1"
            )
        for i, entry in enumerate(config.tools):
            spec = entry.tool_spec
            if len(members(entry)) != 1:
                raise invalid(f"The Tool object at toolConfig.tools.{i} must set exactly one member.")
            if spec is not None and not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", spec.name):
                raise invalid(
                    f"1 validation error detected: Value '{spec.name}' at 'toolConfig.tools.{i}.member.toolSpec.name' "
                    "failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"
                )
            if spec is not None and spec.description == "":
                raise invalid(f"The description at toolConfig.tools.{i}.toolSpec is blank.")
            if spec is not None and spec.input_schema.json.get("type") != "object":
                raise invalid(
                    f"The value at toolConfig.tools.{i}.toolSpec.inputSchema.json.type must be one of the following: "
                    "object."
                )
        if config.tool_choice is not None and len(members(config.tool_choice)) != 1:
            raise invalid("The ToolChoice object at toolConfig.toolChoice must set exactly one member.")
    waiting: list[str] = []
    for i, message in enumerate(body.messages):
        uses = [b.tool_use.tool_use_id for b in message.content if b.tool_use is not None]
        results = [b.tool_result.tool_use_id for b in message.content if b.tool_result is not None]
        if (uses or results) and config is None:
            raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        missing = [u for u in waiting if u not in results]
        if missing:
            raise invalid(
                f"Expected toolResult blocks at messages.{i}.content for the following Ids: {', '.join(missing)}"
            )
        if len(results) > len(waiting):
            raise invalid(
                f"The number of toolResult blocks at messages.{i}.content exceeds the number of toolUse blocks of "
                "previous turn."
            )
        waiting = uses
    if waiting:
        at, ids = len(body.messages), ", ".join(waiting)
        raise invalid(f"Expected toolResult blocks at messages.{at}.content for the following Ids: {ids}")


class OwnChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Claude's own ``tool_choice``, which Bedrock merges into what Converse made of the request."""

    type: Literal["auto", "any", "tool", "none"] | None = None
    name: str | None = None
    disable_parallel_tool_use: bool = False


def read_own_choice(body: Converse, ask: Ask, model: str) -> None:
    """Claude's own choice of tools into ``ask``. Raises Refused.

    Source: real answers quoted in github.com/BerriAI/litellm/issues/36536 and pull/34347 (2026-11).
    """
    fields = body.additional_model_request_fields or {}
    if "tool_choice" not in fields or not claude.is_claude(model):
        return
    try:
        own = msgspec.convert(fields["tool_choice"], OwnChoice)
    except msgspec.ValidationError as wrong:
        raise invalid(f"The model returned the following errors: tool_choice: {wrong}") from None
    config = body.tool_config
    if config is not None and config.tool_choice is not None:
        if own.type is not None:
            raise invalid(
                "The additional field tool_choice/type conflicts with the existing field "
                f"toolConfig.toolChoice.{members(config.tool_choice)[0]}. Remove tool_choice/type and try again."
            )
    elif own.type is None:
        raise invalid("The model returned the following errors: tool_choice.type: Field required")
    elif config is None:
        raise invalid(
            "The model returned the following errors: tool_choice: may only be specified while providing tools"
        )
    elif own.type == "tool":
        ask.choice, ask.choice_name = "named", own.name or ""
    elif own.type != "auto":
        ask.choice = "required" if own.type == "any" else "none"
    ask.parallel = not own.disable_parallel_tool_use


def read_thinking(body: Converse, ask: Ask, model: str) -> None:
    fields = body.additional_model_request_fields or {}
    if claude.is_claude(model):
        _only(fields, _CLAUDE_FIELDS, "The model returned the following errors: {}: Extra inputs are not permitted")
        complaint = claude.signature_complaint(_shown(body))
        stops = body.inference_config.stop_sequences if body.inference_config else None
        complaint = complaint or claude.stop_complaint(stops or [])
        if not complaint and "thinking" in fields:
            inference = body.inference_config
            complaint = claude.thinking_complaint(
                fields["thinking"],
                inference.max_tokens if inference else None,
                inference.temperature if inference else None,
                ask.choice in ("required", "named"),
                _opens_with_thinking(body),
            )
        if complaint:
            raise invalid(f"The model returned the following errors: {complaint}")
        ask.thinking = claude.thinks(fields.get("thinking"))
        return
    if "nova" in model:
        text = (
            "Malformed input request: extraneous key [{}] is not permitted, please reformat your input and try again."
        )
        _only(fields, _NOVA_FIELDS, text)
    config = fields.get("reasoningConfig")
    if isinstance(config, dict) and config.get("type") == "enabled":
        ask.thinking = claude.THOUGHT_TOKENS
    if fields.get("reasoning_effort") not in (None, "none"):
        ask.thinking = claude.THOUGHT_TOKENS


def _only(fields: dict[str, object], allowed: set[str], text: str) -> None:
    for name in fields:
        if name not in allowed:
            raise invalid(text.format(name))


def _shown(body: Converse) -> list[claude.Shown]:
    shown = []
    for i, message in enumerate(body.messages):
        for j, block in enumerate(message.content):
            text = block.reasoning_content.reasoning_text if block.reasoning_content else None
            if text is not None:
                shown.append(claude.Shown(f"messages.{i}.content.{j}", text.text, text.signature or ""))
    return shown


def _opens_with_thinking(body: Converse) -> bool:
    last = body.messages[-1]
    if not any(b.tool_result is not None for b in last.content):
        return True
    return body.messages[-2].content[0].reasoning_content is not None


def read_schema(body: Converse, ask: Ask) -> None:
    form = body.output_config.text_format if body.output_config else None
    if form is None:
        return
    try:
        schema = msgspec.json.decode(form.structure.json_schema.schema)
    except msgspec.DecodeError:
        schema = None
    if not isinstance(schema, dict):
        raise invalid("The schema at outputConfig.textFormat.structure.jsonSchema.schema is not valid JSON.")
    ask.schema = schema


_BODY = msgspec.json.Decoder(Converse)

"""What the generated reference says in words: errors, headers and record fields, by name.

The names come from the code; a name without a text here, or a text without a name, stops the build.
"""

from typing import NamedTuple


class Advice(NamedTuple):
    """What an error code means, and what the person who meets it can do."""

    means: str
    do: str


ERRORS: dict[str, Advice] = {
    "no_plan": Advice(
        "`polycloud place` found no plan: either none keeps every rule, and the statements that conflict are named "
        "with their lines, or none was found in the time given.",
        "Relax one of the statements named: none of them is superfluous. If time ran out, allow more with `--seconds`.",
    ),
    "internal": Advice(
        "A defect of polycloud itself: no other code fits.",
        "Report it with the request id of the answer and the lines that the control process logged around it.",
    ),
    "estate_invalid": Advice(
        "The estate has errors. Nothing was changed: the estate that was in force before stays in force.",
        "Run `polycloud check`; it names every finding with file, line, column and the fix. The codes of single "
        "findings are listed below.",
    ),
    "usage_unreadable": Advice(
        "`polycloud commit` can not read the usage file at all: it is neither CSV nor Parquet, or pyarrow, which reads "
        "Parquet, is not installed.",
        "Give a .csv file, or install pyarrow with `pip install pyarrow`.",
    ),
    "settings_invalid": Advice(
        "An option or an environment variable of the process can not be used.",
        "The message names it and says what to write.",
    ),
    "bad_request": Advice(
        "The request is malformed: not JSON, a wrong type, a missing field, an unknown data class or region.",
        "Correct the request; `param` names the field where there is one. It will fail the same way again.",
    ),
    "key_refused": Advice(
        "No key was sent, or it is unknown, revoked or expired, or two different keys were sent.",
        "Send `authorization: Bearer KEY` or `x-api-key: KEY`. The key `pk-demo` works only while every cloud of the "
        "estate is simulated and the gateway listens on the loopback address.",
    ),
    "policy_denied": Advice(
        "No deployment may serve the request. The message names the rule that left none: a data class, the key, the "
        "route, a quality floor, or the route's cap on cost.",
        "Send `x-polycloud-explain: 1`, or run `polycloud explain request`, to see the verdict on every deployment. "
        "Either the request belongs to another class, or the estate needs a deployment where the class may be.",
    ),
    "model_unknown": Advice(
        "No model, alias or tier has this name, or the path asks for one that this key may not see.",
        "`GET /v1/models` lists the names that the key may use; the message suggests similar ones.",
    ),
    "too_large": Advice(
        "The request is larger than the gateway reads: 32 MiB for a body.",
        "Make the request smaller.",
    ),
    "unsupported": Advice(
        "No deployment that the request may use can do all that it asks (tools, JSON schema, images and the like), or "
        "the route refuses rather than send it elsewhere.",
        "Leave the feature out, add a deployment that has it, or set the route's `unsupported` to `reroute` or "
        "`degrade`. See [capabilities](capabilities.md).",
    ),
    "rate_limited": Advice(
        "The key or its team has used up its requests per minute.",
        "Wait for `retry-after`, or raise the rate of the key or of the team in the estate.",
    ),
    "provider_error": Advice(
        "A provider failed in a way that fits no other code.",
        "The message holds what the provider said. Other targets were tried first where the route allows it.",
    ),
    "provider_unauthorized": Advice(
        "The provider refused our credential, or there is none yet. The breaker of that deployment opens at once.",
        "Check the credential of that cloud in the environment of the control process; "
        "see [connect a real cloud](../howto/connect-a-cloud.md).",
    ),
    "provider_not_found": Advice(
        "The provider knows no model or deployment of that name in that region.",
        "Check `model`, `upstream` and `profile` of the deployment in the estate, and that the account has access.",
    ),
    "provider_throttled": Advice(
        "The provider throttles. The deployment is left alone for as long as the provider asked, 60 s at most.",
        "Nothing, if another target answered. Else wait for `retry-after`, add targets, or ask for more quota.",
    ),
    "provider_quota_spent": Advice(
        "An account, quota or spending limit at the provider is used up. It is not tried again there for this request.",
        "Raise the limit at the provider, or drain the site until it is raised.",
    ),
    "provider_unavailable": Advice(
        "The provider can not be reached or says that it is unavailable, or no eligible deployment is in service.",
        "The message says which. `polycloud sites list` shows the overlay, `polycloud status` the health.",
    ),
    "steered_away": Advice(
        "The overlay said that the site had failed while this attempt waited for its answer, so it was given up and "
        "the request went elsewhere. It stands in records, and in the message where every other target failed too.",
        "Nothing, when the site was set to failed on purpose. `polycloud sites list` shows by whom and why.",
    ),
    "gateway_unavailable": Advice(
        "A worker has started and not received its tables yet.",
        "Send the request again in a second. When it stays so, look at the control process's log.",
    ),
    "gateway_stopping": Advice(
        "The worker is stopping: it takes no new request, and could not wait longer for this one.",
        "Send the request again; another worker, or the one that follows, answers it.",
    ),
    "journal_unwritable": Advice(
        "The disk refuses the journal. Answers went out while up to 8 MiB of records (about 10,000) waited in memory; "
        "beyond that no request is taken, because it would leave no record.",
        "Free the disk, or mend its permissions: the records are then written and requests are taken again. Do not "
        "kill the worker before: the records that wait would be lost.",
    ),
    "provider_timeout": Advice(
        "A deadline of the route passed: connect, header, idle or total.",
        "Raise the limit in the estate if the model needs longer; add a target elsewhere if the provider is slow.",
    ),
    "context_too_long": Advice(
        "The request does not fit the context window. Only deployments with a larger window are tried after it.",
        "Shorten the request, or add a deployment with a larger window.",
    ),
    "content_filtered": Advice(
        "The provider's content filter stopped the prompt or the answer. Another target is asked only where the route "
        "says `retry_filtered: true`.",
        "Change the prompt. Think before setting `retry_filtered`: it sends what one filter refused to another.",
    ),
    "provider_rejected": Advice(
        "The provider says that the request is wrong. It is not sent anywhere else.",
        "Read the provider's message. If the request is right, the adapter has a defect: report it.",
    ),
    "broken_stream": Advice(
        "The answer stopped before its protocol's terminal mark, a frame could not be read, or the content type was "
        "wrong. Before the first content another target is tried; after it the error is told inside the stream.",
        "Send the request again. What had come was booked, with estimated counts where the provider sent none.",
    ),
    "conflict": Advice(
        "Somebody else changed the same thing since it was read.",
        "Read it again and repeat the change.",
    ),
    "stale_plan": Advice(
        "What the plan was made from has changed since.",
        "Make the plan anew.",
    ),
    "render_broken": Advice(
        "The files that would be rendered contradict each other: one refers to what none provides, or two declare the "
        "same thing. Nothing was written.",
        "The message names each contradiction. Two things of the estate whose names become one: rename one. Otherwise "
        "it is a mistake of polycloud: report it with the message.",
    ),
    "lease_lost": Advice(
        "Another process has taken over the work that this one held.",
        "Nothing: the other process carries on.",
    ),
    "store_away": Advice(
        "The store can not be reached or written now: locked, full or gone. Model traffic goes on; its records wait in "
        "the journal.",
        "Free disk space or mend the file's permissions; ingestion catches up by itself.",
    ),
    "store_too_new": Advice(
        "The store was written by a newer version of polycloud.",
        "Start that version, or name another state directory.",
    ),
    "not_found": Advice(
        "There is no site, deployment, team, request or path of this name. The message names those there are.",
        "`polycloud sites list` and `polycloud keys list` show what there is, `GET /openapi.json` the paths of the "
        "admin API. The records of a request take up to a second to reach the store.",
    ),
    "admin_token_refused": Advice(
        "The admin API was asked without its token, or with a wrong one. A gateway key is not an admin token.",
        "Send `authorization: Bearer TOKEN`; the token is in the file `admin.token` of the state directory.",
    ),
    "not_running": Advice(
        "Nothing answers at the address that the command line asked.",
        "Start the gateway with `polycloud up`, or name the estate, state directory or address of the one that runs.",
    ),
    "request_refused": Advice(
        "The running gateway refused what the command line asked of it.",
        "The message is the gateway's own; look up the code that it names.",
    ),
    "key_unknown": Advice(
        "No gateway key has this id.",
        "`polycloud keys list` lists the keys with their ids. An id is not the key itself.",
    ),
}

REQUEST_HEADERS: dict[str, str] = {
    "authorization": "`Bearer KEY`: a gateway key. One of this, `x-api-key` and `api-key` is enough; two different "
    "keys are refused.",
    "x-api-key": "The gateway key as Anthropic's SDKs send it.",
    "api-key": "The gateway key as Azure's SDKs send it.",
    "traceparent": "W3C trace context; its trace id stands in the decision record.",
    "x-polycloud-class": "One or more data classes, separated by commas. They are added to those of the key, the team "
    "and the route, so the header can only tighten. An unknown name, or none, is refused with 400.",
    "x-polycloud-region": "Where the caller is: a site (`aws/eu-west-1`) or an ISO 3166-1 country (`DE`). It stands "
    "above the key's and the team's region. It orders targets; it does not decide residency.",
    "x-polycloud-explain": "Any value: the answer carries `x-polycloud-explain`.",
}

RESPONSE_HEADERS: dict[str, str] = {
    "x-polycloud-request": "The request's id, the same as in its records. On every answer to a chat request and on "
    "every refusal; one that decided nothing about a model (bad framing, an unknown path) has no record.",
    "x-polycloud-deployment": "The deployment that answered, such as `azure/westeurope/gpt-4o`.",
    "x-polycloud-eligible": "The deployments that were eligible, at most 12 by name; the decision record has all.",
    "x-polycloud-attempts": "The number of the attempt that answered, when it is not the first.",
    "x-polycloud-degraded": "What was left out or done in another way, separated by commas; [the names]"
    "(../explanation/request.md#what-x-polycloud-degraded-names).",
    "x-polycloud-equivalent": "The model that answered, when it is not the one that was asked for.",
    "x-polycloud-expected-usd": "The expected cost in dollars by list price, when the price is known. The output is "
    "taken as `max_tokens`, or 512 tokens.",
    "x-polycloud-explain": "The decision as JSON: route, classes, the order of trial with expected costs, and the "
    "reason against every other deployment (at most 40 of each).",
    "x-polycloud-simulated": "`true` when the sandbox answered and no real model.",
}

RECORD_FIELDS: dict[str, str] = {
    "v": "The version of the record's form.",
    "request": "The request's id; joins a decision with its attempts.",
    "at_ms": "When the record was made, Unix milliseconds.",
    "key": "The id of the key (never the key).",
    "team": "The key's team.",
    "asked": "The name that the caller asked for: a model, alias or tier.",
    "route": "The route that decided.",
    "classes": "All data classes that held.",
    "policy": "The version of the compiled tables, 16 hexadecimal digits.",
    "overlay": "The version of the site overlay.",
    "chosen": "The first deployment of the order; empty for a refused request.",
    "eligible": "Every deployment that was eligible.",
    "refused": "Why not: under `*` of a refused request, the rule as its caller read it; absent for a bad body.",
    "expected_pico_usd": "Expected cost of the first target, 10⁻¹² dollars; absent when the price is unknown.",
    "face": "The caller's dialect.",
    "code": "The error code of a refusal or a failed attempt.",
    "trace": "The W3C trace id of the request.",
    "number": "Which attempt of the request, from 1; 0 when the caller left before it was sent.",
    "deployment": "The deployment that was called.",
    "cloud": "Its cloud.",
    "site": "Its site.",
    "model": "The public name of the model that was called.",
    "outcome": "`ok`, `error`, `cancelled` (the caller hung up) or `lost` (the worker died).",
    "status": "The provider's HTTP status; 0 when there was none.",
    "latency_ms": "From sending to the last byte.",
    "first_token_ms": "From sending to the first content.",
    "usage": "Token counts; see below.",
    "cost_pico_usd": "Cost by the price in the tables, 10⁻¹² dollars; absent when the price is unknown.",
    "streamed": "Whether the caller asked for a stream.",
    "final": "Whether the caller's answer came from this attempt, or the request ended with it.",
    "equivalent": "Whether another model than the asked one was called.",
    "degraded": "What was left out or done in another way.",
    "reported_region": "The region that the provider says it worked in, where it says so.",
    "provider_request": "The provider's own request id.",
    "overhead_us": "The gateway's own time on the request in microseconds; only in the final record.",
    "estimated": "Whether the counts are the gateway's estimate (4 bytes a token) because the provider sent none.",
}

USAGE_FIELDS: dict[str, str] = {
    "input_tokens": "All prompt tokens, cached ones included.",
    "output_tokens": "All generated tokens, reasoning included.",
    "cache_read_tokens": "Of the input: read from the provider's prompt cache.",
    "cache_write_tokens": "Of the input: written to the provider's prompt cache.",
    "reasoning_tokens": "Of the output: reasoning.",
    "cache_write_hour_tokens": "Of the cache writes: kept for an hour, at 1.6 times the price of five minutes.",
}

NEEDS: dict[str, str] = {
    "TOOLS": "Tools are declared.",
    "TOOL_CHOICE": "A required or a named tool.",
    "SERIAL_TOOLS": "Parallel tool calls are switched off.",
    "JSON_OBJECT": "The answer must be a JSON object.",
    "JSON_SCHEMA": "The answer must follow a JSON Schema.",
    "REASONING": "Reasoning effort or a thinking budget.",
    "SEED": "A seed.",
    "STOP": "Stop sequences.",
    "TOP_K": "top-k sampling.",
    "PENALTIES": "Frequency or presence penalty.",
    "PROMPT_CACHE": "Explicit prompt-cache markers.",
    "IMAGES": "Images in messages.",
    "OTHER_MEDIA": "Audio, documents or video in messages.",
    "LOGPROBS": "Log probabilities.",
    "MULTIPLE": "More than one answer (`n` > 1).",
    "STREAM": "A streamed answer.",
    "TEMPERATURE": "Temperature or top-p.",
    "OPENAI_EXTRAS": "Fields that only OpenAI chat completions have.",
    "ANTHROPIC_EXTRAS": "Fields that only Anthropic messages have.",
    "NATIVE_TOOLS": "Tools and ways to answer of the caller's own format: custom, server and legacy tools, audio out.",
    "NATIVE_CONTENT": "Parts of messages that only the caller's own format has, such as search results.",
    "FIVE_STOPS": "More than four stop sequences.",
    "MANY_STOPS": "More than five stop sequences.",
}

// The Vercel AI SDK's calls: two arguments (folder of node_modules, JSON), one JSON value out (model → feature → what was seen).
import { createRequire } from "node:module";

const [folder, asked] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const { generateText, streamText, jsonSchema, tool, stepCountIs, Output, APICallError } = require("ai");
const { createOpenAI } = require("@ai-sdk/openai");
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");
const { createAnthropic } = require("@ai-sdk/anthropic");
const { url, key, models, schemas, troubled } = JSON.parse(asked);
globalThis.AI_SDK_LOG_WARNINGS = false;

const providers = {
  openai: (apiKey, headers) => createOpenAI({ baseURL: `${url}/v1`, apiKey, headers }).chat,
  compatible: (apiKey, headers) =>
    createOpenAICompatible({
      name: "polycloud", baseURL: `${url}/v1`, apiKey, headers, includeUsage: true, supportsStructuredOutputs: true,
    }),
  anthropic: (apiKey, headers) => createAnthropic({ baseURL: `${url}/v1`, apiKey, headers }),
};

const described = (name) => ({ description: `Calls ${name}.`, inputSchema: jsonSchema(schemas[name]) });
const tools = () => Object.fromEntries(Object.keys(schemas).map((name) => [name, tool(described(name))]));
const answering = () =>
  Object.fromEntries(
    Object.keys(schemas).map((name) => [name, tool({ ...described(name), execute: async () => `result of ${name}` })]),
  );
const calls = (found) => found.map((call) => [call.toolCallId, call.toolName, call.input]);

async function whole(model, prompt, more = {}) {
  const found = await generateText({ model, prompt, maxRetries: 0, maxOutputTokens: 900, ...more });
  return {
    text: found.text,
    finish: found.finishReason,
    calls: calls(found.toolCalls),
    usage: [found.usage.inputTokens, found.usage.outputTokens],
    deployment: found.response.headers["x-polycloud-deployment"],
    warnings: found.warnings ?? [],
    output: more.output ? found.output : null,
  };
}

async function streamed(model, prompt, more = {}) {
  const found = streamText({ model, prompt, maxRetries: 0, maxOutputTokens: 900, onError: () => {}, ...more });
  const kinds = [];
  let text = "";
  for await (const part of found.fullStream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") text += part.text;
    kinds.push(part.type);
  }
  const usage = await found.usage;
  return {
    text,
    kinds,
    finish: await found.finishReason,
    calls: calls(await found.toolCalls),
    usage: [usage.inputTokens, usage.outputTokens],
    deployment: (await found.response).headers?.["x-polycloud-deployment"],
    output: more.output ? await found.output : null,
  };
}

// What was answered, or how the refusal is told.
async function told(asked) {
  try {
    return await asked;
  } catch (error) {
    const call = APICallError.isInstance(error);
    return { call, status: error.statusCode ?? 0, again: error.isRetryable ?? null, message: error.message ?? JSON.stringify(error) };
  }
}

const both = "Call get_weather and get_clock.";
const trip = () => Output.object({ schema: jsonSchema(schemas.get_weather) });
const features = {
  chat: (p, m) => whole(p(key)(m), "echo: Grüße", { system: "Be brief." }),
  stream: (p, m) => streamed(p(key)(m), "words: 40"),
  "one tool": (p, m) => whole(p(key)(m), "Call get_weather.", { tools: tools() }),
  "parallel tools": (p, m) => whole(p(key)(m), both, { tools: tools() }),
  "streamed tools": (p, m) => streamed(p(key)(m), both, { tools: tools() }),
  "forced tool": (p, m) =>
    whole(p(key)(m), "Hello.", { tools: tools(), toolChoice: { type: "tool", toolName: "get_clock" } }),
  results: (p, m) => whole(p(key)(m), both, { tools: answering(), stopWhen: stepCountIs(3) }),
  structured: (p, m) => whole(p(key)(m), "Plan a trip.", { output: trip() }),
  "streamed structured": (p, m) => streamed(p(key)(m), "Plan a trip.", { output: trip() }),
  "bad key": (p, m) => told(whole(p("pk-wrong")(m), "hi")),
  "unknown model": (p) => told(whole(p(key)("on-mars"), "hi")),
  policy: (p, m) => told(whole(p(key, { "x-polycloud-class": "secret-de" })(m), "hi")),
  "streamed bad key": (p, m) => told(streamed(p("pk-wrong")(m), "hi")),
  "streamed unknown model": (p) => told(streamed(p(key)("on-mars"), "hi")),
  "streamed policy": (p, m) => told(streamed(p(key, { "x-polycloud-class": "secret-de" })(m), "hi")),
};
const trouble = {
  whole: (p, m) => told(whole(p(key)(m), "words: 80")),
  stream: (p, m) => told(streamed(p(key)(m), "words: 80")),
};

const seen = {};
for (const [i, [face, provider]] of Object.entries(providers).entries()) {
  for (const [name_, names] of Object.entries(models)) {
    const model = names[i];
    const entries = Object.entries(troubled ? trouble : features).map(async ([name, use]) => {
      try {
        return [name, await use(provider, model)];
      } catch (error) {
        return [name, { failed: `${error}\n${error?.responseBody ?? error?.stack}` }];
      }
    });
    seen[`${face} ${name_}`] = Object.fromEntries(await Promise.all(entries));
  }
}
console.log(JSON.stringify(seen));

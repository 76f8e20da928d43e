"""Ask the sandbox: a tier, a model held to the EU, and one that may not serve what is asked of it.

Run `polycloud up` first; give another address as the argument. Needs nothing but Python.
"""

import json
import sys
import urllib.error
import urllib.request

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"


def ask(model: str, data_class: str) -> None:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 40})
    headers = {"authorization": "Bearer pk-demo", "content-type": "application/json", "x-polycloud-class": data_class}
    request = urllib.request.Request(f"{BASE}/v1/chat/completions", body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            print(f"{model:14} as {data_class:12} -> {reply.headers['x-polycloud-deployment']}")
    except urllib.error.HTTPError as error:
        message = json.load(error)["error"]["message"]
        print(f"{model:14} as {data_class:12} -> refused ({error.code}): {message}")


ask("economy", "general")
ask("claude-sonnet", "general")
ask("claude-sonnet", "personal-eu")  # Bedrock's eu profile may run in London: Google's Belgium answers
ask("llama", "secret-de")  # our own hall only
ask("gpt-4o", "secret-de")  # and nobody else: refused, with the rule that says so

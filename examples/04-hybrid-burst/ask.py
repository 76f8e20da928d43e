"""Ask for a model of the own hall: it answers while it can, a cloud when it can not, and nobody else for `internal`.

Run `polycloud up -e polycloud/app/examples/hybrid-burst/estate.yaml` first. Then fail the hall
(`polycloud sites fail onprem/frankfurt`) and run this again.
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
            print(f"{model:8} as {data_class:8} -> {reply.headers['x-polycloud-deployment']}")
    except urllib.error.HTTPError as error:
        print(f"{model:8} as {data_class:8} -> refused ({error.code}): {json.load(error)['error']['message']}")


ask("llama", "eu-only")
ask("gpt-oss", "eu-only")
ask("llama", "internal")

"""Ask one name a hundred times and count who answered: 40/35/25 over three clouds.

Run `polycloud up -e polycloud/app/examples/active-active/estate.yaml` first. Then take a site away
(`polycloud sites fail aws/us-east-1`) and run this again: the others answer 60/40.
"""

import json
import sys
import urllib.request
from collections import Counter

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
REQUESTS = 100


def ask(model: str) -> str:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 20})
    headers = {"authorization": "Bearer pk-demo", "content-type": "application/json"}
    request = urllib.request.Request(f"{BASE}/v1/chat/completions", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return str(reply.headers["x-polycloud-deployment"])


served = Counter(ask("assistant").rsplit("/", 1)[0] for _ in range(REQUESTS))
for site, count in served.most_common():
    print(f"{site:20} {count:3} of {REQUESTS}")

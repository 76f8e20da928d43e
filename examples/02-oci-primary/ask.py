"""Ask the OCI-primary estate under its strictest class: only Oracle's and Microsoft's clouds in three countries.

Run `polycloud up -e polycloud/app/examples/oci-primary/estate.yaml` first; give another address as the argument.
"""

import json
import sys
import urllib.request
from collections import Counter

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"


def ask(model: str, data_class: str) -> str:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 40})
    headers = {"authorization": "Bearer pk-demo", "content-type": "application/json", "x-polycloud-class": data_class}
    request = urllib.request.Request(f"{BASE}/v1/chat/completions", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return str(reply.headers["x-polycloud-deployment"])


for model in ("llama", "gpt-4o", "gpt-oss", "economy"):
    served = Counter(ask(model, "ledger") for _ in range(10))
    print(f"{model:8} as ledger -> " + ", ".join(f"{count} x {where}" for where, count in served.most_common()))

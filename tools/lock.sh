#!/bin/sh
# Makes every lock file anew: exact versions with hashes, for all platforms, no index named.
set -eu
cd "$(dirname "$0")/.."
test -x .venv/bin/uv || .venv/bin/python -m pip install --quiet uv
compile() { .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$@"; }
compile pyproject.toml --extra place -o requirements.lock
compile pyproject.toml --extra place --extra parquet --group dev --group clients -c requirements.lock -o requirements-dev.lock
# What the image holds: every cloud can be called from it. The versions are those of the tests.
compile pyproject.toml --extra place --extra aws --extra azure --extra gcp --extra oci -c requirements-dev.lock -o tools/locks/image.lock
compile --group build -o tools/locks/build.lock
compile --group litellm -o tools/locks/litellm.lock
compile --group bench -o tools/locks/bench.lock
compile --group checks -o tools/locks/checks.lock
compile --group terraform -o tools/locks/terraform.lock
compile --group checkov -o tools/locks/checkov.lock
# Only these wheels themselves are downloaded, so what they depend on is left out.
compile --no-deps --group schemas -o tools/locks/schemas.lock
compile --no-deps --group kubernetes -o tools/locks/kubernetes.lock

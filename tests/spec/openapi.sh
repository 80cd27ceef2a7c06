#!/bin/sh
# Installs Schemathesis into dist/schemathesis/, and sends what it generates from OpenAI's document.
set -eu
cd "$(dirname "$0")/../.."
python3 -m venv dist/schemathesis
dist/schemathesis/bin/pip install --quiet schemathesis==4.32.5
exec deno run --frozen --no-prompt --unstable-no-legacy-abort --config tests/deno.json \
  --allow-net=127.0.0.1 --allow-read --allow-write=/tmp --allow-env \
  --allow-run=dist/schemathesis/bin/schemathesis tests/spec/openapi.ts "$@"

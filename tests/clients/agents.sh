#!/bin/sh
# Installs coding agents, Open WebUI and Python clients into dist/, and tests the server with them.
set -eu
cd "$(dirname "$0")/../.."
tests/clients/install.sh
export CI=true PATH="$PWD/dist/agents/node_modules/.bin:$PWD/dist/python/bin:$PWD/dist/aider/bin:$PWD/dist/open-webui/bin:$PATH"
exec deno test --frozen --no-prompt --unstable-no-legacy-abort --config tests/deno.json \
  --allow-net=127.0.0.1 --allow-read --allow-write --allow-env --allow-run --allow-sys \
  tests/clients/agents/codex_test.ts \
  tests/clients/agents/claude_code.ts \
  tests/clients/agents/agents.ts \
  tests/clients/open_webui/open_webui.ts \
  tests/clients/python/clients.ts \
  tests/clients/python/lm_eval.ts \
  tests/clients/python/openai_test.ts

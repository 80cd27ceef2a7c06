#!/bin/sh
# Installs the agents and clients that `tests/clients/agents.sh` runs into dist/.
set -eu
npm install --silent --no-audit --no-fund --prefix dist/agents \
  node@22.23.3 \
  @openai/codex@0.171.0 \
  @anthropic-ai/claude-code@2.1.332 \
  @continuedev/cli@1.5.47 \
  @earendil-works/pi-coding-agent@1.6.0 \
  @github/copilot@1.0.102 \
  @kilocode/cli@7.7.7 \
  @qwen-code/qwen-code@0.24.4 \
  cline@3.0.65 \
  opencode-ai@1.18.33
node dist/agents/node_modules/@anthropic-ai/claude-code/install.cjs
python3 -m venv dist/aider
dist/aider/bin/pip install --quiet aider-chat==0.86.2
python3 -m venv dist/python
dist/python/bin/pip install --quiet --requirement tests/clients/python/requirements.txt
python3 -m venv dist/open-webui
dist/open-webui/bin/pip install --quiet --requirement tests/clients/open_webui/requirements.txt
dist/open-webui/bin/pip install --quiet --no-deps open-webui==0.12.4

import { PLACEHOLDER_TOKEN } from "../../config/resolve.ts";

export interface Choices {
  /** Name of the provider, for a comment. */
  title: string;
  url: string;
  model: string;
  /** The key, or a reference such as `${OPENAI_API_KEY}`; undefined if the provider needs no key. */
  key: string | undefined;
}

export function configText({ title, url, model, key }: Choices): string {
  const keyLine = key === undefined ? "" : `model_provider_api_key: ${quote(key)}\n`;
  return `# Configuration of o1-api. A running server reloads it when you save it.
# \`o1-api check\` reports every error with its line.

# Clients send this as "Authorization: Bearer ...". As long as it is this placeholder, the server
# listens on 127.0.0.1 only.
api_bearer_token: ${quote(PLACEHOLDER_TOKEN)}

# ${title}. \${NAME} is replaced by an environment variable.
default_api_url: ${quote(url)}
default_model: ${quote(model)}
${keyLine}
# Everything else is optional. Some examples:

# server: { port: 18888 }

# Models of your own, instead of o1, o1-mini, o1-vote and the others:
# models:
#   careful: { strategy: verify, effort: high }
#   fast: { strategy: direct }

# Limits for a client; create its entry with \`o1-api keys new alice\`:
# keys:
#   - { name: alice, sha256: "...", rpm: 60 }
`;
}

/** A double-quoted YAML scalar; JSON is a subset of it. */
const quote = (text: string) => JSON.stringify(text);

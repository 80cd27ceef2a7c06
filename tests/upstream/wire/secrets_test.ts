import { assertEquals } from "@std/assert";
import { upstreamOptions } from "../../../lib/config/schema/upstream.ts";
import { withoutSecrets } from "../../../lib/upstream/wire/secrets.ts";

const upstream = upstreamOptions.parse({
  base_url: "https://x.example/v1?api-version=2026-01-01&key=query%2Fsecret-1",
  api_key: ["first-secret", "first-secret-and-more"],
  headers: { "x-key": "header-secret", authorization: "Basic basic-secret", "x-mode": "on" },
});

Deno.test("the host of an upstream is replaced in its text, but no ordinary word", () => {
  assertEquals(
    withoutSecrets("no model q at x.example:443", upstream),
    "no model q at [host]:443",
  );
  const local = upstreamOptions.parse({ base_url: "http://ollama:11434/v1" });
  assertEquals(withoutSecrets("ollama has no model q", local), "ollama has no model q");
});

Deno.test("keys, header values and query values are replaced in an upstream's text", () => {
  const cases = [
    ["bad key first-secret.", "bad key [key]."],
    ["first-secret-and-more", "[key]"],
    ["header-secret, Basic basic-secret or basic-secret", "[key], [key] or [key]"],
    ["?key=query%2Fsecret-1 is query/secret-1", "?key=[key] is [key]"],
    ["the mode is on, and nothing is a secret", "the mode is on, and nothing is a secret"],
  ];
  for (const [text, shown] of cases) assertEquals(withoutSecrets(text!, upstream), shown);
});

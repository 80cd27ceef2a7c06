import { assertEquals } from "@std/assert";
import { createToolUseCounter } from "../../../lib/reasoning/tools/use_limits.ts";

const BLOG = { allowed: ["Example.com/Blog/", "deno.com"], blocked: ["docs.deno.com"] };

for (
  const [url, isAllowed] of [
    ["https://example.com/blog", true],
    ["https://example.com/blog/1?a=b", true],
    ["https://www.example.com/BLOG/1", true],
    ["https://example.com/blogs", false],
    ["https://example.com/", false],
    ["https://example.org/blog", false],
    ["https://badexample.com/blog", false],
    ["https://deno.com/", true],
    ["https://deno.com/blog", true],
    ["https://docs.deno.com/", false],
    ["https://api.docs.deno.com/", false],
  ] as const
) {
  Deno.test(`a client's rule ${isAllowed ? "allows" : "forbids"} ${url}`, () => {
    const { pages } = createToolUseCounter({ domains: { fetch: BLOG } });
    assertEquals(pages("fetch").mayUse!(new URL(url)), isAllowed);
    assertEquals(pages("search").mayUse!(new URL(url)), true);
  });
}

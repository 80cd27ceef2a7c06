import { assertEquals } from "@std/assert";
import { extractAnswer } from "../../../../lib/reasoning/answers/extractor.ts";
import { strategies } from "../../../../lib/reasoning/strategies/mod.ts";

for (const [strategy, entry] of Object.entries(strategies)) {
  if ("route" in entry) continue;
  for (const [name, prompt] of Object.entries(entry.prompts)) {
    if (!prompt.includes("FINAL:")) continue;
    Deno.test(`a copy of the prompt '${name}' of ${strategy} is not read as an answer`, () => {
      assertEquals(extractAnswer(prompt), undefined);
      assertEquals(prompt.match(/<[a-z]+ [^<>]*>/g), null, "it holds a placeholder");
    });
  }
}

import type { StrategyApi } from "../../lib/reasoning/files/api.ts";
import type { Strategy } from "../../lib/reasoning/strategy.ts";

export const version = 1;

export default ({ z, defineStrategy, ...api }: StrategyApi): Strategy =>
  defineStrategy({
    summary: "Answers twice; if the answers differ, a third call decides.",
    label: { calls: "2 or 3", latency: "1 or 2 calls" },
    options: z.strictObject({
      temperature: z.number().min(0).max(2).default(0.7).describe("Temperature of both answers."),
    }),
    prompts: {
      sample: `Think inside <think> and </think>. After it write the complete answer, and end with
one more line for the short answer alone. That line starts with FINAL:`,
      decide: `Two answers to the last message differ:

{first}

---

{second}

Find out which is right, and answer the last message yourself.`,
    },
    roles: ["sample", "answer"],
    firstWave: () => 2,
    async *run(context) {
      const { request, options: { temperature }, prompt, toolsNote } = context;
      let messages = request.messages;
      if (context.samples(2) === 2 && await context.canThink(2)) {
        const spec = {
          role: "sample" as const,
          messages: api.instruct(prompt("sample") + toolsNote, request),
          temperature,
        };
        const specs = [0, 1].map((index) => ({ index, ...spec }));
        const { samples, error } = yield* api.sampleAll(context, specs, { liveStep: 1 });
        if (samples.length === 0) throw error;
        const [first, second = first] = samples.map(api.sampleText);
        const read = api.answerReader(request);
        const [a, b] = [read(first!), read(second!)];
        const isAgreed = a !== undefined && b !== undefined && api.sameAnswer(a, b);
        yield { type: "status", text: isAgreed ? "Both agree." : "A third call decides." };
        // Tools and JSON of the client need a call that has them.
        const isPlain = request.final.tools === undefined && request.json === undefined;
        if (isAgreed && isPlain) {
          return yield* api.showAnswer(context, api.withoutFinalLine(first!), "stop");
        }
        messages = api.instruct(prompt("decide", { first: first!, second: second! }), request);
      }
      yield* api.relayAnswer(context, { role: "answer", messages }, 2);
    },
  });

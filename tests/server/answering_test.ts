import { assertEquals, assertRejects } from "@std/assert";
import { answerWhole } from "../../lib/server/answering.ts";
import { Exchange } from "../../lib/server/exchange.ts";
import { createWorkRegister } from "../../lib/server/work.ts";
import type { ServerSettings } from "../../lib/config/resolve.ts";
import type { Collector } from "../../lib/api/dialect.ts";
import type { ReasoningEvent } from "../../lib/reasoning/events.ts";
import { createFakeClock } from "../support/clock.ts";
import { waitFor } from "../support/wait.ts";

const refuse = () => Promise.reject(new Error("the store rejects the response"));
const circular: { self?: unknown } = {};
circular.self = circular;

for (
  const [name, collector] of [
    ["whose failure can't be written", { push: refuse, whole: () => ({}), failed: refuse }],
    ["that can't be written as JSON", { push() {}, whole: () => circular }],
  ] as const satisfies readonly (readonly [string, Collector])[]
) {
  Deno.test(`a JSON body with heartbeats ${name} ends with an error, and so does its request`, async () => {
    const time = createFakeClock();
    const register = createWorkRegister(time.clock);
    const request = new Request("http://localhost/v1/chat/completions");
    const exchange = new Exchange(request, register.begin(), 0, () => undefined);
    const ends: unknown[] = [];
    exchange.onFinish((error) => ends.push(error));
    const gate = Promise.withResolvers<void>();
    async function* events(): AsyncGenerator<ReasoningEvent> {
      await gate.promise;
      yield { type: "answer", text: "4" };
    }
    const answer = answerWhole({
      events: events(),
      writer: {
        collector: () => collector,
        encoder: () => {
          throw new Error("not a stream");
        },
      },
      exchange,
      settings: { json_heartbeat: true, heartbeat_ms: 1_000 } as ServerSettings,
      clock: time.clock,
    });
    await time.advance(1_000);
    const response = await answer;
    gate.resolve();
    await waitFor("the body to end", assertRejects(() => response.text()));
    assertEquals(ends.length, 1);
    await register.idle();
    assertEquals(time.pending(), 0);
  });
}

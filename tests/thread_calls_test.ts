import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "../lib/thread_calls.ts";
import { waitFor } from "./support/wait.ts";

const uncloneable = () => () => {};

for (
  const [name, method, argument] of [
    ["whose result can't be cloned", uncloneable, 1],
    ["that throws what can't be cloned", () => {
      throw { uncloneable };
    }, 1],
    ["whose argument can't be cloned", () => 1, uncloneable],
  ] as const
) {
  Deno.test(`a call ${name} is rejected`, async () => {
    const { port1, port2 } = new MessageChannel();
    const { call, close } = connect<{ method: (argument: unknown) => unknown }>(port1, () => ({}));
    const other = connect(port2, () => ({ method }));
    try {
      await waitFor(
        "the call to be rejected",
        assertRejects(() => call("method", argument), Error, "be cloned"),
      );
    } finally {
      close(new Error("The test is over"));
      other.close(new Error("The test is over"));
    }
  });
}

Deno.test("a rejected call has the properties of the error", async () => {
  const { port1, port2 } = new MessageChannel();
  const { call, close } = connect<{ fail(): never }>(port1, () => ({}));
  const other = connect(port2, () => ({
    fail() {
      throw Object.assign(new RangeError("full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
    },
  }));
  try {
    const error = await waitFor("the error", assertRejects(() => call("fail"), RangeError, "full"));
    assertEquals({ ...error }, { code: "ERR_SQLITE_ERROR", errcode: 13 } as object);
  } finally {
    close(new Error("The test is over"));
    other.close(new Error("The test is over"));
  }
});

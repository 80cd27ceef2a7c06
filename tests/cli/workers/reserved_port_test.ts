import { assertEquals } from "@std/assert";
import { ROOT } from "../../support/program.ts";
import { skippedFor } from "../../support/skip.ts";

const SCRIPT = `
  import { reservePort } from "./lib/cli/listener.ts";
  const hostname = "127.0.0.1";
  const canListen = (port, reusePort) => {
    try {
      Deno.listen({ hostname, port, reusePort }).close();
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) return false;
      throw error;
    }
  };
  const chosen = reservePort({ hostname, port: 0 });
  const { port } = chosen;
  const reserved = [canListen(port, false), canListen(port, true)];
  chosen[Symbol.dispose]();
  using named = reservePort({ hostname, port });
  console.log(JSON.stringify({ reserved, named: [named.port === port, canListen(port, false)] }));
`;

Deno.test({
  ...skippedFor(
    Deno.build.os === "linux" ? undefined : "only Linux runs several event loops",
    "a chosen port is open to workers but to no other program until they listen",
  ),
  async fn() {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--unstable-net", SCRIPT],
      cwd: ROOT,
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(JSON.parse(decoder.decode(stdout)), {
      reserved: [false, true],
      named: [true, true],
    });
  },
});

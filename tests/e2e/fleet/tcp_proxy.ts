/** A TCP proxy that can stop forwarding, as a network does that loses all packets. */
export interface TcpProxy extends AsyncDisposable {
  port: number;
  /** While true, nothing is forwarded, and nobody is told. */
  setPartitioned(partitioned: boolean): void;
}

export function startTcpProxy(target: number): TcpProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  let healed = Promise.withResolvers<void>();
  healed.resolve();

  async function forward(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (let read; (read = await from.read(buffer)) !== null;) {
      await healed.promise;
      for (let written = 0; written < read;) {
        written += await to.write(buffer.subarray(written, read));
      }
    }
  }

  async function serve(client: Deno.TcpConn): Promise<void> {
    open.add(client);
    await healed.promise;
    let server: Deno.TcpConn | undefined;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: target });
      open.add(server);
      await Promise.race([forward(client, server), forward(server, client)]);
    } catch {
      // One side is gone.
    } finally {
      for (const connection of [client, server]) {
        if (connection === undefined || !open.delete(connection)) continue;
        connection.close();
      }
    }
  }

  const accepting = (async () => {
    for await (const client of listener) void serve(client);
  })();
  return {
    port: listener.addr.port,
    setPartitioned(partitioned) {
      if (partitioned) healed = Promise.withResolvers();
      else healed.resolve();
    },
    async [Symbol.asyncDispose]() {
      healed.resolve();
      listener.close();
      for (const connection of open) connection.close();
      open.clear();
      await accepting;
    },
  };
}

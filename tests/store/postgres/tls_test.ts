import { assert, assertRejects } from "@std/assert";
import { openPostgresStore } from "../../../lib/store/postgres/store.ts";
import { NO_POSTGRES, startPostgres } from "../../support/stores/postgres.ts";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import { set } from "../contract.ts";

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** Makes a CA, `ca.pem`, and a certificate of it for a name or an address, `server.crt`. */
async function makeCertificates(folder: string, subject: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const ca = ["-out", `${folder}/ca.pem`, "-keyout", `${folder}/ca.key`];
  await openssl("req", "-x509", ...key, "-subj", "/CN=ca", "-days", "2", ...ca);
  const request = ["-out", `${folder}/server.csr`, "-keyout", `${folder}/server.key`];
  await openssl("req", ...key, "-subj", "/CN=server", ...request);
  await Deno.writeTextFile(`${folder}/names`, `subjectAltName=${subject}`);
  await openssl(
    ...["x509", "-req", "-in", `${folder}/server.csr`, "-days", "2"],
    ...["-CA", `${folder}/ca.pem`, "-CAkey", `${folder}/ca.key`, "-CAcreateserial"],
    ...["-extfile", `${folder}/names`, "-out", `${folder}/server.crt`],
  );
}

const reason = NO_POSTGRES ?? reasonWithout("openssl");

Deno.test({
  ...skippedFor(reason, "a connection is encrypted, and checked with verify-full"),
  async fn(t) {
    await using server = await startPostgres();
    const { data } = server;
    const open = async (parameters: string, ca?: string) => {
      const url = `${server.urlOf("postgres")}${parameters}`;
      const options = { url, timeoutMs: 30_000, warn() {}, ...ca !== undefined && { ca } };
      const store = await openPostgresStore(options);
      try {
        assert(await store.write([set("a")]));
        const [row] = await server.sql(
          "postgres",
          `select bool_and(ssl) as encrypted from pg_stat_ssl join pg_stat_activity using (pid)
             where application_name = 'o1-api'`,
        );
        return row!.encrypted;
      } finally {
        await store.close();
      }
    };
    const openVerified = async () =>
      await open("?sslmode=verify-full", await Deno.readTextFile(`${data}/ca.pem`));

    await t.step("a server without TLS is refused", async () => {
      assert(await open("") === false);
      for (const mode of ["require", "verify-full"]) {
        await assertRejects(() => open(`?sslmode=${mode}`), Error, "does not support SSL");
      }
    });

    const restart = async (subject: string) => {
      await makeCertificates(data, subject);
      const { uid, gid } = await Deno.stat(data);
      await Deno.chown(`${data}/server.key`, uid, gid);
      await Deno.chmod(`${data}/server.key`, 0o600);
      await server.sql("postgres", "alter system set ssl = on");
      await server.stop();
      await server.start();
    };

    await t.step("a certificate of the CA for the address is accepted", async () => {
      await restart("IP:127.0.0.1");
      assert(await open("?sslmode=require") === true);
      assert(await openVerified() === true);
    });

    await t.step("an unknown CA is refused", async () => {
      await assertRejects(() => open("?sslmode=verify-full"), Error, "certificate");
    });

    await t.step("a certificate for another name is refused", async () => {
      await restart("DNS:db.example.com");
      assert(await open("?sslmode=require") === true);
      await assertRejects(openVerified, Error, "altnames");
    });
  },
});

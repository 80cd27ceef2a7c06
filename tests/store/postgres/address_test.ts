import { assert, assertEquals, assertThrows } from "@std/assert";
import { parsePostgresUrl } from "../../../lib/store/postgres/address.ts";

const PLAIN = {
  host: "db.example",
  port: 5_432,
  user: "app",
  password: "",
  database: "o1",
  sslmode: "disable" as const,
};

for (
  const [url, expected] of [
    ["postgres://app@db.example/o1", {}],
    ["postgresql://app:pw@db.example:6000/o1", { port: 6_000, password: "pw" }],
    ["postgres://a%40b:p%2Fw%3F%23@db.example/o%201", {
      user: "a@b",
      password: "p/w?#",
      database: "o 1",
    }],
    ["postgres://app:a@b@db.example/o1", { password: "a@b" }],
    ["postgres://app@[::1]:7/o1?sslmode=require", { host: "::1", port: 7, sslmode: "require" }],
    ["postgres://app@db.example/o1?sslmode=verify-full", { sslmode: "verify-full" }],
    ["postgres://app@db.example/o1?sslmode=disable", {}],
  ] as const
) {
  Deno.test(`${url} says where the database is`, () => {
    assertEquals(parsePostgresUrl(url), { ...PLAIN, ...expected });
  });
}

for (
  const [url, reason] of [
    ["postgres://app:geheim@[db/o1", "percent-encoded"],
    ["postgres://app:4711/geheim@db.example/o1", "percent-encoded"],
    ["postgres://app:4711?geheim@db.example/o1", "percent-encoded"],
    ["postgres://app:4711#geheim@db.example/o1", "percent-encoded"],
    ["postgres://:geheim@db.example/o1", "needs a user, a host and a database"],
    ["postgres:///geheim", "needs a user, a host and a database"],
    ["postgres://app:geheim@db.example", "needs a user, a host and a database"],
    ["postgres://app:geheim@db.example/", "needs a user, a host and a database"],
    ["postgres://app@db.example//geheim", "needs a user, a host and a database"],
    ["postgres://app@db.example/o1/geheim", "needs a user, a host and a database"],
    ["postgres://app:%geheim@db.example/o1", "two hexadecimal digits"],
    ["postgres://app@db.example/o1?password=geheim", "may only have the parameter sslmode"],
    ["postgres://app@db.example/o1?sslmode=require&sslkey=geheim", "may only have the parameter"],
    ["postgres://app@db.example/o1#geheim", "may only have the parameter sslmode"],
    ["postgres://app@db.example/o1?sslmode=geheim", "one of disable, require, verify-full"],
  ] as const
) {
  Deno.test(`${url} is rejected, and the error shows no part of it`, () => {
    const { message } = assertThrows(() => parsePostgresUrl(url), TypeError, reason);
    assert(!/geheim|4711|db\.example/.test(message), message);
  });
}

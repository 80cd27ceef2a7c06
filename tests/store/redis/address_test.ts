import { assert, assertEquals, assertThrows } from "@std/assert";
import { describeAddress, parseRedisUrl } from "../../../lib/store/redis/address.ts";

const hostOf = (host: string, port: number) => ({ host, port });

const SINGLE = { kind: "single", hosts: [hostOf("db.example", 6_379)], tls: false } as const;

for (
  const [url, address, place] of [
    ["redis://db.example", {}, "Redis at db.example:6379"],
    ["redis://db.example/", {}, "Redis at db.example:6379"],
    ["rediss://[::1]:7/3", { hosts: [hostOf("::1", 7)], tls: true, db: 3 }, "Redis at [::1]:7"],
    ["redis://db.example/0", { db: 0 }, "Redis at db.example:6379"],
    ["redis://:p%2Fw@db.example", { password: "p/w" }, "Redis at db.example:6379"],
    ["redis://a%40b@db.example", { username: "a@b" }, "Redis at db.example:6379"],
    ["redis://:@db.example", {}, "Redis at db.example:6379"],
    ["redis://db.example?username=&password=", {}, "Redis at db.example:6379"],
    [
      "redis://db.example:1/2?username=a%26b&password=p%2Fw",
      { hosts: [hostOf("db.example", 1)], username: "a&b", password: "p/w", db: 2 },
      "Redis at db.example:1",
    ],
    [
      "redis://a:b@db.example?username=c&password=d",
      { username: "a", password: "b" },
      "Redis at db.example:6379",
    ],
    [
      "rediss+cluster://user:pw@a,b:7000",
      {
        kind: "cluster",
        hosts: [hostOf("a", 6_379), hostOf("b", 7_000)],
        tls: true,
        username: "user",
        password: "pw",
      },
      "the Redis Cluster at a:6379, b:7000",
    ],
    [
      "redis+sentinel://a/main",
      { kind: "sentinel", hosts: [hostOf("a", 26_379)], master: "main" },
      "the Redis master main of Sentinel at a:26379",
    ],
    [
      "redis+sentinel://:pw@a,b:7/main/2?sentinel_username=s&sentinel_password=s%26w",
      {
        kind: "sentinel",
        hosts: [hostOf("a", 26_379), hostOf("b", 7)],
        password: "pw",
        db: 2,
        master: "main",
        sentinelUsername: "s",
        sentinelPassword: "s&w",
      },
      "the Redis master main of Sentinel at a:26379, b:7",
    ],
  ] as const
) {
  Deno.test(`${url} is parsed as the address of Redis`, () => {
    const parsed = parseRedisUrl(url);
    assertEquals(parsed, { ...SINGLE, ...address } as never);
    assertEquals(describeAddress(parsed), place);
  });
}

for (
  const url of [
    "redis://",
    "redis:///1",
    "redis://user:4711/geheim@db.example",
    "redis://user:4711?geheim@db.example",
    "redis://:%geheim@db.example",
    "redis://db.example,geheim",
    "redis://db.example:geheim",
    "redis://:6379",
    "redis://db.example/geheim",
    "redis://db.example/1234567890",
    "redis://db.example/1/4711",
    "redis://db.example/1/geheim",
    "redis://db.example?geheim=4711",
    "redis://db.example?sentinel_password=geheim",
    "redis+cluster://db.example/1",
    "redis+cluster://db.example,",
    "redis+cluster://db.example?sentinel_username=geheim",
    "redis+sentinel://:geheim@db.example",
    "redis+sentinel://db.example/main/geheim",
    "redis+sentinel://db.example/main/1/2",
    "redis+sentinel://db.example//1",
    "redis+other://:geheim@db.example",
  ]
) {
  Deno.test(`${url} is rejected, and the error shows no part of it`, () => {
    const { message } = assertThrows(() => parseRedisUrl(url), TypeError, "the URL is invalid");
    assert(!/geheim|4711|db\.example/.test(message), message);
  });
}

/** Where Redis is, as the setting `store` describes it. */
export interface RedisAddress {
  kind: "single" | "cluster" | "sentinel";
  /** The server, nodes of the Cluster, or the Sentinels; at least one. */
  hosts: readonly { host: string; port: number }[];
  tls: boolean;
  username?: string;
  password?: string;
  /** Number of the database. */
  db?: number;
  /** The master's name in Sentinel. */
  master?: string;
  sentinelUsername?: string;
  sentinelPassword?: string;
}

const ADDRESS_REGEXP =
  /^redis(?<tls>s?)(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<user>[^@/?#:]*)(?::(?<secret>[^@/?#]*))?@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[^@?#]*))?(?:\?(?<query>[^@#]*))?$/;

const DEFAULT_PORTS = { single: 6_379, cluster: 6_379, sentinel: 26_379 } as const;

/**
 * Parses `redis://[user[:password]@]host[:port][/database]`, `redis+cluster://…host,host…` and
 * `redis+sentinel://…host,host…/master[/database]`; `rediss` is TLS. The credentials may also be
 * in `?username=…&password=…`; those of Sentinels are in `?sentinel_username=…&sentinel_password=…`.
 *
 * @throws {TypeError} if the URL is invalid; the message contains nothing of it
 */
export function parseRedisUrl(url: string): RedisAddress {
  const { tls, kind = "single", user, secret, hosts = "", path = "", query } =
    ADDRESS_REGEXP.exec(url)?.groups ?? {};
  if (kind !== "single" && kind !== "cluster" && kind !== "sentinel") throw invalid();
  const parts = path === "" ? [] : path.split("/").map(decoded);
  const master = kind === "sentinel" ? parts.shift() : undefined;
  const parameters = new URLSearchParams(query);
  const username = user ? decoded(user) : parameters.get("username");
  const password = secret ? decoded(secret) : parameters.get("password");
  const sentinelUsername = parameters.get("sentinel_username");
  const sentinelPassword = parameters.get("sentinel_password");
  const names = ["username", "password"];
  if (kind === "sentinel") names.push("sentinel_username", "sentinel_password");
  const isValid = hosts !== "" && (kind !== "single" || !hosts.includes(",")) &&
    parts.length <= (kind === "cluster" ? 0 : 1) && parts.every((part) => /^\d{1,9}$/.test(part)) &&
    (kind !== "sentinel" || master) && parameters.keys().every((name) => names.includes(name));
  if (!isValid) throw invalid();
  return {
    kind,
    hosts: hosts.split(",").map((host) => parseHost(host, DEFAULT_PORTS[kind])),
    tls: tls === "s",
    ...username ? { username } : {},
    ...password ? { password } : {},
    ...parts[0] === undefined ? {} : { db: Number(parts[0]) },
    ...master === undefined ? {} : { master },
    ...sentinelUsername ? { sentinelUsername } : {},
    ...sentinelPassword ? { sentinelPassword } : {},
  };
}

function parseHost(host: string, defaultPort: number): { host: string; port: number } {
  if (!URL.canParse(`redis://${host}`)) throw invalid();
  const { hostname, port } = new URL(`redis://${host}`);
  if (hostname === "") throw invalid();
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || defaultPort) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid();
  }
}

function invalid(): TypeError {
  return new TypeError(
    "the URL is invalid; expected redis://USER:PASSWORD@HOST:PORT/DATABASE, redis+cluster://…@HOST,HOST or redis+sentinel://…@HOST,HOST/MASTER, with special characters of the password percent-encoded",
  );
}

/** Names Redis in messages, without secrets. */
export function describeAddress({ kind, hosts, master }: RedisAddress): string {
  const places = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`)
    .join(", ");
  if (kind === "cluster") return `the Redis Cluster at ${places}`;
  return kind === "sentinel"
    ? `the Redis master ${master} of Sentinel at ${places}`
    : `Redis at ${places}`;
}

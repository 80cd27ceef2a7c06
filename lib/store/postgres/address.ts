/** Where a database is, and how to connect to it. */
export interface PostgresAddress {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** `require` encrypts without checking the certificate. */
  sslmode: "disable" | "require" | "verify-full";
}

const FORM = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";

const SSL_MODES = ["disable", "require", "verify-full"] as const;

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`, or `postgresql://…`.
 *
 * @throws {TypeError} if the URL is invalid; the message contains no part of it
 */
export function parsePostgresUrl(text: string): PostgresAddress {
  // Up to an unencoded "/", "?" or "#", a password would be read as the port, which errors show.
  const beforeHost = text.slice(0, text.lastIndexOf("@") + 1);
  if (!URL.canParse(text) || /\w[/?#]/.test(beforeHost)) {
    throw new TypeError(
      `the URL is invalid; expected ${FORM}, with special characters of the password percent-encoded`,
    );
  }
  const url = new URL(text);
  const parts = [url.hostname, url.username, url.password, url.pathname.slice(1)].map(decode);
  const [host, user, password, database] = parts as [string, string, string, string];
  if (host === "" || user === "" || database === "" || url.pathname.lastIndexOf("/") > 0) {
    throw new TypeError(`the URL needs a user, a host and a database, as in ${FORM}`);
  }
  const { sslmode = "disable", ...others } = Object.fromEntries(url.searchParams);
  if (Object.keys(others).length > 0 || url.hash !== "") {
    throw new TypeError(
      "the URL may only have the parameter sslmode; 'store_ca_file' replaces sslrootcert",
    );
  }
  const mode = SSL_MODES.find((name) => name === sslmode);
  if (mode === undefined) {
    throw new TypeError(`the sslmode of the URL must be one of ${SSL_MODES.join(", ")}`);
  }
  return {
    // An IPv6 address is in brackets.
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 5432),
    user,
    password,
    database,
    sslmode: mode,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new TypeError("the URL contains a % that is not followed by two hexadecimal digits");
  }
}

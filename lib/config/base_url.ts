/**
 * Ports that fetch refuses to call.
 *
 * @see {@link https://fetch.spec.whatwg.org/#port-blocking} "bad port"
 */
const BAD_PORTS: ReadonlySet<string> = new Set(
  ("0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 " +
    "111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 " +
    "532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 3659 4045 4190 " +
    "5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080").split(" "),
);

/** Returns true for the built-in demo model. */
export function isDemo(baseUrl: string): boolean {
  return baseUrl.trim().startsWith("demo:");
}

/** Says what is wrong with a base URL, without showing it. Returns undefined for a valid one. */
export function baseUrlFault(baseUrl: string): string | undefined {
  if (isDemo(baseUrl)) return undefined;
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return "expected a URL such as https://api.groq.com/openai/v1, or demo: for the built-in model";
  }
  if (url.username !== "" || url.password !== "") {
    return "must not contain a user name or password; " +
      "set the key as model_provider_api_key, or as the upstream's api_key or headers";
  }
  if (url.hash !== "") return "must not contain a fragment (#…); remove it";
  if (BAD_PORTS.has(url.port)) {
    return `port ${url.port} is blocked by the Fetch standard; configure the provider to use another`;
  }
  return undefined;
}

/** Removes trailing slashes and `/chat/completions`, but keeps a query. */
export function normaliseBaseUrl(baseUrl: string): string {
  const [base = "", ...query] = baseUrl.trim().split("?");
  const path = base.replace(/\/+$/, "").replace(/\/chat\/completions$/, "").replace(/\/+$/, "");
  return [path, ...query].join("?");
}

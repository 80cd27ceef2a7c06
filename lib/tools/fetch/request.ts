import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { pipeline, type Readable } from "node:stream";
import { createGunzip, createInflate } from "node:zlib";
import { ToolFailure } from "../failure.ts";
import { isPublicAddress } from "./address.ts";

export interface ResolvedAddress {
  address: string;
  family: number;
}

export interface Network {
  /** Returns the addresses of a host name; rejects if there are none. */
  resolve(host: string): Promise<ResolvedAddress[]>;
  /** Certificate authorities in PEM. Default: the runtime's. */
  ca?: string;
}

export interface RequestLimits {
  /** Maximum size of the body after decompression. */
  maxBytes: number;
  maxRedirects: number;
  /** Hosts, with the port unless it is 80 or 443, that may have any address. */
  allowedHosts: ReadonlySet<string>;
  /** Whether the client allows a page, also after a redirect. Default: it does. */
  mayUse?: ((url: URL) => boolean) | undefined;
}

export interface Page {
  /** URL after all redirects. */
  url: URL;
  /** Lower case, without parameters. */
  mediaType: string;
  charset: string | undefined;
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether the body was longer. */
  isCut: boolean;
}

const MAX_URL_CHARACTERS = 2_048;

/** The runtime has 512 threads for these and for other blocking work, such as files. */
const MAX_LOOKUPS = 64;

/**
 * Gets a page. Every host, also of redirects, is resolved once, and its address is checked before
 * the connection is made to just that address.
 *
 * @throws {ToolFailure} with a reason for the model.
 */
export async function getPage(
  address: string,
  network: Network,
  limits: RequestLimits,
  signal: AbortSignal,
): Promise<Page> {
  let url = parseUrl(address);
  for (let redirects = 0;; redirects++) {
    if (limits.mayUse?.(url) === false) {
      throw new ToolFailure("The user does not allow pages of this site.");
    }
    signal.throwIfAborted();
    const addresses = await checkedAddresses(url, network, limits.allowedHosts);
    signal.throwIfAborted();
    const response = await send(url, addresses, network.ca, signal);
    try {
      const { statusCode = 0, headers } = response;
      if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
        if (redirects === limits.maxRedirects) {
          throw new ToolFailure(`The page redirects more than ${limits.maxRedirects} times.`);
        }
        url = parseUrl(headers.location, url);
        continue;
      }
      if (statusCode !== 200) throw new ToolFailure(`The site answered with status ${statusCode}.`);
      return { url, ...contentType(response), ...await readBody(response, limits.maxBytes) };
    } finally {
      response.destroy();
    }
  }
}

function parseUrl(text: string, base?: URL): URL {
  const url = text.length > MAX_URL_CHARACTERS ? null : URL.parse(text, base);
  if (url === null) throw new ToolFailure("Expected a URL such as https://example.com/page.");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ToolFailure("Only http and https URLs can be fetched.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new ToolFailure("A URL with a user name or password can't be fetched.");
  }
  url.hash = "";
  return url;
}

async function checkedAddresses(
  url: URL,
  network: Network,
  allowedHosts: ReadonlySet<string>,
): Promise<ResolvedAddress[]> {
  const isAllowed = allowedHosts.has(url.host);
  if (!isAllowed && !["", "80", "443"].includes(url.port)) {
    throw new ToolFailure("Only the ports 80 and 443 can be fetched.");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const family = isIP(host);
  const addresses = family > 0 ? [{ address: host, family }] : await lookUp(host, network);
  if (addresses.length === 0) throw new ToolFailure("The host of the URL was not found.");
  if (!isAllowed && !addresses.every(({ address }) => isPublicAddress(address))) {
    throw new ToolFailure("The host of the URL is not on the public internet.");
  }
  return addresses;
}

/** Look-ups of this process that have not ended. They can't be cancelled, and take a thread each. */
let lookups = 0;

async function lookUp(host: string, network: Network): Promise<ResolvedAddress[]> {
  if (lookups >= MAX_LOOKUPS) {
    throw new ToolFailure("Too many hosts are being looked up. Try again later.");
  }
  lookups++;
  try {
    return await network.resolve(host);
  } catch {
    return [];
  } finally {
    lookups--;
  }
}

function send(
  url: URL,
  addresses: ResolvedAddress[],
  ca: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const lookup: LookupFunction = (_host, options, callback) => {
    if (options.all) callback(null, addresses);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  };
  const options = {
    lookup,
    agent: false as const,
    headers: {
      accept: "text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.8,*/*;q=0.1",
      "accept-encoding": "gzip, deflate",
      "user-agent": "o1-api",
    },
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = url.protocol === "http:"
    ? requestHttp(url, options)
    : requestHttps(url, { ...options, rejectUnauthorized: true, ...(ca !== undefined && { ca }) });
  const abort = () => request.destroy();
  signal.addEventListener("abort", abort);
  request.on("close", () => signal.removeEventListener("abort", abort));
  request.on("response", resolve);
  // Later errors are those of the body.
  request.on("error", () => reject(new ToolFailure("The connection to the site failed.")));
  request.end();
  return promise;
}

function contentType({ headers }: IncomingMessage): Pick<Page, "mediaType" | "charset"> {
  const [mediaType = "", ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim())
    .find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length)
    .replaceAll('"', "");
  return { mediaType: mediaType.trim(), charset };
}

async function readBody(
  response: IncomingMessage,
  maxBytes: number,
): Promise<Pick<Page, "bytes" | "isCut">> {
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  try {
    for await (const chunk of decompressed(response) as AsyncIterable<Uint8Array>) {
      bytes.set(chunk.subarray(0, maxBytes - length), length);
      if (length + chunk.length > maxBytes) return { bytes, isCut: true };
      length += chunk.length;
    }
  } catch (error) {
    if (error instanceof ToolFailure) throw error;
    throw new ToolFailure("The connection to the site was lost.");
  }
  return { bytes: bytes.subarray(0, length), isCut: false };
}

/** A decompressor emits at most 16 kB at a time, and waits for the reader. */
function decompressed(response: IncomingMessage): Readable {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity") return response;
  if (encoding === "gzip" || encoding === "x-gzip") return pipeTo(createGunzip());
  if (encoding === "deflate") return pipeTo(createInflate());
  throw new ToolFailure("The page has an unknown compression.");

  function pipeTo(decompressor: ReturnType<typeof createGunzip>): Readable {
    // An error also ends the iteration of the decompressor.
    pipeline(response, decompressor, () => {});
    return decompressor;
  }
}

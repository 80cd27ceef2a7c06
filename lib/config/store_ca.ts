import { dirname, resolve } from "node:path";
import type { Fault } from "./faults/fault.ts";
import { fileProblem, type ReadFile } from "./prompt_files.ts";
import type { LenientConfig } from "./references/lenient.ts";

const CERTIFICATE_REGEXP = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads the certificates of `store_ca_file`. The faults do not contain its path.
 *
 * @returns the text, or undefined without a file or if it is faulty
 */
export async function readStoreCa(
  { store = "", store_ca_file: file }: Pick<LenientConfig, "store" | "store_ca_file">,
  { configFile, readFile }: { configFile: string; readFile: ReadFile },
): Promise<{ text?: string; faults: Fault[] }> {
  if (file === undefined) return { faults: [] };
  const fault = (message: string) => ({ faults: [{ path: ["store_ca_file"], message }] });
  if (!/^(rediss|postgres.*[?&]sslmode=verify-full)/.test(store)) {
    return fault(
      "only a store with TLS uses it; begin the URL in 'store' with rediss, end one of Postgres " +
        "with ?sslmode=verify-full, or remove it",
    );
  }
  let text;
  try {
    text = await readFile(resolve(dirname(configFile), file));
  } catch (error) {
    return fault(`can't read the file ${fileProblem(error)}`);
  }
  const certificates = text.match(CERTIFICATE_REGEXP) ?? [];
  if (certificates.length === 0) {
    return fault("expected a file with certificates in PEM: -----BEGIN CERTIFICATE----- …");
  }
  const { X509Certificate } = await import("node:crypto");
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch {
      return fault(`certificate ${index + 1} in the file is damaged; copy the file again`);
    }
  }
  return { text, faults: [] };
}

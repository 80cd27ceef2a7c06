/** Encrypts texts that are kept elsewhere, where nobody can read or change them or pass them on. */
export interface Vault {
  /** Returns the encrypted text in base64url. */
  seal(owner: string, text: string): Promise<string>;
  /** Returns undefined if the blob was not sealed with this secret, for this use and owner. */
  open(owner: string, blob: string): Promise<string | undefined>;
}

/** Each use has its own key. */
export type VaultUse =
  | "o1-api sealed reasoning"
  | "o1-api thinking signature"
  | "o1-api tool reasoning"
  | "o1-api background request";

/** Prefix of every blob, which identifies the format. */
const VERSION = "o1b.";
const NONCE_BYTES = 12;

/**
 * Uses AES-256-GCM with a key that HKDF-SHA256 (RFC 5869) derives from the secret, so that all
 * servers with the same secret can open each other's blobs.
 */
export function createVault(secret: string, use: VaultUse): Vault {
  let derived: Promise<CryptoKey> | undefined;
  const key = () => derived ??= derive(secret, use);
  const algorithm = (iv: Uint8Array<ArrayBuffer>, owner: string) => ({
    name: "AES-GCM",
    iv,
    additionalData: new TextEncoder().encode(owner),
  });

  return {
    async seal(owner, text) {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const sealed = await crypto.subtle.encrypt(
        algorithm(iv, owner),
        await key(),
        new TextEncoder().encode(text),
      );
      const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength);
      bytes.set(iv);
      bytes.set(new Uint8Array(sealed), NONCE_BYTES);
      return VERSION + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    },
    async open(owner, blob) {
      if (!blob.startsWith(VERSION)) return undefined;
      try {
        const bytes = Uint8Array.fromBase64(blob.slice(VERSION.length), { alphabet: "base64url" });
        const text = await crypto.subtle.decrypt(
          algorithm(bytes.subarray(0, NONCE_BYTES), owner),
          await key(),
          bytes.subarray(NONCE_BYTES),
        );
        return new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
      } catch {
        return undefined;
      }
    },
  };
}

async function derive(secret: string, use: VaultUse): Promise<CryptoKey> {
  const utf8 = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, [
    "deriveKey",
  ]);
  return await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8.encode(use) },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

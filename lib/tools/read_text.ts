import { ToolFailure } from "./failure.ts";

/**
 * Returns the body of a service's response.
 *
 * @throws {ToolFailure} if it is longer than `maxBytes` or incomplete.
 */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  try {
    // Leaving the loop cancels the body.
    for await (const bytes of response.body ?? []) {
      length += bytes.length;
      if (length > maxBytes) throw new ToolFailure("The answer of the service is too long.");
      text += decoder.decode(bytes, { stream: true });
    }
  } catch (error) {
    if (error instanceof ToolFailure) throw error;
    throw new ToolFailure("The connection to the service was lost.");
  }
  return text + decoder.decode();
}

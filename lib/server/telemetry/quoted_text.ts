/** Removes prompts and answers from providers' messages. */
import type { Message } from "../../reasoning/request.ts";
import { MAX_COMPARED, quotes } from "../../upstream/capabilities/quoted_prompt.ts";
import { contentText } from "../../upstream/target.ts";

/** A quoted text that is longer than a name, or has no closing quote. */
const QUOTED_REGEXP = /(?<![a-z])(["'`])(?:(?!\1).){41,}(?:\1|$)/gi;

/** A text that could not be read may follow, as in "Failed to parse input at pos 7: …". */
const UNREAD_REGEXP = /\b(?:pars|pos\b|raw\b|invalid json)/i;

const WORD_REGEXP = /[^\s"'`,;:()[\]{}<>]{8,80}/g;

/** Length of the part of a message whose words are compared; later ones are left out. */
const MAX_WORDS_LENGTH = 500;

/**
 * Returns a provider's message without the texts that it quotes. A message that contains a part of
 * the prompt is replaced as a whole.
 */
export function withoutTexts(message: string, prompt: readonly Message[]): string {
  const rest = withoutUnreadText(message).replace(QUOTED_REGEXP, "$1…$1");
  return rest !== "" && quotes(rest, prompt) ? "[quotes the request]" : withoutWords(rest, prompt);
}

/** Replaces the longer words that are in the prompt too, such as a name or a number. */
function withoutWords(message: string, prompt: readonly Message[]): string {
  const texts = prompt.map(({ content, tool_calls: calls }) =>
    (contentText(content) + JSON.stringify(calls ?? "")).slice(-MAX_COMPARED)
  );
  return message.replace(
    WORD_REGEXP,
    (word, index) =>
      index < MAX_WORDS_LENGTH && !texts.some((text) => text.includes(word)) ? word : "…",
  );
}

function withoutUnreadText(message: string): string {
  const at = message.search(UNREAD_REGEXP);
  const isFollowed = at >= 0 && /[:={[<]/.test(message.slice(at));
  return isFollowed ? `${message.slice(0, at)}…` : message;
}

/**
 * The part of the libraries that the page uses.
 *
 * @module
 */

/** Makes a fragment of HTML that runs nothing. */
export const DOMPurify: {
  /** Leaves out all that is not allowed; a DocumentFragment with `RETURN_DOM_FRAGMENT`. */
  sanitize(html: string, options: Record<string, unknown>): unknown;
};

/** Sets mathematics. */
export const katex: {
  /** Sets a formula into an element; throws where it is no TeX. */
  render(tex: string, element: object, options: Record<string, unknown>): void;
};

/** A piece of Markdown. */
export interface Token {
  /** Its kind. */
  type: string;
  /** The text that it was made of. */
  raw: string;
  /** Its content. */
  text: string;
  /** Where a link leads. */
  href?: string;
  /** Whether a formula stands alone. */
  display?: boolean;
  /** What it is made of. */
  tokens?: Token[];
}

/** A list of pieces with the links that are defined elsewhere. */
export type Tokens = Token[] & {
  /** Links by name. */
  links: Record<string, unknown>;
};

/** Reads Markdown. */
export class Marked {
  /** Creates a reader. */
  constructor(...extensions: Record<string, unknown>[]);
  /** Markdown into pieces. */
  lexer(text: string): Tokens;
  /** Pieces into HTML. */
  parser(tokens: Token[]): string;
}

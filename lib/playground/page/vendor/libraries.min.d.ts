/** Types of the parts of the vendored libraries that the page uses. */

export const DOMPurify: {
  /** Removes everything that is not allowed; returns a DocumentFragment with `RETURN_DOM_FRAGMENT`. */
  sanitize(html: string, options: Record<string, unknown>): unknown;
};

export const katex: {
  /** Renders a formula into an element; throws for invalid TeX. */
  render(tex: string, element: object, options: Record<string, unknown>): void;
};

export interface Token {
  type: string;
  /** The source text of the token. */
  raw: string;
}

export class Marked {
  constructor(...extensions: Record<string, unknown>[]);
  lexer(text: string): Token[];
  /** Returns HTML. */
  parser(tokens: Token[]): string;
}

/** Validated settings of one entry of `upstreams` in config.yaml. */
export interface UpstreamOptions {
  /** Without a trailing slash or /chat/completions; `demo:` is the built-in model. */
  base_url: string;
  api_key?: string | string[] | undefined;
  /** Order of several keys. */
  rotate: "round_robin" | "on_refusal";
  headers: Record<string, string>;
  max_concurrency: number;
  /** Whether several samples may be requested in one call. Default: true. */
  use_n?: boolean | undefined;
  /** Whether templates open the thinking in the prompt. Default: learned. */
  opens_thinking?: boolean | undefined;
  /** Longest line of a stream, in characters. */
  max_line_bytes: number;
  /** Limits of one attempt. */
  timeouts: { headers_ms: number; first_token_ms: number; idle_ms: number; total_ms: number };
  /** `max_attempts` includes the first attempt of a call. */
  retry: { max_attempts: number; base_ms: number; max_ms: number };
  breaker: { window_ms: number; min_calls: number; failure_ratio: number; cooldown_ms: number };
  /** USD per million tokens. */
  price?: { input: number; cached_input?: number | undefined; output: number } | undefined;
}

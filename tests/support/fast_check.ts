/**
 * fast-check with the same values in every run, so that only a change of the code can fail a test.
 * `FAST_CHECK_SEED=$RANDOM` tries others; a failure prints its seed.
 *
 * @module
 */
import fc from "npm:fast-check@4.10.2";

fc.configureGlobal({ seed: Number(Deno.env.get("FAST_CHECK_SEED") ?? 1) });

export * from "npm:fast-check@4.10.2";
export default fc;

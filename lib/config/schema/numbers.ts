import { z } from "zod";

/** At most a day. */
export const milliseconds = z.number().int().min(1).max(86_400_000);

/** At most a million. */
export const count = z.number().int().min(1).max(1_000_000);

import type { Dialect } from "./dialect.ts";
import type { ApiError } from "./errors.ts";
import { modelList, modelObject } from "./models.ts";

/** OpenAI's error object. All four keys are always present. */
export function errorBody({ message, type, param, code }: ApiError) {
  return { error: { message, type, param, code } };
}

/** Errors and models in OpenAI's form, in which its two dialects agree. */
export const openAiForm: Omit<Dialect, "matches"> = {
  statusCode: (status) => status,
  errorBody,
  model: modelObject,
  modelList,
};

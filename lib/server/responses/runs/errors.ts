import { ApiError } from "../../../api/errors.ts";

export function cancelled(): ApiError {
  return new ApiError(400, "The response was cancelled.", { code: "response_cancelled" });
}

export function notFound(id: string): ApiError {
  return new ApiError(404, `Response with id '${id.slice(0, 100)}' not found.`);
}

export function serverStopped(): ApiError {
  return new ApiError(
    500,
    "The server that created this response has stopped. Send the request again.",
    { code: "server_shutdown" },
  );
}

export function timedOut(): ApiError {
  return new ApiError(504, "The response took longer than the server's limit.", {
    code: "request_timeout",
  });
}

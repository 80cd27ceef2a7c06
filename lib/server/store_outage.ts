import { ApiError } from "../api/errors.ts";
import { type Store, StoreError } from "../store/store.ts";

/** A store whose outages clients see as status 503. */
export function reportOutages(store: Store): Store {
  return {
    ...store,
    get: (keys) => store.get(keys).catch(rethrow),
    list: (range) => store.list(range).catch(rethrow),
    write: (changes) => store.write(changes).catch(rethrow),
    now: () => store.now().catch(rethrow),
  };
}

function rethrow(error: unknown): never {
  if (!(error instanceof StoreError)) throw error;
  throw new ApiError(503, "The server cannot reach its store at the moment. Try again later.", {
    code: "store_unavailable",
    headers: { "retry-after": "2" },
    cause: error,
  });
}

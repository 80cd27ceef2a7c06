/** Shorter values, such as versions and names, also occur in results that say nothing of them. */
const MIN_KEY_LENGTH = 16;

/** Returns a function that removes the keys in a server's headers, which it may repeat, from a text. */
export function createKeyFilter(headers: Readonly<Record<string, string>>) {
  const keys = Object.values(headers)
    .flatMap((value) => [value, ...value.split(" ")])
    .filter(({ length }) => length >= MIN_KEY_LENGTH);
  return (text: string): string => keys.reduce((rest, key) => rest.replaceAll(key, "***"), text);
}

/** Variables with which a program has another time, as Debian's package `faketime` provides it. */
export function findFakeTime(offset: string): Record<string, string> {
  for (const architecture of ["x86_64", "aarch64"]) {
    const path = `/usr/lib/${architecture}-linux-gnu/faketime/libfaketimeMT.so.1`;
    try {
      Deno.statSync(path);
    } catch {
      continue;
    }
    return { LD_PRELOAD: path, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
  }
  return {};
}

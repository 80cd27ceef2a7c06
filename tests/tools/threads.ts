/** Returns how many threads of workers the process has. On Linux only. */
export function countThreads(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/task")) {
    try {
      if (Deno.readTextFileSync(`/proc/self/task/${name}/comm`).startsWith("worker-")) count++;
    } catch {
      // It has just ended.
    }
  }
  return count;
}

import { FAULTS } from "./faults/all.ts";
import { runCell } from "./harness.ts";

const CELLS = [
  ["direct", "stream"],
  ["direct", "json"],
  ["steps", "stream"],
  ["steps", "json"],
] as const;

for (const fault of FAULTS) {
  Deno.test(`a request ends as expected: ${fault.name}`, async () => {
    const ends = await Promise.allSettled(
      CELLS.map(([strategy, mode]) => runCell(fault, strategy, mode)),
    );
    const failures = ends.flatMap((end, i) =>
      end.status === "rejected" ? [`${CELLS[i]!.join(", ")}: ${end.reason.stack}`] : []
    );
    if (failures.length > 0) throw new Error(failures.join("\n\n"));
  });
}

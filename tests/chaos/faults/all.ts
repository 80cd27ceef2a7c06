import type { Fault } from "./fault.ts";
import { CONNECTION_FAULTS } from "./connection.ts";
import { CONTENT_FAULTS } from "./content.ts";
import { DIALECTS } from "./dialect.ts";
import { SIZE_FAULTS } from "./size.ts";
import { STATUS_FAULTS } from "./status.ts";

export const FAULTS: readonly Fault[] = [
  ...CONNECTION_FAULTS,
  ...SIZE_FAULTS,
  ...STATUS_FAULTS,
  ...CONTENT_FAULTS,
  ...DIALECTS,
];

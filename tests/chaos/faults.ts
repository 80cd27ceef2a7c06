/**
 * The table of everything that an upstream does to its callers.
 *
 * @module
 */
import type { Fault } from "./fault.ts";
import { CONNECTION_FAULTS } from "./faults_connection.ts";
import { CONTENT_FAULTS } from "./faults_content.ts";
import { DIALECTS } from "./faults_dialect.ts";
import { SIZE_FAULTS } from "./faults_size.ts";
import { STATUS_FAULTS } from "./faults_status.ts";

/** The table. */
export const FAULTS: readonly Fault[] = [
  ...CONNECTION_FAULTS,
  ...SIZE_FAULTS,
  ...STATUS_FAULTS,
  ...CONTENT_FAULTS,
  ...DIALECTS,
];

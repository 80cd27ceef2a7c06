import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { numbers, sortedTable, times } from "./table.ts";

/** What the server says about an upstream; times in milliseconds. */
export interface Upstream {
  name: string;
  breaker: "open" | "closed";
  running: number;
  calls: number;
  failed: number;
  cancelled: number;
  ms: { p50: number; p95: number; max: number } | null;
  errors: Fault[];
}

interface Fault {
  time: string;
  model: string;
  type: string;
  status?: number;
  detail?: string;
}

/** The tables of upstreams and of their latest errors. */
export function upstreamsOf(upstreams: readonly Upstream[]): HTMLElement[] {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  const faults = upstreams.flatMap(({ name, errors }) =>
    errors.map((error) => ({ name, ...error }))
  );
  return [
    sortedTable<Upstream>(translate("Upstreams in the last 15 minutes"), [
      { title: translate("Upstream"), value: ({ name }) => name },
      {
        title: translate("State"),
        value: ({ breaker }) => breaker === "open" ? translate("skipped") : translate("in use"),
      },
      numbers(translate("Running"), ({ running }) => running),
      numbers(translate("Calls"), ({ calls }) => calls),
      numbers(translate("Failed"), ({ failed }) => failed),
      numbers(translate("Cancelled"), ({ cancelled }) => cancelled),
      numbers(translate("Median time"), ({ ms }) => ms?.p50, seconds),
      numbers(translate("95th percentile"), ({ ms }) => ms?.p95, seconds),
      numbers(translate("Longest time"), ({ ms }) => ms?.max, seconds),
    ], upstreams),
    faults.length === 0
      ? h("p.note", translate("No upstream call has failed."))
      : sortedTable<Fault & { name: string }>(translate("Latest errors"), [
        times(translate("When"), ({ time }) => time),
        { title: translate("Upstream"), value: ({ name }) => name },
        { title: translate("Model"), value: ({ model }) => model },
        { title: translate("Error"), value: ({ type }) => type },
        { title: translate("HTTP status"), value: ({ status }) => status },
        { title: translate("Message"), value: ({ detail }) => detail },
      ], faults),
  ];
}

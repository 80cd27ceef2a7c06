import { byId } from "./dom/elements.ts";
import { translate } from "./language/translate.ts";

/** The latest raw events are kept: at least this many, at most twice as many. */
const MAX_EVENTS = 400;

/** Longer events are cut. */
const MAX_CHARACTERS = 2_000;

/** Collects raw events and shows them while the drawer is open. */
export function createDrawer() {
  const drawer = byId("drawer", HTMLElement);
  const list = byId("raw", HTMLElement);
  const count = byId("raw-count", HTMLElement);
  let lines: string[] = [];
  let dropped = 0;
  let isScheduled = false;

  function show() {
    isScheduled = false;
    if (drawer.hidden) return;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    count.textContent = dropped === 0
      ? translate("{count} events", { count: lines.length })
      : translate("the last {count} of {total} events", {
        count: lines.length,
        total: lines.length + dropped,
      });
    list.textContent = lines.join("\n");
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  function scheduleShow() {
    if (isScheduled || drawer.hidden) return;
    isScheduled = true;
    setTimeout(() => requestAnimationFrame(show), 200);
  }

  return {
    /** @param name that of the answer's model. */
    add(name: string, event: unknown) {
      const text = JSON.stringify(event);
      const shown = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
      lines.push(`${name} ${shown}`);
      if (lines.length > MAX_EVENTS * 2) {
        dropped += lines.length - MAX_EVENTS;
        lines = lines.slice(-MAX_EVENTS);
      }
      scheduleShow();
    },
    clear() {
      lines = [];
      dropped = 0;
      scheduleShow();
    },
    /** Opens or closes the drawer; returns true if it is now open. */
    toggle() {
      drawer.hidden = !drawer.hidden;
      show();
      return !drawer.hidden;
    },
  };
}

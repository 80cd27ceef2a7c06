/**
 * The raw events of the last answers, as many as are worth keeping.
 *
 * @module
 */

const MOST_EVENTS = 400;
const MOST_CHARACTERS = 2_000;

/**
 * Keeps events, and shows them while the drawer is open.
 *
 * @param {object} elements
 * @param {HTMLElement} elements.drawer
 * @param {HTMLElement} elements.list
 * @param {HTMLElement} elements.count
 */
export function createDrawer({ drawer, list, count }) {
  /** @type {string[]} */
  let lines = [];
  let dropped = 0;
  let waits = false;

  function show() {
    waits = false;
    if (drawer.hidden) return;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    count.textContent = dropped === 0
      ? `${lines.length} events`
      : `the last ${lines.length} of ${lines.length + dropped} events`;
    list.textContent = lines.join("\n");
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  function later() {
    if (waits || drawer.hidden) return;
    waits = true;
    setTimeout(() => requestAnimationFrame(show), 200);
  }

  return {
    /**
     * @param {string} name whose event it is
     * @param {unknown} event
     */
    add(name, event) {
      const text = JSON.stringify(event);
      const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
      lines.push(`${name} ${shown}`);
      if (lines.length > MOST_EVENTS * 2) {
        dropped += lines.length - MOST_EVENTS;
        lines = lines.slice(-MOST_EVENTS);
      }
      later();
    },
    /** Forgets all. */
    clear() {
      lines = [];
      dropped = 0;
      later();
    },
    /** Opens or closes it; tells whether it is open now. */
    toggle() {
      drawer.hidden = !drawer.hidden;
      show();
      return !drawer.hidden;
    },
  };
}

import { h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";
import { createLiveText } from "../text/live_text.ts";

/**
 * Shows a step that is open while it is written, and closes at its end unless the user has opened
 * or closed it.
 *
 * @param titled whether its text begins with `**Title**` and a blank line
 */
export function createStep(titled: boolean) {
  const name = h("span.name", titled ? "…" : translate("Thinking"));
  const time = h("span.time");
  const body = h("div.prose.small");
  const live = createLiveText(body);
  const element = h("details.step.live", { open: true }, h("summary", name, time), body);
  /** The text while its title is incomplete. */
  let head: string | undefined = titled ? "" : undefined;
  let touched = false;
  element.querySelector("summary")?.addEventListener("click", () => touched = true);

  return {
    element,
    push(text: string) {
      if (head === undefined) return live.push(text);
      head += text;
      const start = head.trimStart();
      const end = start.indexOf("**\n\n", 2);
      const title = end < 0
        ? start.slice(2).trimEnd().replace(/\*{1,3}$/, "")
        : start.slice(2, end);
      name.textContent = title || "…";
      if (end < 0) return;
      head = undefined;
      live.push(start.slice(end + 4));
    },
    end(title: string, seconds: number | undefined) {
      if (title !== "") name.textContent = title;
      else if (titled && name.textContent === "…") name.textContent = translate("Thinking");
      if (seconds !== undefined) time.textContent = `${seconds.toFixed(1)} s`;
      element.classList.remove("live");
      live.end();
      if (!touched) element.open = false;
    },
  };
}

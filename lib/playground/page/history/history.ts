import type { Turn } from "../chat/turns.ts";
import { h, quietButton } from "../dom/elements.ts";
import { onLanguage, translate } from "../language/translate.ts";
import type { Conversation, Conversations } from "../storage/conversations.ts";
import { download, toMarkdown } from "./export.ts";

/** Name in local storage; absent unless the reader has switched storing off. */
const OFF_ITEM = "o1-api.history";

const ENTRIES_PER_TURN = 100;

export interface HistoryOptions {
  panel: HTMLElement;
  /** The browser's database; undefined where it allows none. */
  stored: Conversations | undefined;
  /** Shows a stored conversation, or a new one. */
  open: (id?: string, turns?: Map<string, Turn>, leaf?: string) => void;
  /** The conversation that is shown. */
  current: () => { id: string; path: readonly Turn[] };
  close: () => void;
  notify: (line: string, isProblem?: boolean) => void;
}

/** The list of the conversations that this browser keeps. */
export function createHistory({ panel, stored, open, current, close, notify }: HistoryOptions) {
  const search = h("input", { type: "search" });
  const list = h("ul");
  const keep = h("input", { type: "checkbox" });
  keep.checked = stored !== undefined && localStorage.getItem(OFF_ITEM) === null;
  keep.disabled = stored === undefined;
  let all: Conversation[] = [];
  let timer: number | undefined;

  search.addEventListener("input", show);
  keep.addEventListener("change", () => {
    if (keep.checked) localStorage.removeItem(OFF_ITEM);
    else localStorage.setItem(OFF_ITEM, "off");
  });

  const titleOf = (id: string) =>
    all.find((conversation) => conversation.id === id)?.title ?? translate("Conversation");
  const nameOf = (id: string) => titleOf(id).replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60);

  function build(): void {
    search.placeholder = translate("Search");
    search.ariaLabel = translate("Search conversations");
    panel.replaceChildren(
      h("div.head", h("h2", translate("Conversations")), quietButton(translate("Close"), close)),
      search,
      list,
      h(
        "div.row",
        quietButton(translate("Export Markdown"), () => {
          const { id, path } = current();
          download(`${nameOf(id)}.md`, "text/markdown", toMarkdown(titleOf(id), path));
        }),
        quietButton(translate("Export HTML"), async () => {
          const { id, path } = current();
          const { toHtml } = await import("./share.ts");
          download(`${nameOf(id)}.html`, "text/html", toHtml(titleOf(id), path));
        }),
        quietButton(translate("Export JSON"), () => {
          const { id, path } = current();
          download(`${nameOf(id)}.json`, "application/json", JSON.stringify(path, null, 2));
        }),
      ),
      h("label.keep", keep, translate("Store conversations in this browser")),
      quietButton(translate("Delete all conversations"), clear),
    );
    show();
  }

  async function refresh(): Promise<void> {
    all = await stored?.list() ?? [];
    show();
  }

  function show(): void {
    const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const found = all.filter(({ title, words: text }) => {
      const searched = `${title} ${text}`.toLowerCase();
      return words.every((word) => searched.includes(word));
    });
    list.replaceChildren();
    showFrom(found, 0);
    if (found.length === 0) {
      list.append(
        h(
          "li.note",
          all.length === 0
            ? translate("No conversations yet.")
            : translate("No conversations found."),
        ),
      );
    }
  }

  /** Adds entries in several tasks if there are many, so that the page stays responsive. */
  function showFrom(found: readonly Conversation[], start: number): void {
    clearTimeout(timer);
    list.append(...found.slice(start, start + ENTRIES_PER_TURN).map(entryOf));
    const next = start + ENTRIES_PER_TURN;
    if (next < found.length) timer = setTimeout(() => showFrom(found, next));
  }

  function entryOf(conversation: Conversation): HTMLElement {
    const { id, title, leaf } = conversation;
    const isCurrent = id === current().id;
    const item = h(
      "li",
      { class: isCurrent ? "current" : false },
      h("button.quiet.title", {
        type: "button",
        "aria-current": isCurrent && "true",
        onclick: async () => open(id, await stored?.turns(id), leaf),
      }, title),
      quietButton(
        translate("Rename"),
        () => rename(item, conversation),
        translate("Rename {title}", { title }),
      ),
      quietButton(translate("Delete"), async () => {
        await stored?.remove(id);
        if (isCurrent) open();
        await refresh();
      }, translate("Delete {title}", { title })),
    );
    return item;
  }

  function rename(item: HTMLElement, { id, title }: Conversation): void {
    const field = h("input", { "aria-label": translate("New name"), maxlength: 200 });
    field.value = title;
    const form = h("form", field);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (field.value.trim() !== "") await stored?.change(id, { title: field.value.trim() });
      await refresh();
    });
    field.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") show();
    });
    item.replaceChildren(form);
    field.select();
  }

  /** The second press deletes all conversations. */
  async function clear(event: Event): Promise<void> {
    const pressed = event.currentTarget as HTMLButtonElement;
    if (pressed.dataset.sure === undefined) {
      pressed.dataset.sure = "";
      pressed.textContent = translate("Press again to delete all");
      return;
    }
    delete pressed.dataset.sure;
    pressed.textContent = translate("Delete all conversations");
    await stored?.clear();
    open();
    await refresh();
    notify(translate("All conversations were deleted."));
  }

  build();
  onLanguage(build);
  return {
    refresh,
    /** Keeps a turn, unless the reader has switched that off. */
    async add(turn: Turn): Promise<void> {
      if (!keep.checked) return;
      try {
        await stored?.add(turn);
      } catch {
        notify(translate("The browser has no space left to store this conversation."), true);
      }
      await refresh();
    },
    /** Remembers which branch of a conversation is shown. */
    keepLeaf: (id: string, leaf: string) => void stored?.change(id, { leaf }),
    /** Shows a conversation by its id, if the browser has it. */
    async restore(id: string): Promise<void> {
      const found = all.find((conversation) => conversation.id === id);
      if (found !== undefined) open(id, await stored?.turns(id), found.leaf);
    },
  };
}

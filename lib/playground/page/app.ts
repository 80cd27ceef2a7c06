import "./style/base.css";
import "./style/header.css";
import "./style/chat.css";
import "./style/thinking.css";
import "./style/text.css";
import "./style/code.css";
import "./style/figures.css";
import "./style/composer.css";
import "./style/panels.css";
import "./style/history.css";
import "./style/settings.css";
import "./style/operators.css";
import "./style/small.css";
import { readJson } from "./api/requests.ts";
import type { Model, Strategy } from "./api/types.ts";
import { createAttachments } from "./chat/attachments.ts";
import { createChat } from "./chat/chat.ts";
import { createPicker, type Pick } from "./chat/picker.ts";
import type { Turn } from "./chat/turns.ts";
import { showCode } from "./code/dialog.ts";
import { byId, followEnd } from "./dom/elements.ts";
import { createDrawer } from "./drawer.ts";
import { startLanguage } from "./language/language.ts";
import { onLanguage, translate } from "./language/translate.ts";
import { createHistory } from "./history/history.ts";
import { createShortcuts } from "./shortcuts/shortcuts.ts";
import { createFields } from "./settings/fields.ts";
import { createSettings } from "./settings/settings.ts";
import { openConversations } from "./storage/conversations.ts";

/** Name of the key in session storage, which the browser clears when the tab is closed. */
const KEY_ITEM = "o1-api.key";

/** Minimum time between two announcements to screen readers, in milliseconds. */
const ANNOUNCE_MS = 2_500;

await startLanguage();
const gate = byId("gate", HTMLElement);
const keyField = byId("key", HTMLInputElement);
const gateError = byId("gate-error", HTMLElement);
const playground = byId("playground", HTMLElement);
const bar = byId("bar-actions", HTMLElement);
const log = byId("log", HTMLElement);
const welcome = byId("welcome", HTMLElement);
const composer = byId("composer", HTMLFormElement);
const field = byId("question", HTMLTextAreaElement);
const effort = byId("effort", HTMLSelectElement);
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);
const notice = byId("notice", HTMLElement);
const eventsPanel = byId("drawer", HTMLElement);
const settingsButton = byId("settings", HTMLButtonElement);
const historyPanel = byId("history", HTMLElement);
let key = "";

const showEnd = followEnd(log, byId("turns", HTMLElement));
const announce = createAnnouncer(byId("live", HTMLElement));
const fields = createFields();
const drawer = createDrawer();
const picker = createPicker(fields.show);
const attachments = createAttachments(notify);
const chat = createChat({
  log: byId("turns", HTMLElement),
  key: () => key,
  announce,
  drawer,
  showCode,
  onFault: showFault,
  view: {
    showReasoning: async (answer) => (await loadView()).showReasoning(answer),
    showDifferences: async (...runs) => (await loadView()).showDifferences(...runs),
  },
  onTurn: (turn) => chats.add(turn),
  onLeaf: (id, leaf) => chats.keepLeaf(id, leaf),
  onRunning: showRunning,
});
onLanguage(chat.redraw);
const optionsPanel = byId("options", HTMLElement);
const settings = createSettings(fields);
const chats = createHistory({
  panel: historyPanel,
  stored: await openConversations().catch(() => undefined),
  open: openChat,
  current: () => ({ id: chat.id(), path: chat.path() }),
  close: () => byId("chats", HTMLButtonElement).click(),
  notify,
});

byId("gate-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  enter(keyField.value.trim());
});
byId("forget", HTMLButtonElement).addEventListener("click", () => {
  openChat();
  showGate("");
});
byId("new", HTMLButtonElement).addEventListener("click", () => {
  openChat();
  field.focus();
});
toggles("events", () => {
  if (!optionsPanel.hidden) settingsButton.click();
  return drawer.toggle();
});
toggles("chats", () => !(historyPanel.hidden = !historyPanel.hidden));
toggles("settings", () => {
  if (!eventsPanel.hidden) byId("events", HTMLButtonElement).click();
  return !(optionsPanel.hidden = !optionsPanel.hidden);
});
byId("usage", HTMLButtonElement).addEventListener("click", async () => {
  const { showUsage } = await import("./operators/usage.ts");
  showUsage(key);
});
byId("options-close", HTMLButtonElement).addEventListener("click", () => settingsButton.click());
stop.addEventListener("click", () => {
  chat.stop();
  field.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]")) return;
  if (!chat.isRunning()) {
    if (!optionsPanel.hidden && document.activeElement !== field) settingsButton.click();
    return field.blur();
  }
  chat.stop();
  field.focus();
});
const shortcuts = createShortcuts([
  { key: "?", text: () => translate("Show these shortcuts"), run: () => void shortcuts.show() },
  { key: "n", text: () => translate("New conversation"), run: () => press("new") },
  { key: "i", text: () => translate("Write a question"), run: () => field.focus() },
  { key: "s", text: () => translate("Search the conversations"), run: searchChats },
  { key: "b", text: () => translate("Show or hide the conversations"), run: () => press("chats") },
  {
    key: "r",
    text: () => translate("Answer the last question again"),
    run: () => chat.press("retry"),
  },
  { key: "e", text: () => translate("Edit the last question"), run: () => chat.press("edit") },
  { key: "c", text: () => translate("Copy the last answer"), run: () => chat.press("copy") },
  { key: "m", text: () => translate("Compare models"), run: () => press("compare") },
  { key: "o", text: () => translate("Show or hide the settings"), run: () => press("settings") },
  { key: "u", text: () => translate("Show the usage"), run: () => press("usage") },
  { key: "l", text: () => translate("Show or hide the raw events"), run: () => press("events") },
]);
byId("shortcuts", HTMLButtonElement).addEventListener("click", () => void shortcuts.show());
composer.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
field.addEventListener("keydown", (event) => {
  // While an input method is composing, Enter selects a character. Safari ends the composition
  // before it reports that Enter, with the code of input methods, 229.
  if (event.key !== "Enter" || event.shiftKey) return;
  if (event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  ask();
});
field.addEventListener("input", grow);
for (const example of welcome.querySelectorAll("button")) {
  example.addEventListener("click", () => {
    field.value = example.textContent ?? "";
    ask();
  });
}
const storedKey = sessionStorage.getItem(KEY_ITEM);
if (storedKey === null) showGate("");
else enter(storedKey);

/** Opens the playground if the server accepts the key. */
async function enter(candidate: string) {
  gateError.textContent = "";
  if (candidate === "") return showGate(translate("Enter the key first."));
  try {
    const { data, strategies } = await readJson<{ data: Model[]; strategies: Strategy[] }>(
      candidate,
      "/models",
    );
    key = candidate;
    sessionStorage.setItem(KEY_ITEM, candidate);
    fields.offer(data, strategies);
    picker.offer(data, strategies);
    await chats.refresh();
    const id = /^#chat=([\w-]+)$/.exec(location.hash)?.[1];
    if (id !== undefined) await chats.restore(id);
    keyField.value = "";
    gate.hidden = true;
    playground.hidden = bar.hidden = false;
    field.focus();
  } catch (error) {
    showGate(error instanceof Error ? error.message : String(error));
  }
}

/** Forgets the key and asks for one. The message, which may be empty, says why. */
function showGate(message: string) {
  key = "";
  sessionStorage.removeItem(KEY_ITEM);
  gate.hidden = false;
  playground.hidden = bar.hidden = true;
  welcome.hidden = false;
  gateError.textContent = message;
  keyField.focus();
}

async function ask() {
  const text = field.value.trim();
  if (text === "" && attachments.isEmpty()) return;
  if (chat.isRunning()) {
    notify(translate("Wait for the answer, or press Escape to stop it."), true);
    return;
  }
  notify("");
  settings.clearFaults();
  field.value = "";
  grow();
  welcome.hidden = true;
  const answered = chat.ask({
    text,
    ...attachments.take(),
    picks: picker.picks(),
    effort: effort.value,
    settings: settings.value(),
  });
  history.replaceState(null, "", `#chat=${chat.id()}`);
  showEnd();
  await answered;
}

/** Shows a conversation, by default a new one. */
function openChat(id?: string, turns?: Map<string, Turn>, leaf?: string) {
  chat.open(id, turns, leaf);
  welcome.hidden = turns !== undefined;
  history.replaceState(null, "", turns === undefined ? "." : `#chat=${id}`);
  showEnd();
}

/** Loads the dialogs of the reasoning view when one is first opened. */
function loadView() {
  return import("./view/dialog.ts");
}

/** Lets a button show and hide something; `toggle` returns whether it is now shown. */
function toggles(id: string, toggle: () => boolean) {
  const button = byId(id, HTMLButtonElement);
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(toggle()));
  });
}

/** Shows why the server rejects a setting. */
function showFault(param: string, message: string, pick: Pick) {
  if (settings.showFault(param, message, pick) && optionsPanel.hidden) settingsButton.click();
}

/** Presses a button of the bar, which does nothing before the key is entered. */
function press(id: string) {
  if (!bar.hidden) byId(id, HTMLButtonElement).click();
}

function searchChats() {
  if (historyPanel.hidden) press("chats");
  historyPanel.querySelector("input")?.focus();
}

function showRunning(isRunning: boolean) {
  const hadFocus = document.activeElement === send || document.activeElement === stop;
  send.hidden = isRunning;
  stop.hidden = !isRunning;
  if (hadFocus) field.focus();
}

/** Fits the field's height to its text, up to 240 pixels. */
function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight + 2, 240)}px`;
}

/** Shows a line below the question. */
function notify(line: string, isProblem = false) {
  notice.textContent = line;
  notice.classList.toggle("problem", isProblem);
}

/**
 * Announces lines to screen readers; of several lines within {@linkcode ANNOUNCE_MS} only the
 * newest.
 */
function createAnnouncer(live: HTMLElement) {
  let last = -ANNOUNCE_MS;
  let next = "";
  let timer: number | undefined;
  return (line: string) => {
    next = line;
    timer ??= setTimeout(() => {
      timer = undefined;
      last = performance.now();
      live.textContent = next;
    }, Math.max(0, last + ANNOUNCE_MS - performance.now()));
  };
}

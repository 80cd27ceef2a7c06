import { translate } from "../language/translate.ts";

type Tag = keyof HTMLElementTagNameMap;
type Child = Node | string | null;
type Properties = Readonly<Record<string, unknown>>;

/**
 * Creates an element. Strings become text, never markup. A property that is a function, such as
 * `onclick`, becomes a listener for `click`; the others become attributes, unless they are false or
 * undefined.
 *
 * @param selector name and classes, such as `p.note`
 * @param content properties, if there are any, and children
 */
export function h<Name extends Tag>(
  selector: Name | `${Name}.${string}`,
  ...content: [Properties, ...Child[]] | Child[]
): HTMLElementTagNameMap[Name] {
  const [name, ...classes] = selector.split(".");
  const element = document.createElement(name as Name);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const part of content) {
    if (part === null) continue;
    if (typeof part === "string" || part instanceof Node) element.append(part);
    else setProperties(element, part);
  }
  return element;
}

function setProperties(element: HTMLElement, properties: Properties): void {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(key.slice(2), value as EventListener);
    } else if (value !== false && value !== undefined) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
}

/** Creates a button without a frame. Screen readers say its name instead of the label. */
export function quietButton(label: string, onclick: (event: Event) => void, name = label) {
  return h("button.quiet", { type: "button", "aria-label": name, onclick }, label);
}

/** Creates a button with a cross, which screen readers call by its name. */
export function crossButton(className: string, name: string, onclick: () => void) {
  return h("button", { type: "button", class: className, "aria-label": name, onclick }, "×");
}

/** Opens a modal dialog, which is removed when it is closed. */
export function openDialog(className: string, title: string, ...content: Node[]) {
  const close = crossButton("quiet close", translate("Close"), () => dialog.close());
  const dialog = h(
    "dialog",
    { class: className, "aria-labelledby": "dialog-title" },
    h("header", h("h2", { id: "dialog-title" }, title), close),
    ...content,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @throws {TypeError} if the page has no such element */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`The page has no ${type.name} #${id}`);
  return element;
}

/**
 * Keeps the end of a scrolling element in view while its content grows, unless the user has scrolled
 * up. Returns a function that shows the end.
 */
export function followEnd(scroller: HTMLElement, content: HTMLElement): () => void {
  let follows = true;
  let top = 0;
  scroller.addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    if (scrollHeight - scrollTop - clientHeight < 80) follows = true;
    // Otherwise only the reader scrolls up; content that grows leaves the end behind.
    else if (scrollTop < top) follows = false;
    top = scrollTop;
  }, { passive: true });
  const observer = new ResizeObserver(() => {
    if (follows) scroller.scrollTop = scroller.scrollHeight;
  });
  observer.observe(content);
  observer.observe(scroller);
  return () => {
    follows = true;
    scroller.scrollTop = scroller.scrollHeight;
  };
}

import { translate } from "./language/language.js";

/**
 * Creates an element. Strings become text, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, unknown>} [properties] attributes; a function such as `onclick` becomes a
 *   listener for `click`; false, null and undefined omit the attribute
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Creates a button without a frame.
 *
 * @param {string} label
 * @param {(event: Event) => void} onclick
 * @param {string} [name] what screen readers say instead of the label
 */
export function quietButton(label, onclick, name = label) {
  return h("button", { type: "button", class: "quiet", "aria-label": name, onclick }, label);
}

/**
 * Opens a modal dialog, which is removed when it is closed.
 *
 * @param {string} className
 * @param {string} title
 * @param {...Node} content
 */
export function openDialog(className, title, ...content) {
  const close = quietButton("×", () => dialog.close(), translate("Close"));
  close.classList.add("close");
  const dialog = h(
    "dialog",
    { class: className, "aria-labelledby": "dialog-title" },
    h("header", {}, h("h2", { id: "dialog-title" }, title), close),
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

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 * @throws {TypeError} if the page has no such element
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`The page has no ${type.name} #${id}`);
  return element;
}

/**
 * Keeps the end of a scrolling element in view while its content grows, unless the user has
 * scrolled up.
 *
 * @param {HTMLElement} scroller
 * @param {HTMLElement} content
 * @returns {() => void} shows the end
 */
export function followEnd(scroller, content) {
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

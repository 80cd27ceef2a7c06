import { byId, crossButton, h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";

const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const MAX_BYTES = 15_000_000;
const MAX_ATTACHMENTS = 8;
const MAX_TEXT_BYTES = 500_000;

/** Collects pictures and text files for the next question: chosen, pasted or dropped. */
export function createAttachments(notify: (line: string, isProblem?: boolean) => void) {
  const list = byId("attachments", HTMLElement);
  const input = byId("files", HTMLInputElement);
  const target = byId("playground", HTMLElement);
  let attached: { name: string; url?: string; text?: string }[] = [];

  function show() {
    list.hidden = attached.length === 0;
    list.replaceChildren(
      ...attached.map((attachment) =>
        h(
          "li",
          attachment.url === undefined
            ? h("span.file", attachment.name)
            : h("img", { src: attachment.url, alt: attachment.name }),
          crossButton("remove", translate("Remove {name}", { name: attachment.name }), () => {
            attached = attached.filter((other) => other !== attachment);
            show();
          }),
        )
      ),
    );
  }

  async function add(files: Iterable<File>) {
    for (const file of files) {
      const name = file.name || translate("picture");
      const problem = await attach(file, name);
      notify(problem ?? translate("{name} attached.", { name }), problem !== undefined);
    }
    show();
  }

  /** Returns why the file can't be attached. */
  async function attach(file: File, name: string): Promise<string | undefined> {
    if (attached.length >= MAX_ATTACHMENTS) {
      return translate("At most {count} files can be attached.", { count: MAX_ATTACHMENTS });
    }
    const isPicture = TYPES.includes(file.type);
    const maxBytes = isPicture ? MAX_BYTES : MAX_TEXT_BYTES;
    if (file.size > maxBytes) {
      return translate("{name} is larger than {size} MB.", { name, size: maxBytes / 1e6 });
    }
    const text = isPicture ? undefined : await file.text();
    // The replacement character and NUL only occur where the bytes are not text.
    if (text !== undefined && /[\0\ufffd]/.test(text)) {
      return translate("{name} is neither text nor a PNG, JPEG, WebP or GIF.", { name });
    }
    attached.push(text === undefined ? { name, url: await dataUrl(file) } : { name, text });
  }

  byId("attach", HTMLButtonElement).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    add([...input.files ?? []]);
    input.value = "";
  });
  target.addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length === 0) return;
    event.preventDefault();
    add(files);
  });
  target.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    target.classList.add("dropping");
  });
  target.addEventListener("dragleave", () => target.classList.remove("dropping"));
  target.addEventListener("drop", (event) => {
    target.classList.remove("dropping");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });

  return {
    isEmpty: () => attached.length === 0,
    /** Removes all attachments and returns them; pictures as data URLs. */
    take() {
      const images = attached.flatMap(({ url }) => url ?? []);
      const files = attached.flatMap(({ name, text }) =>
        text === undefined ? [] : [{ name, text }]
      );
      attached = [];
      show();
      return { images, files };
    },
  };
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

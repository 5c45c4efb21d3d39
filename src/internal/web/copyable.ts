/** Values to copy: a text or a link, with a button that copies it. */
import { type Html, html } from "./html.js"

/** Schemes that run or embed content instead of opening an application. */
const unsafeScheme = /^(?:javascript|data|vbscript|blob|file):/i

/**
 * A text with a copy button, which {@link copyScript} shows. Without JavaScript, one click selects the whole text. `label`
 * names the value for a screen reader.
 */
export const copyable = (label: string, text: string): Html =>
  html`<div class="copyable"><code class="url">${text}</code>${button(label)}</div>`

/** The same for a URL that the user opens. A URL with a scheme that is not safe to open stays a text. */
export const copyableLink = (label: string, url: string): Html =>
  unsafeScheme.test(url)
    ? copyable(label, url)
    : html`<div class="copyable"><a class="url" href="${url}">${url}</a>${button(label)}</div>`

const button = (label: string) =>
  html`<button type="button" class="small" data-copy="${label}" aria-label="Copy: ${label}" hidden>Copy</button>`

/** Reports the result of a copy button to a screen reader. One for each page with {@link copyScript}. */
export const copyStatus = html`<p class="unseen" role="status" aria-live="polite" id="copied"></p>`

/**
 * Copies the text before the pressed button. The clipboard interface exists only on https and loopback; elsewhere the text
 * is selected and copied by the browser's command, or by the user.
 */
export const copyScript = `
"use strict";
{
  const buttons = document.querySelectorAll("button[data-copy]");
  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  };
  const copy = async (element) => {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      select(element);
      return document.execCommand("copy");
    }
  };
  const say = (button, text) => {
    button.textContent = text;
    button.setAttribute("aria-label", text + ": " + button.dataset.copy);
  };
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const isCopied = await copy(button.previousElementSibling);
      for (const other of buttons) say(other, "Copy");
      say(button, isCopied ? "Copied" : "Copy");
      document.getElementById("copied").textContent = isCopied
        ? "Copied: " + button.dataset.copy
        : "The text is selected. Press Ctrl+C or Command+C.";
    });
  }
}
`

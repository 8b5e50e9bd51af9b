// What every part of the page uses.

export const at = id => document.getElementById(id);
export const words = JSON.parse(at("words").textContent);
export const setup = JSON.parse(at("setup").textContent);
export const chinese = document.documentElement.lang.startsWith("zh");

// t is a text in the page's language, with its {name}s filled in.
export const t = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

// say changes a live region only where it changes, so that nothing is read twice.
export function say(element, text, tone) {
  if (element.textContent !== text) element.textContent = text;
  if (tone) element.className = "tone " + tone;
}

// Refused is an answer that is a problem (RFC 9457).
export class Refused extends Error {
  constructor(status, problem) {
    const hint = problem.hint?.[chinese ? "zh" : "en"];
    super([problem.code, problem.detail, hint].filter(Boolean).join(": "));
    this.status = status;
    this.code = problem.code;
  }
}

export async function call(path, options = {}) {
  const answer = await fetch(path, options);
  const body = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

export const post = (path, body = {}) =>
  call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

// on runs f at a click, once at a time, and gives its error to failed.
export function on(button, f, failed) {
  button?.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await f(button);
    } catch (error) {
      failed(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

// element makes one, with text or children.
export function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

// code is a block of text that can be reached and scrolled by keyboard.
export function code(text, label) {
  const made = element("pre", text);
  made.tabIndex = 0;
  made.setAttribute("aria-label", label);
  return made;
}

export const shortTime = date => date.toLocaleTimeString(document.documentElement.lang, { hour12: false });

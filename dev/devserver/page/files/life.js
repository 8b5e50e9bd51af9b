// The lives of token and tickets, and what breaks and mends them.
import { at, call, on, post, say, t } from "./dom.js";

const lang = document.documentElement.lang.slice(0, 2);
let drawn = "", tone;

export async function look() {
  const width = Math.round(at("life").clientWidth);
  const state = await call(`/_dev/state?lang=${lang}&width=${width}`);
  say(at("state"), state.line, state.tone);
  if (tone && tone !== state.tone) document.dispatchEvent(new Event("changed")); // it may have recovered by itself
  tone = state.tone;
  at("clock").textContent = state.clock;
  at("ahead").textContent = state.ahead;
  at("trigger").textContent = `build/wechatfn trigger text --url ${location.origin}/verify` + (state.by && " --ahead " + state.by);
  draw(state.life);
  for (const button of document.querySelectorAll("[data-break]")) {
    button.setAttribute("aria-pressed", String(stands(state, button.dataset)));
  }
  at("mend")?.classList.toggle("primary", state.broken.length > 0);
}

// stands: of the two outages, only the one that was asked for.
const stands = (state, { break: what, minutes }) => state.broken.includes(what) && (what !== "down" || state.ends === Boolean(minutes));

// draw leaves the picture alone where it is the same, and the table open.
function draw(html) {
  if (html === drawn) return;
  const open = at("tables")?.open, inside = at("life").contains(document.activeElement);
  at("life").innerHTML = drawn = html;
  at("tables").open = open ?? false;
  if (inside) at("tables").querySelector("summary").focus();
}

const unseen = () => {}; // the server has stopped, or a tab sleeps: the next look tells
const failed = error => say(at("broke"), error.message);

async function change(path, body, said) {
  await post(path, body);
  say(at("broke"), said);
  await look();
  document.dispatchEvent(new Event("changed"));
}

for (const button of document.querySelectorAll("[data-break]")) {
  const { break: what, minutes } = button.dataset;
  const mends = () => what !== "token" && button.getAttribute("aria-pressed") === "true"; // a dead token stays dead
  on(button, () => mends()
    ? change("/_dev/mend", { what }, t("broke.one"))
    : change("/_dev/break", { what, minutes: Number(minutes ?? 0) }, t("broke." + what)), failed);
}
for (const button of document.querySelectorAll("[data-minutes]:not([data-break])")) {
  const minutes = Number(button.dataset.minutes);
  on(button, () => change("/_dev/clock", { minutes }, t("clock.moved", { minutes })), failed);
}
on(at("mend"), () => change("/_dev/mend", {}, t("broke.mend")), failed);

look().catch(unseen);
setInterval(() => document.hidden || look().catch(unseen), 5000);
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => look().catch(unseen), 150);
});

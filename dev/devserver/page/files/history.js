// The history of token and tickets, and the buttons that cause and clear faults.
import { at, call, on, post, say, t } from "./dom.js";

const lang = document.documentElement.lang.slice(0, 2);
let drawn = "", tone;

export async function update() {
  const width = Math.round(at("history").clientWidth);
  const state = await call(`/_dev/state?lang=${lang}&width=${width}`);
  say(at("state"), state.line, state.tone);
  if (tone && tone !== state.tone) document.dispatchEvent(new Event("changed")); // it may have recovered without a press
  tone = state.tone;
  at("clock").textContent = state.clock;
  at("ahead").textContent = state.ahead;
  at("trigger").textContent = `build/wechatfn trigger text --url ${location.origin}/verify` + (state.by && " --ahead " + state.by);
  draw(state.history);
  for (const button of document.querySelectorAll("[data-fault]")) {
    button.setAttribute("aria-pressed", String(active(state, button.dataset)));
  }
  at("clear-faults")?.classList.toggle("primary", state.faults.length > 0);
}

// active reports whether a button's fault is active. Two buttons cause an outage; only the one that was pressed is active.
const active = (state, { fault, minutes }) => state.faults.includes(fault) && (fault !== "down" || state.outageEnds === Boolean(minutes));

// draw changes the chart only if it is a new one. An open table stays open.
function draw(html) {
  if (html === drawn) return;
  const open = at("tables")?.open, inside = at("history").contains(document.activeElement);
  at("history").innerHTML = drawn = html;
  at("tables").open = open ?? false;
  if (inside) at("tables").querySelector("summary").focus();
}

const ignore = () => {}; // the server has stopped, or the tab sleeps: the next update shows it
const failed = error => say(at("fault-status"), error.message);

async function change(path, body, message) {
  await post(path, body);
  say(at("fault-status"), message);
  await update();
  document.dispatchEvent(new Event("changed"));
}

for (const button of document.querySelectorAll("[data-fault]")) {
  const { fault: what, minutes } = button.dataset;
  const clears = () => what !== "token" && button.getAttribute("aria-pressed") === "true"; // a replaced token stays invalid
  on(button, () => clears()
    ? change("/_dev/clear", { what }, t("cleared.one"))
    : change("/_dev/fault", { what, minutes: Number(minutes ?? 0) }, t("caused." + what)), failed);
}
for (const button of document.querySelectorAll("[data-minutes]:not([data-fault])")) {
  const minutes = Number(button.dataset.minutes);
  on(button, () => change("/_dev/clock", { minutes }, t("clock.moved", { minutes })), failed);
}
on(at("clear-faults"), () => change("/_dev/clear", {}, t("cleared.all")), failed);

update().catch(ignore);
setInterval(() => document.hidden || update().catch(ignore), 5000);
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => update().catch(ignore), 150);
});

// Pushes as they arrive, and samples to send.
import { at, code, element, on, post, say, shortTime, t } from "./dom.js";

const most = 100; // as the server keeps
let last = 0;

function arrived(m) {
  if (m.id <= last) return;
  last = m.id;
  const line = element("p", shortTime(new Date(m.at)) + " · " + m.app + " · ", element("strong", m.type));
  if (m.from) line.append(" " + t("push.from", { from: m.from }));
  const text = JSON.stringify(m.message, null, 2) + (m.reply ? "\n\n" + t("push.reply") + " " + m.reply : "");
  const list = at("messages");
  list.prepend(element("li", line, code(text, t("push.message", { type: m.type }))));
  while (list.children.length > most) list.lastElementChild.remove();
  say(at("arrived"), t("push.arrived", { type: m.type, at: shortTime(new Date(m.at)) })); // the whole of it would be long to listen to
}

// A browser has few connections to a server, over all its tabs: one that nobody looks at needs none.
let stream;
function listen() {
  stream?.close();
  stream = undefined;
  if (document.hidden) return;
  stream = new EventSource("/_dev/messages");
  stream.onmessage = event => arrived(JSON.parse(event.data));
}
document.addEventListener("visibilitychange", listen);
listen();

async function send(sample) {
  const { report, failed } = await post("/_dev/push", { sample });
  say(at("pushed"), failed ? failed : t("pushed." + sample));
  at("report").hidden = false;
  at("report").querySelector("pre").textContent = report;
}

for (const button of document.querySelectorAll("[data-push]")) {
  on(button, () => send(button.dataset.push), error => say(at("pushed"), error.message));
}

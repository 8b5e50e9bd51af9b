// The share card, and a scan.
import { at, on, say, t } from "./dom.js";
import { ready, reason, wechat } from "./sign.js";

const failed = error => say(at("shared"), reason(error), "bad");
const picture = new URL("/_dev/files/share.svg", location.href).href;
const card = () => ({ title: at("share-title").value, desc: at("share-desc").value, link: location.href.split("#")[0], imgUrl: picture });

// show draws the cards as WeChat's menu would send them.
function show(to, { title, desc, link, imgUrl }) {
  const drawn = at("card-" + to);
  drawn.querySelector("strong").textContent = title;
  drawn.querySelector("img").src = imgUrl;
  if (to !== "chat") return;
  drawn.querySelector("p").textContent = desc;
  drawn.querySelector("small").textContent = new URL(link).host;
}

let taken = false;

async function set() {
  const data = card();
  await ready();
  await wechat.share(data);
  for (const to of ["chat", "timeline"]) show(to, window.__wechatsim?.cards[to] ?? data);
  say(at("shared"), t("share.done"), "good");
  taken = true;
}

on(at("share-set"), set, failed);
on(at("scan"), async () => {
  await ready();
  const { resultStr } = await wechat.call("scanQRCode", { needResult: 1, scanType: ["qrCode", "barCode"] });
  say(at("shared"), t("scan.done", { result: resultStr }), "good");
}, failed);

for (const to of ["chat", "timeline"]) show(to, card());
const begin = () => set().catch(error => say(at("shared"), reason(error), error.code === "not-in-wechat" ? "wait" : "bad"));
document.addEventListener("changed", () => taken || begin());
begin();

// This page's signature, through the browser client and WeChat's script.
import { connect } from "/_dev/client.js";
import { at, chinese, element, on, say, setup, t } from "./dom.js";

// blank takes away what is of an older answer, and leaves its room.
function blank() {
  const old = new Set(["timestamp", "nonceStr", "signature"]);
  for (const name of at("signed").querySelectorAll("dt")) {
    const value = name.nextElementSibling;
    if (!old.has(name.textContent) || value.className) continue;
    value.className = "coming";
    value.textContent = "·".repeat(value.textContent.length);
  }
}

// reason is what a failure means here: with a simulated WeChat, a press of a button mends it.
export const reason = error => (setup.simulated && error.code === "ticket_unavailable" ? t("sign.none") : error.message);

// kept looks at each answer of the signature endpoint on its way to the client.
async function kept(...request) {
  const answer = await fetch(...request);
  if (answer.ok) {
    const signed = await answer.clone().json();
    at("signed").replaceChildren(...Object.entries(signed).flatMap(([name, value]) => [element("dt", name), element("dd", String(value))]));
  } else if (answer.status === 503) {
    blank();
    say(at("verdict"), t("sign.503"), "warn");
  }
  return answer;
}

export const wechat = connect({
  endpoint: "",
  apis: ["scanQRCode"],
  script: setup.script,
  allowOutsideWeChat: setup.simulated,
  language: chinese ? "zh" : "en",
  fetch: kept,
  retryTimeout: 5000,
});

// ready is wechat's for other parts of the page: the verdict is told as it comes.
export async function ready() {
  try {
    await wechat.ready();
    say(at("verdict"), t("sign.accepted"), "good");
  } catch (error) {
    if (error.step === "sign" || error.step === "config") say(at("verdict"), reason(error), "bad");
    throw error;
  }
}

async function sign(again) {
  say(at("verdict"), t("sign.asking"), "wait");
  await (again ? wechat.resign() : wechat.ready());
  say(at("verdict"), t("sign.accepted"), "good");
}

// Outside WeChat its script never answers, so the real one is not asked.
async function refused(error) {
  if (error.code !== "not-in-wechat") return say(at("verdict"), reason(error), "bad");
  await kept("/signature?url=" + encodeURIComponent(location.href.split("#")[0]));
  say(at("verdict"), t("sign.signed"), "good");
}

on(at("sign-again"), () => sign(true).catch(refused), error => say(at("verdict"), error.message, "bad"));
document.addEventListener("changed", () => sign(true).catch(refused));
sign().catch(refused);

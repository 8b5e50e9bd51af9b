// This page's signature, through the browser client and WeChat's script.
import { connect } from "/_dev/client.js";
import { at, chinese, element, on, say, setup, t } from "./dom.js";

// blank replaces the values of an older answer by dots, so that nothing moves.
function blank() {
  const old = new Set(["timestamp", "nonceStr", "signature"]);
  for (const name of at("signed").querySelectorAll("dt")) {
    const value = name.nextElementSibling;
    if (!old.has(name.textContent) || value.className) continue;
    value.className = "coming";
    value.textContent = "·".repeat(value.textContent.length);
  }
}

// reason is the text of a failure. With a simulated WeChat, clearing the faults helps.
export const reason = error => (setup.simulated && error.code === "ticket_unavailable" ? t("sign.none") : error.message);

// showAnswer passes each answer of the signature endpoint to the client, and shows it.
async function showAnswer(...request) {
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
  fetch: showAnswer,
  retryTimeout: 5000,
});

// ready is wechat.ready for other parts of the page. It shows the verdict.
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

// Outside WeChat the real script never answers, so it is not used.
async function refused(error) {
  if (error.code !== "not-in-wechat") return say(at("verdict"), reason(error), "bad");
  await showAnswer("/signature?url=" + encodeURIComponent(location.href.split("#")[0]));
  say(at("verdict"), t("sign.signed"), "good");
}

on(at("sign-again"), () => sign(true).catch(refused), error => say(at("verdict"), error.message, "bad"));
document.addEventListener("changed", () => sign(true).catch(refused));
sign().catch(refused);

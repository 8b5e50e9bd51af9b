// Login in WeChat or by QR code, the session, and the way out.
import { at, call, on, say, setup, t } from "./dom.js";

const failed = error => say(at("who"), error.message);

async function who() {
  const session = await call("/oauth/session");
  show(session);
  const profile = recall() ? t("login.silently") : await call("/oauth/userinfo").catch(error => ({ problem: error.code }));
  at("session").textContent = JSON.stringify({ session, profile }, null, 2);
  if (profile.nickname) show(session, profile.nickname);
}

// A silent login has no profile, so none is asked for: the page remembers which link was taken. A browser may forbid that.
const silent = "wechatfn-silent";

function recall() {
  try {
    return localStorage.getItem(silent);
  } catch {
    return null;
  }
}

at("logins").addEventListener("click", event => {
  const link = event.target.closest("a");
  try {
    if (link) "silent" in link.dataset ? localStorage.setItem(silent, "1") : localStorage.removeItem(silent);
  } catch { /* then the profile is asked for, in vain */ }
});

function show(session, nickname) {
  const lost = at("logged-in").contains(document.activeElement);
  at("logins").hidden = Boolean(session);
  at("logged-in").hidden = !session;
  if (!session) {
    if (lost) at("logins").querySelector("a").focus();
    return say(at("who"), t("login.nobody"));
  }
  const until = new Date(session.expiresAt * 1000).toLocaleString(document.documentElement.lang);
  say(at("who"), t("login.who", { name: nickname ? `${nickname} (${session.openid})` : session.openid, app: session.app, until }));
}

// One at a time: a token that is used after it was replaced ends the session.
let working = Promise.resolve();
const inTurn = work => () => (working = working.then(work, work));

// ended: a session that is over is no failure of the page's.
function ended(error) {
  if (error.status === 401) return show(null);
  failed(error);
}

on(at("logout"), inTurn(async () => {
  await call("/oauth/session", { method: "DELETE" });
  show(null);
}), ended);

on(at("refresh"), inTurn(async () => {
  await call("/oauth/session/refresh", { method: "POST" });
  await who();
  say(at("who"), t("login.refreshed"));
}), ended);

if (setup.session) {
  who().catch(ended);
} else {
  show(null);
}

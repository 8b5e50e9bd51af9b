// A mini-program: the page asks WeChat's app (the simulator) for codes and data, and
// sends them to the API as a mini-program would.
import { at, chinese, code, element, on, post, say, setup, t } from "./dom.js";

let token; // of the session; it never shows
const buttons = ["decrypt", "phone", "session", "dead", "elsewhere"].map(name => at("mini-" + name));

const short = (name, value) => {
  if (typeof value !== "string") return value;
  if (name === "token") return value.slice(0, 6) + "…";
  return value.length > 48 ? value.slice(0, 32) + "…" : value;
};

// api is a call of the mini-program's, shown as it went over the wire.
async function api(method, path, body, bearer = token) {
  const headers = { "content-type": "application/json", ...(bearer && { authorization: "Bearer " + bearer }) };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), credentials: "omit" });
  const text = await answer.text();
  const told = text ? JSON.parse(text) : undefined;
  wire(method, path, body, answer.status, told, bearer);
  if (answer.ok) return told;
  const hint = told?.hint?.[chinese ? "zh" : "en"];
  throw new Error([t("mini.refused", { status: answer.status, code: told?.code }), hint].filter(Boolean).join(" "));
}

function wire(method, path, body, status, told, bearer) {
  const line = element("p", element("strong", `${method} ${path}`), ` → ${status}`);
  const sent = [bearer && "Authorization: Bearer " + short("token", bearer), body && JSON.stringify(body, short, 1)].filter(Boolean).join("\n");
  const text = [sent, told && JSON.stringify(told, short, 1)].filter(Boolean).join("\n\n↓\n\n");
  at("wire").prepend(element("li", line, ...(text ? [code(text, `${method} ${path}`)] : [])));
}

const inWeChat = what => post("/_dev/mini", { do: what });
const done = text => say(at("mini-said"), text, "good");
const failed = error => say(at("mini-said"), error.message, "bad");

// login is wx.login, and the code sent to the server.
async function login(device) {
  const { code } = await inWeChat("login");
  return api("POST", "/miniprogram/login", { app: setup.mini, code, device }, "");
}

const steps = {
  async login() {
    const grant = await login("phone");
    token = grant.token;
    for (const button of buttons) button.disabled = false;
    done(t("mini.in", { openid: grant.openid }));
  },
  async decrypt() {
    const { encryptedData, iv } = await inWeChat("data");
    const { data } = await api("POST", "/miniprogram/decrypt", { encryptedData, iv });
    done(t("mini.decrypted", { name: data.nickName }));
  },
  async phone() {
    const { code } = await inWeChat("phone");
    const { phoneNumber } = await api("POST", "/miniprogram/phone", { code });
    done(t("mini.number", { number: phoneNumber }));
  },
  async session() {
    await api("GET", "/miniprogram/session");
    done(t("mini.alive"));
  },
  async dead() {
    await inWeChat("replace");
    done(t("mini.replaced"));
  },
  async elsewhere() {
    const other = await login("tablet");
    await api("DELETE", "/oauth/session?all=true", undefined, other.token);
    done(t("mini.out"));
  },
};

for (const [name, step] of Object.entries(steps)) on(at("mini-" + name), step, failed);

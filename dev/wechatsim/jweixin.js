// The simulated WeChat's JS-SDK script. It has the functions of jweixin-1.6.0.js. Instead of WeChat's native side it asks the
// simulator whether a signature is valid. It repeats what is odd in WeChat's script: wx.config changes the lists that it is given;
// `ready` runs after a refusal too, and at once after the first wx.config; outside WeChat nothing ever answers.
//
// window.__wechatsim decides what the user does; see the end of this file.
(() => {
  "use strict";
  if (window.jWeixin) return;
  const settings = "SETTINGS"; // the switches of the simulator
  const source = new URL(document.currentScript.src);
  const agent = navigator.userAgent.toLowerCase();
  const version = (/micromessenger\/(\d+(?:\.\d+)*)/.exec(agent) || [])[1];
  const inside = !!version || source.searchParams.get("wechatsim") === "inside";
  const ios = /iphone|ipad|ipod/.test(agent);
  const [navigation] = performance.getEntriesByType("navigation");
  const opened = (navigation && navigation.name) || location.href;

  /** The page's address as WeChat sees it: on iOS the one at which the page was opened. */
  const pageURL = () => (ios && !settings.currentOnIOS ? opened : location.href).split("#")[0];

  const before = (a, b) => {
    const [x, y] = [a, b].map(v => v.split(".").map(Number));
    const i = y.findIndex((n, i) => n !== (x[i] || 0));
    return i >= 0 && (x[i] || 0) < y[i];
  };

  // ---- wx.config, wx.ready, wx.error

  const internalNames = {
    onMenuShareTimeline: "menu:share:timeline", onMenuShareAppMessage: "menu:share:appmessage", onMenuShareQQ: "menu:share:qq",
    onMenuShareWeibo: "menu:share:weiboApp", onMenuShareQZone: "menu:share:QZone", previewImage: "imagePreview", getLocation: "geoLocation",
    openProductSpecificView: "openProductViewWithPid", addCard: "batchAddCard", openCard: "batchViewCard", chooseWXPay: "getBrandWCPayRequest",
  };
  let state = 0, data, failed, completes = []; // of the script
  let given = {}; // the options of the last wx.config
  let granted = null; // the APIs that may be called; null before wx.config was accepted
  let tags = null; // the open tags that may be shown, and on which address; null before any verdict

  function rename(list) {
    (list || []).forEach((name, i) => (list[i] = internalNames[name] || name));
    return list || [];
  }

  function config(options) {
    given = options;
    if (!inside) return;
    if (settings.readyWaits) state = 0;
    const wanted = { apis: [...(options.jsApiList || [])], tags: [...(options.openTagList || [])], at: location.href.split("#")[0] };
    rename(options.jsApiList);
    const listening = completes;
    verdict(options).then(errMsg => {
      const ok = errMsg === "config:ok";
      granted = ok ? new Set(wanted.apis) : null;
      tags = { names: new Set(ok ? wanted.tags : []), at: wanted.at };
      tell({ errMsg }, listening);
      document.querySelectorAll(tagNames.join()).forEach(judge);
    });
  }

  function tell(answer, listening) {
    [state, data] = [1, answer];
    log("config", answer);
    if (answer.errMsg !== "config:ok") failed ? failed(answer) : (state = -1);
    completes = [];
    listening.splice(0).forEach(done => done());
  }

  async function verdict(options) {
    const { appId, timestamp, nonceStr, signature } = options;
    const query = new URLSearchParams({ appid: appId, timestamp, noncestr: nonceStr, signature, url: pageURL() });
    try {
      const answer = await (await fetch(source.origin + "/_jweixin/verify?" + query, { cache: "no-store" })).json();
      if (answer.errMsg || !answer.errcode) return answer.errMsg || "config:ok";
      const at = new Date(Date.now() + 8 * 3600e3).toISOString().replace("T", " ").replace(/[-]/g, "").slice(0, 17);
      return `config:fail,Error: 系统错误,错误码:${answer.errcode},${answer.errmsg} [${at}][]`;
    } catch {
      return "config:fail,system error";
    }
  }

  const log = (name, detail) => given.debug && console.log("wechatsim", name, JSON.stringify(detail)); // WeChat alerts

  const ready = done => {
    if (state !== 0) return done();
    completes.push(done);
    if (!inside && given.debug) done();
  };
  const error = callback => (state === -1 ? callback(data) : (failed = callback));

  // ---- APIs

  const since = { updateAppMessageShareData: "6.7.2", updateTimelineShareData: "6.7.2" };
  const answers = { // of a user who agrees
    scanQRCode: { resultStr: "https://example.com/wechatsim" },
    chooseImage: { localIds: ["wxLocalResource://wechatsim/1"] },
    uploadImage: { serverId: "wechatsim-media-1" }, downloadImage: { localId: "wxLocalResource://wechatsim/2" },
    getLocalImgData: { localData: "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==" },
    stopRecord: { localId: "wxLocalResource://wechatsim/voice" }, uploadVoice: { serverId: "wechatsim-media-2" },
    downloadVoice: { localId: "wxLocalResource://wechatsim/voice2" }, translateVoice: { translateResult: "你好" },
    getNetworkType: { networkType: "wifi" }, getLocation: { latitude: 23.099994, longitude: 113.32452, speed: 0, accuracy: 30 },
    chooseCard: { cardList: "[]" }, addCard: { cardList: [] },
  };
  const names = [
    "updateAppMessageShareData", "updateTimelineShareData", "startRecord", "playVoice", "pauseVoice", "stopVoice", "previewImage",
    "openLocation", "hideOptionMenu", "showOptionMenu", "hideMenuItems", "showMenuItems", "hideAllNonBaseMenuItem", "showAllNonBaseMenuItem",
    "closeWindow", "chooseWXPay", "openProductSpecificView", "openCard", ...Object.keys(answers),
  ];
  const menu = ["onMenuShareTimeline", "onMenuShareAppMessage", "onMenuShareQQ", "onMenuShareQZone", "onMenuShareWeibo", "onVoiceRecordEnd", "onVoicePlayEnd"];
  const exists = name => (names.includes(name) || menu.includes(name)) && !(version && since[name] && before(version, since[name]));

  function refusal(name) {
    if (!exists(name)) return "function not exist";
    if (!granted) return "the permission value is offline verifying";
    if (!granted.has(name)) return settings.unlistedOffline ? "the permission value is offline verifying" : "permission denied";
  }

  function finish(name, result, args, fields) {
    const answer = { ...fields, errMsg: name + ":" + result };
    log(name, answer);
    const callback = result === "ok" ? args.success : result === "cancel" ? args.cancel : args.fail;
    if (callback) callback(answer);
    if (args.complete) args.complete(answer);
  }

  const later = work => inside && setTimeout(work);

  function invoke(name, args = {}) {
    later(async () => {
      const no = refusal(name);
      if (no) return finish(name, no, args);
      const did = await user(name, args);
      if (typeof did === "string") return finish(name, did, args);
      if (name.startsWith("update")) setCard(name === "updateAppMessageShareData" ? "chat" : "timeline", args);
      finish(name, "ok", args, did);
    });
  }

  function checkJsApi(args = {}) {
    const asked = [...(args.jsApiList || [])];
    rename(args.jsApiList);
    later(() => finish("checkJsApi", "ok", args, { checkResult: Object.fromEntries(asked.map(name => [name, exists(name)])) }));
  }

  // ---- the menu

  const listeners = {}; // the old calls, by name
  const cards = {};
  const oldCall = { chat: "onMenuShareAppMessage", timeline: "onMenuShareTimeline" };
  const oldResult = { chat: "sendAppMessage", timeline: "shareTimeline" }; // the start of errMsg of the old calls

  function listen(name, args = {}) {
    listeners[name] = args;
    const to = Object.keys(oldCall).find(to => oldCall[to] === name);
    if (to) later(() => granted && granted.has(name) && setCard(to, args));
  }

  function setCard(to, { title, desc, link, imgUrl }) {
    cards[to] = { title: title || document.title, link: link || location.href, imgUrl: imgUrl || "", ...(to === "chat" && { desc: desc || "" }) };
    window.dispatchEvent(new CustomEvent("wechatsim:card", { detail: { to, card: cards[to] } }));
  }

  // ---- open tags

  const tagNames = ["wx-open-launch-weapp", "wx-open-launch-app", "wx-open-subscribe", "wx-open-audio"];

  class OpenTag extends HTMLElement {
    connectedCallback() {
      setTimeout(() => { // then the children and the listeners are there
        const template = this.querySelector("template, script[type='text/wxtag-template']");
        if (template && !this.shadowRoot) this.attachShadow({ mode: "open" }).innerHTML = template.innerHTML;
        if (tags) judge(this);
      });
      this.onclick = () => this.allowed && this.fire(this.localName.includes("launch") ? "launch" : "success", { errMsg: "ok" });
    }
    fire(type, detail) {
      this.dispatchEvent(new CustomEvent(type, { detail }));
    }
  }

  function judge(tag) {
    tag.allowed = tags.names.has(tag.localName) && tags.at === location.href.split("#")[0] && !(version && before(version, "7.0.12"));
    if (tag.allowed) return tag.fire("ready", {});
    const detail = { errMsg: tag.localName + ":permission denied" };
    tag.fire("error", detail);
    document.dispatchEvent(new CustomEvent("WeixinOpenTagsError", { detail }));
  }

  // ---- the user

  const decided = {};

  /** What the user does: a text such as "cancel" or "fail", or the fields of the answer. */
  async function user(name, args) {
    const event = new CustomEvent("wechatsim:call", { cancelable: true, detail: { name, args } });
    const byPage = new Promise(resolve => (event.detail.answer = resolve));
    if (!window.dispatchEvent(event)) return byPage;
    const answer = name in decided ? decided[name] : answers[name] || {};
    return typeof answer === "function" ? answer(args) : answer;
  }

  const wx = { config, ready, error, checkJsApi, miniProgram: { getEnv: callback => later(() => callback({ miniprogram: false })) } };
  names.forEach(name => (wx[name] = args => invoke(name, args)));
  menu.forEach(name => (wx[name] = args => listen(name, args)));
  if (inside) tagNames.filter(name => !customElements.get(name)).forEach(name => customElements.define(name, class extends OpenTag {}));
  window.wx = window.jWeixin = wx;

  /**
   * For tests and demos. `cards` is what the menu would send. `answer("scanQRCode", {resultStr: "x"})` decides the result of a call; it
   * can also be "cancel", or a function of the arguments. So can a listener of "wechatsim:call" that calls preventDefault and, later,
   * detail.answer(…). `share("chat" or "timeline", "ok" or "cancel")` is the user in the menu. Each new card is a "wechatsim:card" event.
   */
  window.__wechatsim = {
    inside, cards, pageURL,
    answer: (name, what) => void (decided[name] = what),
    share(to, outcome = "ok") {
      const name = oldCall[to], args = listeners[name];
      if (args && granted && granted.has(name)) {
        if (args.trigger) args.trigger({});
        setCard(to, args);
        finish(oldResult[to], outcome, args);
      }
      return cards[to] || { title: document.title, link: location.href, imgUrl: "" };
    },
  };
})();

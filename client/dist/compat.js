/*! wechatfn-client 0.1.0 | MIT */

// src/compat.ts
import { connect } from "./index.js";
var WechatJSSDK = class {
  constructor(config) {
    this.config = config;
    const { endpoint, app, wx, outside, timeouts, settle, debug, jsApiList = [], openTagList = ["wx-open-subscribe", "wx-open-audio"], customUrl } = config;
    const given = { app, wx, outside, timeouts, settle, debug, endpoint, apis: jsApiList, openTags: openTagList, script: customUrl };
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== void 0));
    if (endpoint === void 0) options.sign = async () => this.config;
    this.connection = connect(options);
  }
  /** Loads WeChat's script and signs. */
  async initialize() {
    var _a, _b, _c, _d;
    try {
      this.wx = await this.connection.wx();
      (_b = (_a = this.config).success) == null ? void 0 : _b.call(_a, this);
      return this;
    } catch (error) {
      (_d = (_c = this.config).error) == null ? void 0 : _d.call(_c, error, this);
      throw error;
    }
  }
  /** Signs again, with the signature that is given or the endpoint's. */
  async signSignature(signature = {}) {
    const { timestamp, nonceStr, signature: text } = { ...this.config, ...signature };
    Object.assign(this.config, { timestamp, nonceStr, signature: text });
    await this.connection.resign();
    this.wx = await this.connection.wx();
    return this;
  }
  /** Calls an API with WeChat's callbacks. Where wechat-jssdk did nothing, `fail` is called. */
  callWechatApi(name, args = {}, more) {
    var _a, _b;
    const api = (_a = this.getOriginalWx()) == null ? void 0 : _a[name];
    if (typeof api === "function") api(args, more);
    else (_b = args.fail) == null ? void 0 : _b.call(args, { errMsg: name + ":function not exist" });
    return this;
  }
  shareOnChat(data) {
    return this.callWechatApi("onMenuShareAppMessage", data);
  }
  shareOnMoment(data) {
    return this.callWechatApi("onMenuShareTimeline", data);
  }
  updateAppMessageShareData(data) {
    return this.callWechatApi("updateAppMessageShareData", data);
  }
  updateTimelineShareData(data) {
    return this.callWechatApi("updateTimelineShareData", data);
  }
  getOriginalWx() {
    var _a;
    return (_a = this.wx) != null ? _a : globalThis.wx;
  }
};
export {
  WechatJSSDK
};

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
    try {
      this.wx = await this.connection.wx();
      this.config.success?.(this);
      return this;
    } catch (error) {
      this.config.error?.(error, this);
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
    const api = this.getOriginalWx()?.[name];
    if (typeof api === "function") api(args, more);
    else args.fail?.({ errMsg: name + ":function not exist" });
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
    return this.wx ?? globalThis.wx;
  }
};
export {
  WechatJSSDK
};

/*! wechatfn-client 0.1.0 | MIT */

// src/compat.ts
import { connect } from "./index.js";
var WechatJSSDK = class {
  constructor(config) {
    this.config = config;
    const { endpoint, app, wx, allowOutsideWeChat, timeouts, configTimeout, debug, jsApiList = [], openTagList = ["wx-open-subscribe", "wx-open-audio"], customUrl } = config;
    const sign = endpoint === void 0 ? async () => this.config : void 0;
    this.connection = connect({ endpoint, sign, app, wx, allowOutsideWeChat, timeouts, configTimeout, debug, apis: jsApiList, openTags: openTagList, script: customUrl });
  }
  /** Loads WeChat's script, and signs the page. */
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
  /** Signs the page again, with the given signature or with a new one from the endpoint. */
  async signSignature(signature = {}) {
    const { timestamp, nonceStr, signature: text } = { ...this.config, ...signature };
    Object.assign(this.config, { timestamp, nonceStr, signature: text });
    await this.connection.resign();
    this.wx = await this.connection.wx();
    return this;
  }
  /** Calls an API with WeChat's callbacks. If the API does not exist, it calls `fail`; wechat-jssdk did nothing. */
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

import { connect } from "./index.js";
import type { Connection, ConnectOptions, ShareData, Signature, Wx } from "./index.js";

/** The configuration of wechat-jssdk's client, and options of `connect`. The signature comes from `endpoint`, or else from the page, as in wechat-jssdk. */
export interface CompatConfig extends Partial<Signature>, Pick<ConnectOptions, "endpoint" | "app" | "wx" | "allowOutsideWeChat" | "timeouts" | "configTimeout"> {
  debug?: boolean;
  jsApiList?: string[];
  openTagList?: string[];
  customUrl?: string;
  /** As in v2 and v3. */
  success?: (sdk: WechatJSSDK) => void;
  /** As in v2 and v3. */
  error?: (error: unknown, sdk: WechatJSSDK) => void;
}

/** The arguments of an API, WeChat's own callbacks included. */
export type CompatArgs = Record<string, unknown> & { fail?: (result: { errMsg: string }) => void };

/** The methods of wechat-jssdk's browser client (v5), built on a Connection. It must be called with `new`. */
export class WechatJSSDK {
  /** WeChat's object, once its script is loaded. */
  wx: Wx | undefined;
  readonly config: CompatConfig;
  private readonly connection: Connection;

  constructor(config: CompatConfig) {
    this.config = config;
    const { endpoint, app, wx, allowOutsideWeChat, timeouts, configTimeout, debug, jsApiList = [], openTagList = ["wx-open-subscribe", "wx-open-audio"], customUrl } = config;
    const sign = endpoint === undefined ? async () => this.config as Signature : undefined;
    this.connection = connect({ endpoint, sign, app, wx, allowOutsideWeChat, timeouts, configTimeout, debug, apis: jsApiList, openTags: openTagList, script: customUrl } as ConnectOptions);
  }

  /** Loads WeChat's script, and signs the page. */
  async initialize(): Promise<this> {
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
  async signSignature(signature: Partial<Signature> = {}): Promise<this> {
    const { timestamp, nonceStr, signature: text } = { ...this.config, ...signature };
    Object.assign(this.config, { timestamp, nonceStr, signature: text });
    await this.connection.resign();
    this.wx = await this.connection.wx();
    return this;
  }

  /** Calls an API with WeChat's callbacks. If the API does not exist, it calls `fail`; wechat-jssdk did nothing. */
  callWechatApi(name: string, args: CompatArgs = {}, more?: unknown): this {
    const api = this.getOriginalWx()?.[name];
    if (typeof api === "function") api(args, more);
    else args.fail?.({ errMsg: name + ":function not exist" });
    return this;
  }

  shareOnChat(data: ShareData & CompatArgs): this {
    return this.callWechatApi("onMenuShareAppMessage", data);
  }

  shareOnMoment(data: ShareData & CompatArgs): this {
    return this.callWechatApi("onMenuShareTimeline", data);
  }

  updateAppMessageShareData(data: ShareData & CompatArgs): this {
    return this.callWechatApi("updateAppMessageShareData", data);
  }

  updateTimelineShareData(data: ShareData & CompatArgs): this {
    return this.callWechatApi("updateTimelineShareData", data);
  }

  getOriginalWx(): Wx | undefined {
    return this.wx ?? (globalThis as { wx?: Wx }).wx;
  }
}

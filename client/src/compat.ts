import { connect } from "./index.js";
import type { Connection, ConnectOptions, ShareData, Signature, Wx } from "./index.js";

/** The configuration of wechat-jssdk's client, and of `connect`. The signature may come from the page, as there, or from `endpoint`. */
export interface CompatConfig extends Partial<Signature>, Pick<ConnectOptions, "endpoint" | "app" | "wx" | "outside" | "timeouts" | "settle"> {
  debug?: boolean;
  jsApiList?: string[];
  openTagList?: string[];
  customUrl?: string;
  /** v2 and v3. */
  success?: (sdk: WechatJSSDK) => void;
  /** v2 and v3. */
  error?: (error: unknown, sdk: WechatJSSDK) => void;
}

/** An API's arguments, with WeChat's own callbacks. */
export type CompatArgs = Record<string, unknown> & { fail?: (answer: { errMsg: string }) => void };

/** The names of wechat-jssdk's browser client (v5), on a Connection. `new` is needed. */
export class WechatJSSDK {
  /** WeChat's object, once it is there. */
  wx: Wx | undefined;
  readonly config: CompatConfig;
  private readonly connection: Connection;

  constructor(config: CompatConfig) {
    this.config = config;
    const { endpoint, app, wx, outside, timeouts, settle, debug, jsApiList = [], openTagList = ["wx-open-subscribe", "wx-open-audio"], customUrl } = config;
    const given = { app, wx, outside, timeouts, settle, debug, endpoint, apis: jsApiList, openTags: openTagList, script: customUrl };
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as ConnectOptions;
    if (endpoint === undefined) options.sign = async () => this.config as Signature;
    this.connection = connect(options);
  }

  /** Loads WeChat's script and signs. */
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

  /** Signs again, with the signature that is given or the endpoint's. */
  async signSignature(signature: Partial<Signature> = {}): Promise<this> {
    const { timestamp, nonceStr, signature: text } = { ...this.config, ...signature };
    Object.assign(this.config, { timestamp, nonceStr, signature: text });
    await this.connection.resign();
    this.wx = await this.connection.wx();
    return this;
  }

  /** Calls an API with WeChat's callbacks. Where wechat-jssdk did nothing, `fail` is called. */
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

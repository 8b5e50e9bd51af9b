/** What of `wx` is used. */
export interface Wx {
  login(options: { timeout?: number; success(result: { code: string }): void; fail(error: { errMsg: string }): void }): void;
  checkSession(options: { success(): void; fail(): void }): void;
  request(options: WxRequest): unknown;
  getStorageSync(key: string): unknown;
  setStorageSync(key: string, value: unknown): void;
  removeStorageSync(key: string): void;
}

export interface WxRequest {
  url: string;
  method?: any; // wx's own types list the methods it knows
  data?: any;
  header?: Record<string, string>;
  timeout?: number;
  dataType?: any;
  responseType?: any;
  success?(answer: any): void;
  fail?(error: { errMsg: string }): void;
}

export interface Options {
  /** Where the API is: "https://api.example.com". http is for localhost and 127.0.0.1 alone. */
  baseURL: string;
  /** Name of the mini-program (WECHAT_APPS), where there are several. */
  app?: string;
  /** Product: sessions of one do not open another. */
  sku?: string;
  /** Names this device in the user's list of sessions; by default a random id that is kept in storage. */
  device?: string;
  /** Other origins that may have the token: ["https://orders.example.com"]. */
  origins?: readonly string[];
  /** Milliseconds for wx.login, and for each request: 10000. */
  timeout?: number;
  /** Milliseconds to wait in all where the server answers 503 with Retry-After: 10000. */
  patience?: number;
  /** Instead of the runtime's. */
  wx?: Wx;
}

/** What wx.getUserInfo and the like give. */
export interface Encrypted {
  encryptedData: string;
  iv: string;
}

/** What a login may bring along. */
export interface LoginExtra extends Partial<Encrypted> {
  /** Of a wx.login of your own. Data belongs to the wx.login before it, so one is needed for data. */
  code?: string;
  rawData?: string;
  signature?: string;
  timeout?: number;
}

export interface Login {
  token: string;
  /** Seconds. */
  expiresIn: number;
  openid: string;
  unionid?: string;
  /** The user's first login to this mini-program. */
  newUser: boolean;
}

export interface RequestOptions {
  /** "/path" below baseURL, or a whole URL at one of `origins`. */
  url: string;
  method?: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'DELETE' | 'TRACE' | 'CONNECT';
  data?: string | object | ArrayBuffer;
  header?: Record<string, string>;
  timeout?: number;
  dataType?: string;
  responseType?: 'text' | 'arraybuffer';
  enableHttp2?: boolean;
  /** Whether to send again after a 503 with Retry-After. By default all but POST. */
  repeat?: boolean | ((error: WechatFnError) => boolean);
}

export interface Answer<T> {
  data: T;
  statusCode: number;
  header: Record<string, string>;
}

/** What was encrypted, such as a user or a phone number. */
export interface Decrypted {
  watermark: { appid: string; timestamp: number };
  [field: string]: unknown;
}

export interface Phone {
  phoneNumber: string;
  purePhoneNumber: string;
  countryCode: string;
}

/** All calls reject with a WechatFnError. */
export interface Client {
  /** wx.login, and the code for a session. Calls at the same time share one. */
  login(extra?: LoginExtra): Promise<Login>;
  /** wx.request with the token, after a login where there is none. Where the session is over (a 401, or a gateway's 403 after which the server says so), one login, and the request is repeated once. */
  request<T = any>(options: RequestOptions): Promise<Answer<T>>;
  /** Encrypted data in plain. A function is asked again where the server's session_key turns out to be dead. */
  decrypt<T = Decrypted>(data: Encrypted | (() => Encrypted | Promise<Encrypted>)): Promise<T>;
  /** The number for the code of the getPhoneNumber button. */
  phone(code: string): Promise<Phone>;
  /** Whether WeChat says on this side that the last wx.login is good still (wx.checkSession). */
  checkSession(): Promise<boolean>;
  /** Whether the server's session_key is good still; where it is dead, wx.login is called and the server asked once more. */
  session(): Promise<{ valid: true }>;
  /** Ends this session, or with `all` the user's sessions on all devices. */
  logout(options?: { all?: boolean }): Promise<void>;
  /** The token there is, or "". */
  token(): string;
}

export declare class WechatFnError extends Error {
  readonly name: 'WechatFnError';
  /** Stable. With hyphens: this module's (see the README). With underscores: the server's (docs/problems.md). */
  readonly code: string;
  /** HTTP status, 0 where there was no answer. */
  readonly status: number;
  readonly detail: string;
  readonly hint?: { en?: string; zh?: string };
  /** Seconds after which to come back; 0 where nothing was said. */
  readonly retryAfter: number;
}

/** Checks the options; nothing is called yet. Throws a WechatFnError. */
export declare function create(options: Options): Client;

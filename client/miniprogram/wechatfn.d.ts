/** The part of `wx` that is used. */
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
  success?(response: any): void;
  fail?(error: { errMsg: string }): void;
}

export interface Options {
  /** The address of the API: "https://api.example.com". http is for localhost and 127.0.0.1 only. */
  baseURL: string;
  /** Name of the mini-program (WECHAT_APPS). Default: the first account. */
  app?: string;
  /** The product. A session of one product is not valid for another. */
  sku?: string;
  /** Name of this device in the user's list of sessions. Default: a random id, which is stored. */
  device?: string;
  /** Other origins to which the token may be sent: ["https://orders.example.com"]. */
  trustedOrigins?: readonly string[];
  /** Milliseconds for wx.login, and for each request. Default: 10000. */
  timeout?: number;
  /** Milliseconds to wait in total when the server responds with 503 and Retry-After. Default: 10000. */
  retryTimeout?: number;
  /** Used instead of the runtime's wx. */
  wx?: Wx;
}

/** The result of wx.getUserInfo and similar calls. */
export interface Encrypted {
  encryptedData: string;
  iv: string;
}

/** The options of one login. */
export interface LoginOptions extends Partial<Encrypted> {
  /** The code of your own wx.login. Encrypted data belongs to the wx.login before it, so it requires your own code. */
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
  /** Whether this is the user's first login to this mini-program. */
  newUser: boolean;
}

export interface RequestOptions {
  /** "/path" below baseURL, or an address of baseURL's origin or of one in `trustedOrigins`. */
  url: string;
  method?: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'DELETE' | 'TRACE' | 'CONNECT';
  data?: string | object | ArrayBuffer;
  header?: Record<string, string>;
  timeout?: number;
  dataType?: string;
  responseType?: 'text' | 'arraybuffer';
  enableHttp2?: boolean;
  /** Whether to send again after a 503 with Retry-After. Default: GET, HEAD, OPTIONS, PUT and DELETE are sent again. */
  repeat?: boolean | ((error: WechatFnError) => boolean);
}

export interface Response<T> {
  data: T;
  statusCode: number;
  header: Record<string, string>;
}

/** Decrypted data, such as a user or a phone number. */
export interface Decrypted {
  watermark: { appid: string; timestamp: number };
  [field: string]: unknown;
}

export interface Phone {
  phoneNumber: string;
  purePhoneNumber: string;
  countryCode: string;
}

/** All functions reject with a WechatFnError. */
export interface Client {
  /** Calls wx.login and exchanges its code for a session. Calls at the same time share one login. */
  login(options?: LoginOptions): Promise<Login>;
  /**
   * Calls wx.request with the token. It logs in first if there is no token. If the session has ended (a 401, or a 403 of a gateway after
   * which the server says so), it logs in and sends the request once more.
   */
  request<T = any>(options: RequestOptions): Promise<Response<T>>;
  /** Has the server decrypt the data. A function is called again if the server's session_key turns out to be invalid. */
  decrypt<T = Decrypted>(data: Encrypted | (() => Encrypted | Promise<Encrypted>)): Promise<T>;
  /** The phone number for the code of the getPhoneNumber button. */
  phone(code: string): Promise<Phone>;
  /** Whether the last wx.login is still valid on this device (wx.checkSession). */
  checkSession(): Promise<boolean>;
  /** Asks the server whether its session_key is still valid. If it is not, it calls wx.login and asks once more. */
  session(): Promise<{ valid: true }>;
  /** Ends this session, or with `all` the user's sessions on all devices. */
  logout(options?: { all?: boolean }): Promise<void>;
  /** The stored token, or "". */
  token(): string;
}

export declare class WechatFnError extends Error {
  readonly name: 'WechatFnError';
  /** Stable. Codes with hyphens are this module's (see the README), codes with underscores the server's (docs/problems.md). */
  readonly code: string;
  /** HTTP status; 0 where there was no response. */
  readonly status: number;
  readonly detail: string;
  readonly hint?: { en?: string; zh?: string };
  /** Seconds after which to try again; 0 where the server named none. */
  readonly retryAfter: number;
}

/** Checks the options. It sends nothing yet. Throws a WechatFnError. */
export declare function create(options: Options): Client;

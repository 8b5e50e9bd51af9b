/**
 * wechatfn for mini-programs: it logs in with wx.login, sends requests with the session's token, and has the server decrypt WeChat's
 * encrypted data. One file without dependencies; copy it. Types: wechatfn.d.ts.
 *
 * It uses only what the runtime of every mini-program has: ES2015, no fetch, no URL, no async.
 */
'use strict';

const TIMEOUT = 10000; // milliseconds for wx.login, and for each request
const RETRY_TIMEOUT = 10000; // milliseconds that all waits for Retry-After together may take

// Another wx.login may help against these problems. The server decrypts without asking WeChat whether its session_key is still valid, so
// an invalid key shows as data that cannot be decrypted.
const SESSION_KEY_PROBLEMS = ['session_key_invalid', 'session_key_missing', 'data_undecryptable'];

// This module's own codes have hyphens; codes with underscores are the server's (docs/problems.md).
const HINTS = {
  'invalid-option': ['Check the arguments.', '参数有误，请检查。'],
  'origin-not-trusted': ['The token is sent to baseURL and trustedOrigins only.', '登录凭证只会发往 baseURL 和 trustedOrigins 中的地址。'],
  'login-failed': ['wx.login failed. Try again.', 'wx.login 调用失败，请重试。'],
  'data-unavailable': ['There is no data. The user may have refused.', '未获取到数据，用户可能拒绝了授权。'],
  timeout: ['The request took too long. Try again.', '请求超时，请重试。'],
  'network-error': ['The server cannot be reached. Check the network.', '无法连接服务器，请检查网络。'],
  'domain-not-listed': ['Add the domain in the console: Development, Server domains, request.', '请在小程序后台「开发管理 - 服务器域名」中添加该 request 合法域名。'],
  'invalid-response': ['The response is not the server\'s. Check baseURL.', '返回内容无法识别，请检查 baseURL。'],
};

/** Every error of this module. `code` is stable; `message` and `detail` are for people. */
class WechatFnError extends Error {
  constructor(code, detail, more) {
    super(code + ': ' + detail);
    const hint = HINTS[code];
    this.name = 'WechatFnError';
    this.code = code;
    this.status = 0;
    this.detail = detail;
    this.hint = hint && { en: hint[0], zh: hint[1] };
    this.retryAfter = 0;
    Object.assign(this, more);
  }
}

/** Checks the options and makes a client. It sends nothing yet. Throws a WechatFnError. */
function create(options) {
  const given = options || {};
  const api = given.wx || (typeof wx === 'object' ? wx : undefined);
  if (!api) throw new WechatFnError('invalid-option', 'there is no wx: this is not a mini-program');
  const base = parseBase(given.baseURL, 'baseURL');
  const http = newHTTP(api, {
    base,
    trusted: [base.origin].concat((given.trustedOrigins || []).map(o => parseBase(o, 'trustedOrigins').origin)),
    timeout: given.timeout === undefined ? TIMEOUT : given.timeout,
    retryTimeout: given.retryTimeout === undefined ? RETRY_TIMEOUT : given.retryTimeout,
  });
  const token = newToken(api, ['wechatfn', base.url, given.app || '', given.sku || ''].join(':'));
  const logins = newLogins(api, http, token, { app: given.app, sku: given.sku, device: given.device || deviceOf(api) });
  return newClient(api, http, token, logins);
}

/** Sends requests: below baseURL and to trusted origins, with the token they get. */
function newHTTP(api, settings) {
  /** The address of a request. Throws where it is not trusted. */
  function address(url) {
    if (/^\//.test(url)) return settings.base.url + url;
    const match = /^(https?:\/\/[^/?#\\@]+)(?:[/?#]|$)/i.exec(url);
    if (match && settings.trusted.indexOf(match[1].toLowerCase()) >= 0) return url;
    throw new WechatFnError('origin-not-trusted', 'the request goes neither to baseURL nor to one of trustedOrigins');
  }

  function send(o, token) {
    return new Promise((resolve, reject) => api.request(Object.assign({}, o.wx, {
      url: address(o.url), method: o.method, data: o.data, header: headers(o.header, token), timeout: o.timeout || settings.timeout, dataType: o.dataType || 'json',
      success: response => (response.statusCode >= 200 && response.statusCode < 300 ? resolve(response) : reject(problemError(response))),
      fail: e => reject(wxError(e, 'network-error')),
    })));
  }

  /** The milliseconds to wait before another attempt; 0 where there must be none. */
  function retryDelay(error, waited) {
    const delay = error.status === 503 ? error.retryAfter * 1000 : 0;
    return waited + delay <= settings.retryTimeout ? delay : 0;
  }

  /** Sends, and sends again after a 503 with Retry-After. */
  function sendWithRetry(o, token, waited) {
    return send(o, token).catch(error => {
      const delay = retryDelay(error, waited || 0);
      if (!delay || !mayRepeat(o, error)) throw error;
      return sleep(delay).then(() => sendWithRetry(o, token, (waited || 0) + delay));
    });
  }

  return { address, send, sendWithRetry, retryDelay, timeout: settings.timeout };
}

/** Logs in, one login at a time. */
function newLogins(api, http, token, account) {
  let pending; // the login that is in progress
  let pendingPlain; // it has no data of the caller's that could make it fail
  let count = 0; // successful logins

  function login(options) {
    const plain = !options;
    if (plain && pending) return pendingPlain ? pending : pending.catch(() => login());
    const mine = whenIdle().then(() => attempt(options || {}, 0));
    const done = () => { if (pending === mine) pending = undefined; };
    pending = mine;
    pendingPlain = plain;
    mine.then(done, done);
    return mine;
  }

  /** Resolves when no login is in progress. */
  function whenIdle() {
    return (pending || Promise.resolve()).catch(ignore);
  }

  /** One wx.login and one request. A code of WeChat's can be used once, so each attempt after a 503 gets a new one. */
  function attempt(options, waited) {
    return codeOf(options).then(code => http.send({
      url: '/miniprogram/login', method: 'POST', timeout: options.timeout,
      data: defined({
        app: account.app, code, sku: account.sku, device: account.device,
        rawData: options.rawData, signature: options.signature, encryptedData: options.encryptedData, iv: options.iv,
      }),
    }, token.get())).then(complete, error => {
      const delay = http.retryDelay(error, waited);
      if (!delay || options.code) throw error;
      return sleep(delay).then(() => attempt(options, waited + delay));
    });
  }

  function complete(response) {
    const grant = response.data;
    if (!grant || typeof grant.token !== 'string' || !grant.token || typeof grant.openid !== 'string') {
      throw new WechatFnError('invalid-response', 'the response to the login has no token', { status: response.statusCode });
    }
    count++;
    token.set(grant.token);
    return grant;
  }

  function codeOf(options) {
    if (options.code) return Promise.resolve(options.code);
    return new Promise((resolve, reject) => api.login({
      timeout: options.timeout || http.timeout,
      success: r => (r && r.code ? resolve(r.code) : reject(new WechatFnError('login-failed', 'wx.login returned no code'))),
      fail: e => reject(wxError(e, 'login-failed')),
    }));
  }

  /** The stored token, after the login that is in progress; else the token of a new login. */
  function tokenOrLogin() {
    return whenIdle().then(() => token.get() || login().then(grant => grant.token));
  }

  /** A token that is newer than `seen` logins. Another call may have logged in already. */
  function newerToken(seen) {
    return count !== seen && token.get() ? Promise.resolve(token.get()) : login().then(grant => grant.token);
  }

  return { login, whenIdle, tokenOrLogin, newerToken, count: () => count };
}

/** The client, on top of requests and logins. */
function newClient(api, http, token, logins) {
  let logouts = 0; // calls of logout

  /**
   * Whether the session has ended. A 401 says so. A gateway may respond with 403 and without a problem code, for a session that has ended
   * as for any other reason: then the server is asked.
   */
  function hasEnded(error, token) {
    if (error.status !== 403 || error.code !== 'invalid-response') return Promise.resolve(error.status === 401);
    return http.send({ url: '/oauth/session', method: 'GET' }, token).then(() => false, e => e.status === 401);
  }

  /** Sends with the token. If the session has ended, it logs in once, shared with other calls, and sends once more. */
  function sendWithToken(o) {
    const before = logouts;
    return logins.tokenOrLogin().then(current => {
      const seen = logins.count();
      return http.sendWithRetry(o, current).catch(error => hasEnded(error, current).then(ended => {
        if (!ended || logouts !== before) throw error;
        return logins.newerToken(seen).then(newer => http.sendWithRetry(o, newer));
      }));
    });
  }

  /** Does work that requires a valid session_key on the server, and does it once more after another wx.login. */
  function withSessionKey(work) {
    const before = logouts;
    return logins.tokenOrLogin().then(() => {
      const seen = logins.count();
      return work().catch(error => {
        if (SESSION_KEY_PROBLEMS.indexOf(error.code) < 0 || logouts !== before) throw error;
        return logins.newerToken(seen).then(work);
      });
    });
  }

  function request(o) {
    if (!o || typeof o.url !== 'string') return invalidOption('url is missing');
    const checked = Promise.resolve(o.url).then(http.address); // before a login
    return checked.then(() => sendWithToken({
      url: o.url, method: (o.method || 'GET').toUpperCase(), data: o.data, header: o.header, timeout: o.timeout,
      dataType: o.dataType, repeat: o.repeat, wx: defined({ responseType: o.responseType, enableHttp2: o.enableHttp2 }),
    }));
  }

  function decrypt(data) {
    const getData = () => Promise.resolve().then(() => (typeof data === 'function' ? data() : data))
      .catch(e => { throw e instanceof WechatFnError ? e : wxError(e, 'data-unavailable'); });
    return withSessionKey(() => getData().then(d => {
      if (!d || !d.encryptedData || !d.iv) return invalidOption('encryptedData and iv are missing; did the user refuse?');
      return sendWithToken({ url: '/miniprogram/decrypt', method: 'POST', data: { encryptedData: d.encryptedData, iv: d.iv }, repeat: true });
    })).then(decryptedData);
  }

  function phone(code) {
    if (!code) return invalidOption('code is missing; did the user refuse?');
    // A 503 may come after WeChat has used the code. With token_unavailable the server has not asked WeChat.
    return sendWithToken({ url: '/miniprogram/phone', method: 'POST', data: { code }, repeat: e => e.code === 'token_unavailable' }).then(body);
  }

  function session() {
    return withSessionKey(() => sendWithToken({ url: '/miniprogram/session', method: 'GET' })).then(body);
  }

  function checkSession() {
    return new Promise(resolve => api.checkSession({ success: () => resolve(true), fail: () => resolve(false) }));
  }

  function logout(options) {
    logouts++;
    return logins.whenIdle().then(() => {
      const current = token.get();
      if (!current) return undefined;
      const remove = () => { if (token.get() === current) token.set(''); };
      return http.sendWithRetry({ url: '/oauth/session' + (options && options.all ? '?all=true' : ''), method: 'DELETE' }, current).then(remove, error => {
        if (error.status !== 401) throw error;
        remove(); // the session has ended already
      });
    });
  }

  return { login: logins.login, request, decrypt, phone, checkSession, session, logout, token: () => token.get() };
}

function ignore() {}

function invalidOption(detail) {
  return Promise.reject(new WechatFnError('invalid-option', detail));
}

/** The JSON object of a response. A proxy, or a server at a wrong baseURL, may send a page with status 200. */
function body(response) {
  if (response.data && typeof response.data === 'object') return response.data;
  throw new WechatFnError('invalid-response', 'the response is not a JSON object', { status: response.statusCode });
}

/** The object in the field `data` of a response. */
function decryptedData(response) {
  return body({ data: body(response).data, statusCode: response.statusCode });
}

function sleep(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** The fields that are defined. */
function defined(fields) {
  const out = {};
  Object.keys(fields).forEach(name => { if (fields[name] !== undefined) out[name] = fields[name]; });
  return out;
}

/** Whether a request may be sent twice: as the caller says, else as HTTP says of its method. */
function mayRepeat(o, error) {
  if (typeof o.repeat === 'function') return o.repeat(error);
  if (typeof o.repeat === 'boolean') return o.repeat;
  return ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].indexOf(o.method) >= 0;
}

/** Parses an address to which the token may be sent: https, or http on this machine. */
function parseBase(text, name) {
  const match = /^(https?):\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?(\/[^?#\\\s]*)?$/i.exec(text || '');
  if (!match) throw new WechatFnError('invalid-option', name + ' is not https://host, with or without a path');
  if (match[1].toLowerCase() === 'http' && !/^(localhost|127\.0\.0\.1)$/i.test(match[2])) {
    throw new WechatFnError('invalid-option', name + ' must be https; http is for localhost and 127.0.0.1 only');
  }
  return { url: text.replace(/\/+$/, ''), origin: (match[1] + '://' + match[2] + (match[3] || '')).toLowerCase() };
}

function headers(own, token) {
  const out = {};
  Object.keys(own || {}).forEach(name => { if (name.toLowerCase() !== 'authorization') out[name] = own[name]; });
  if (token) out.Authorization = 'Bearer ' + token;
  return out;
}

/** A header of a response. Platforms differ in how they write the names. */
function header(response, name) {
  const all = response.header || {};
  const found = Object.keys(all).filter(key => key.toLowerCase() === name)[0];
  return found === undefined ? '' : String(all[found]);
}

/** The error for a response that is not a success. The server sends a problem (RFC 9457). */
function problemError(response) {
  const problem = parsed(response.data);
  const status = response.statusCode;
  const retryAfter = Math.max(0, Number(header(response, 'retry-after')) || 0);
  if (!problem || typeof problem.code !== 'string') return new WechatFnError('invalid-response', 'HTTP status ' + status, { status, retryAfter });
  return new WechatFnError(problem.code, problem.detail || problem.title || '', { status, retryAfter, hint: problem.hint });
}

/** The JSON of a problem. Some platforms parse application/json only, and not application/problem+json. */
function parsed(data) {
  if (typeof data !== 'string') return data;
  try {
    return JSON.parse(data);
  } catch (e) {
    return undefined;
  }
}

/** The error for a call of wx that failed or threw. */
function wxError(e, code) {
  const text = String((e && (e.errMsg || e.message)) || '');
  if (/timeout|timed out/i.test(text)) return new WechatFnError('timeout', text);
  if (/domain list/i.test(text)) return new WechatFnError('domain-not-listed', text);
  return new WechatFnError(code, text);
}

/** The token, in memory and in storage. */
function newToken(api, key) {
  let value;
  return {
    get() {
      if (value === undefined) value = read(api, key);
      return value;
    },
    set(text) {
      value = text;
      write(api, key, text);
    },
  };
}

function read(api, key) {
  try {
    const value = api.getStorageSync(key);
    return typeof value === 'string' ? value : '';
  } catch (e) {
    return '';
  }
}

function write(api, key, text) {
  try {
    if (text) api.setStorageSync(key, text);
    else api.removeStorageSync(key);
  } catch (e) {
    // The storage may be full. The token is in memory, and the next start logs in again.
  }
}

/** The device's name in the user's list of sessions. It is not a secret. */
function deviceOf(api) {
  const stored = read(api, 'wechatfn:device');
  if (stored) return stored;
  let id = 'mp-';
  while (id.length < 25) id += Math.floor(Math.random() * 36).toString(36);
  write(api, 'wechatfn:device', id);
  return id;
}

module.exports = { create, WechatFnError };

/**
 * wechatfn for mini-programs: wx.login for a session, requests that bear it, and what WeChat encrypts
 * for a server in plain. One file, no dependencies; copy it. Types: wechatfn.d.ts.
 *
 * Only what every mini-program's runtime has is used here: ES2015, no fetch, no URL, no async.
 */
'use strict';

const TIMEOUT = 10000; // milliseconds for wx.login, and for each request
const PATIENCE = 10000; // milliseconds to wait in all where the server says when to come back

// What another wx.login may mend. The server decrypts without asking WeChat whether its session_key is
// the live one, so a dead key shows as data that cannot be decrypted.
const STALE = ['session_key_invalid', 'session_key_missing', 'data_undecryptable'];

// The module's own codes have hyphens; those with underscores are the server's (docs/problems.md).
const HINTS = {
  'option-invalid': ['An argument is wrong.', '参数有误。'],
  'origin-not-trusted': ['The token goes to baseURL and origins alone.', '登录凭证只会发往 baseURL 和 origins 中的地址。'],
  'login-failed': ['wx.login failed. Try again.', 'wx.login 调用失败，请重试。'],
  'data-failed': ['There is no data; did the user refuse?', '未获取到数据，用户可能拒绝了授权。'],
  timeout: ['It took too long. Try again.', '请求超时，请重试。'],
  network: ['The server could not be reached.', '无法连接服务器，请检查网络。'],
  'domain-not-listed': ['Add the domain in the console: Development, Server domains, request.', '请在小程序后台「开发管理 - 服务器域名」中添加该 request 合法域名。'],
  'bad-answer': ['The answer is not the server\'s: is baseURL right?', '返回内容无法识别，请检查 baseURL。'],
};

/** Every failure of this module. `code` is stable; `message` and `detail` are for people. */
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

/** Checks the options and makes a client; it calls nothing yet. Throws a WechatFnError. */
function create(options) {
  const given = options || {};
  const api = given.wx || (typeof wx === 'object' ? wx : undefined);
  if (!api) throw new WechatFnError('option-invalid', 'there is no wx: this is no mini-program');
  const base = parseBase(given.baseURL, 'baseURL');
  const trusted = [base.origin].concat((given.origins || []).map(o => parseBase(o, 'origins').origin));
  const timeout = given.timeout === undefined ? TIMEOUT : given.timeout;
  const patience = given.patience === undefined ? PATIENCE : given.patience;
  const store = keep(api, ['wechatfn', base.url, given.app || '', given.sku || ''].join(':'));
  const device = given.device || deviceOf(api);

  let pending; // the login in flight
  let pendingPlain; // it brings no data that could make it fail
  let logins = 0; // how many have gone well
  let logouts = 0; // how many were asked for

  function login(extra) {
    const plain = !extra;
    if (plain && pending) return pendingPlain ? pending : pending.catch(() => login());
    const mine = (pending || Promise.resolve()).catch(ignore).then(() => enter(extra || {}, 0));
    const done = () => { if (pending === mine) pending = undefined; };
    pending = mine;
    pendingPlain = plain;
    mine.then(done, done);
    return mine;
  }

  /** One wx.login and one exchange. A code works once, so each try after a 503 takes a new one. */
  function enter(extra, waited) {
    return codeOf(extra).then(code => once({
      url: '/miniprogram/login', method: 'POST', timeout: extra.timeout,
      data: defined({
        app: given.app, code, sku: given.sku, device,
        rawData: extra.rawData, signature: extra.signature, encryptedData: extra.encryptedData, iv: extra.iv,
      }),
    }, store.get())).then(admit, error => {
      const wait = pauseFor(error, waited);
      if (!wait || extra.code) throw error;
      return sleep(wait).then(() => enter(extra, waited + wait));
    });
  }

  function admit(answer) {
    const grant = answer.data;
    if (!grant || typeof grant.token !== 'string' || !grant.token || typeof grant.openid !== 'string') {
      throw new WechatFnError('bad-answer', 'the login brought no token', { status: answer.statusCode });
    }
    logins++;
    store.set(grant.token);
    return grant;
  }

  function codeOf(extra) {
    if (extra.code) return Promise.resolve(extra.code);
    return new Promise((resolve, reject) => api.login({
      timeout: extra.timeout || timeout,
      success: r => (r && r.code ? resolve(r.code) : reject(new WechatFnError('login-failed', 'wx.login brought no code'))),
      fail: e => reject(failed(e, 'login-failed')),
    }));
  }

  /** A token: the one there is, the one that is on its way, or a new one. */
  function ensure() {
    return (pending || Promise.resolve()).catch(ignore).then(() => store.get() || login().then(g => g.token));
  }

  /** A token made after `seen` logins: another call may have brought it already. */
  function renewed(seen) {
    return logins !== seen && store.get() ? Promise.resolve(store.get()) : login().then(g => g.token);
  }

  /**
   * Whether the session is over. A 401 says so. A gateway may have no other no than 403, for a session
   * that has ended as for whatever else, and no code with it: then the server is asked.
   */
  function isOver(error, token) {
    if (error.status !== 403 || error.code !== 'bad-answer') return Promise.resolve(error.status === 401);
    return once({ url: '/oauth/session', method: 'GET' }, token).then(() => false, e => e.status === 401);
  }

  /** Sends with the token. Where the session is over: one login, shared with others, and once more. */
  function authorized(o) {
    const left = logouts;
    return ensure().then(token => {
      const seen = logins;
      return patiently(o, token, 0).catch(error => isOver(error, token).then(over => {
        if (!over || logouts !== left) throw error;
        return renewed(seen).then(fresh => patiently(o, fresh, 0));
      }));
    });
  }

  /** Does work for which the server needs a live session_key, once more after another wx.login. */
  function keyed(work) {
    const left = logouts;
    return ensure().then(() => {
      const seen = logins;
      return work().catch(error => {
        if (STALE.indexOf(error.code) < 0 || logouts !== left) throw error;
        return renewed(seen).then(work);
      });
    });
  }

  /** Sends, and again where the server says when to come back, as far as patience goes. */
  function patiently(o, token, waited) {
    return once(o, token).catch(error => {
      const wait = pauseFor(error, waited);
      if (!wait || !mayRepeat(o, error)) throw error;
      return sleep(wait).then(() => patiently(o, token, waited + wait));
    });
  }

  function pauseFor(error, waited) {
    const wait = error.status === 503 ? error.retryAfter * 1000 : 0;
    return waited + wait <= patience ? wait : 0;
  }

  function once(o, token) {
    return new Promise((resolve, reject) => api.request(Object.assign({}, o.wx, {
      url: address(o.url), method: o.method, data: o.data, header: headers(o.header, token), timeout: o.timeout || timeout, dataType: o.dataType || 'json',
      success: answer => (answer.statusCode >= 200 && answer.statusCode < 300 ? resolve(answer) : reject(problem(answer))),
      fail: e => reject(failed(e, 'network')),
    })));
  }

  function address(url) {
    if (/^\//.test(url)) return base.url + url;
    const match = /^(https?:\/\/[^/?#\\@]+)(?:[/?#]|$)/i.exec(url);
    if (match && trusted.indexOf(match[1].toLowerCase()) >= 0) return url;
    throw new WechatFnError('origin-not-trusted', 'the request goes neither to baseURL nor to one of origins');
  }

  function request(o) {
    if (!o || typeof o.url !== 'string') return refuse('url is missing');
    const allowed = Promise.resolve(o.url).then(address); // before a login is spent on it
    return allowed.then(() => authorized({
      url: o.url, method: (o.method || 'GET').toUpperCase(), data: o.data, header: o.header, timeout: o.timeout,
      dataType: o.dataType, repeat: o.repeat, wx: defined({ responseType: o.responseType, enableHttp2: o.enableHttp2 }),
    }));
  }

  function decrypt(data) {
    const fetched = () => Promise.resolve().then(() => (typeof data === 'function' ? data() : data))
      .catch(e => { throw e instanceof WechatFnError ? e : failed(e, 'data-failed'); });
    return keyed(() => fetched().then(d => {
      if (!d || !d.encryptedData || !d.iv) return refuse('encryptedData and iv are missing; did the user refuse?');
      return authorized({ url: '/miniprogram/decrypt', method: 'POST', data: { encryptedData: d.encryptedData, iv: d.iv }, repeat: true });
    })).then(opened);
  }

  function phone(code) {
    if (!code) return refuse('code is missing; did the user refuse?');
    // A 503 may come after WeChat took the code. Without an access token, it was not asked.
    return authorized({ url: '/miniprogram/phone', method: 'POST', data: { code }, repeat: e => e.code === 'token_unavailable' }).then(body);
  }

  function session() {
    return keyed(() => authorized({ url: '/miniprogram/session', method: 'GET' })).then(body);
  }

  function checkSession() {
    return new Promise(resolve => api.checkSession({ success: () => resolve(true), fail: () => resolve(false) }));
  }

  function logout(how) {
    logouts++;
    return (pending || Promise.resolve()).catch(ignore).then(() => {
      const token = store.get();
      if (!token) return undefined;
      const forget = () => { if (store.get() === token) store.set(''); };
      return patiently({ url: '/oauth/session' + (how && how.all ? '?all=true' : ''), method: 'DELETE' }, token, 0).then(forget, error => {
        if (error.status !== 401) throw error;
        forget(); // it has ended already
      });
    });
  }

  return { login, request, decrypt, phone, checkSession, session, logout, token: () => store.get() };
}

function ignore() {}

function refuse(detail) {
  return Promise.reject(new WechatFnError('option-invalid', detail));
}

/** What the server said: a page with a status of 200, of a proxy or under a wrong baseURL, is not it. */
function body(answer) {
  if (answer.data && typeof answer.data === 'object') return answer.data;
  throw new WechatFnError('bad-answer', 'the answer is no JSON object', { status: answer.statusCode });
}

/** What was encrypted. */
function opened(answer) {
  return body({ data: body(answer).data, statusCode: answer.statusCode });
}

function sleep(ms) {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function defined(fields) {
  const out = {};
  Object.keys(fields).forEach(name => { if (fields[name] !== undefined) out[name] = fields[name]; });
  return out;
}

/** Whether sending twice does no harm: the caller knows best, else HTTP does. */
function mayRepeat(o, error) {
  if (typeof o.repeat === 'function') return o.repeat(error);
  if (typeof o.repeat === 'boolean') return o.repeat;
  return ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].indexOf(o.method) >= 0;
}

/** Tokens travel over https; http is for a server on this machine. */
function parseBase(text, name) {
  const match = /^(https?):\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?(\/[^?#\\\s]*)?$/i.exec(text || '');
  if (!match) throw new WechatFnError('option-invalid', name + ' is not https://host, with or without a path');
  if (match[1].toLowerCase() === 'http' && !/^(localhost|127\.0\.0\.1)$/i.test(match[2])) {
    throw new WechatFnError('option-invalid', name + ' must be https; http is for localhost and 127.0.0.1 alone');
  }
  return { url: text.replace(/\/+$/, ''), origin: (match[1] + '://' + match[2] + (match[3] || '')).toLowerCase() };
}

function headers(own, token) {
  const out = {};
  Object.keys(own || {}).forEach(name => { if (name.toLowerCase() !== 'authorization') out[name] = own[name]; });
  if (token) out.Authorization = 'Bearer ' + token;
  return out;
}

/** Platforms differ in how they write the names of headers. */
function header(answer, name) {
  const all = answer.header || {};
  const found = Object.keys(all).filter(key => key.toLowerCase() === name)[0];
  return found === undefined ? '' : String(all[found]);
}

/** The server's refusal, as RFC 9457 has it. */
function problem(answer) {
  const said = parsed(answer.data);
  const status = answer.statusCode;
  const retryAfter = Math.max(0, Number(header(answer, 'retry-after')) || 0);
  if (!said || typeof said.code !== 'string') return new WechatFnError('bad-answer', 'HTTP status ' + status, { status, retryAfter });
  return new WechatFnError(said.code, said.detail || said.title || '', { status, retryAfter, hint: said.hint });
}

/** A problem's JSON, also where a platform parses only what is called application/json. */
function parsed(data) {
  if (typeof data !== 'string') return data;
  try {
    return JSON.parse(data);
  } catch (e) {
    return undefined;
  }
}

/** What wx says, or threw, when a call does not come through. */
function failed(e, code) {
  const text = String((e && (e.errMsg || e.message)) || '');
  if (/timeout|timed out/i.test(text)) return new WechatFnError('timeout', text);
  if (/domain list/i.test(text)) return new WechatFnError('domain-not-listed', text);
  return new WechatFnError(code, text);
}

/** A text in memory and in storage, which may be full. */
function keep(api, key) {
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
    // It stays in memory, and the next start logs in anew.
  }
}

/** The device's name in the user's list of sessions. It is no secret. */
function deviceOf(api) {
  const known = read(api, 'wechatfn:device');
  if (known) return known;
  let id = 'mp-';
  while (id.length < 25) id += Math.floor(Math.random() * 36).toString(36);
  write(api, 'wechatfn:device', id);
  return id;
}

module.exports = { create, WechatFnError };

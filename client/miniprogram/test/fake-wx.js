'use strict';

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const source = fs.readFileSync(path.join(__dirname, '..', 'wechatfn.js'), 'utf8');

/**
 * The module in a bare world: JavaScript's own objects, wx and a timer, as in a mini-program. Timers
 * run at once; `slept` has what they were asked for.
 */
function load(wx) {
  const slept = [];
  const module = { exports: {} };
  const setTimeout = (f, ms) => { slept.push(ms); setImmediate(f); };
  vm.runInNewContext(source, wx ? { module, wx, setTimeout } : { module, setTimeout });
  return Object.assign({ slept }, module.exports);
}

/**
 * wx, as far as the module may use it: callbacks that come later, answers as JSON, storage that
 * copies. `server(request)` answers {status, body, header} or {fail: errMsg}, or a promise of one.
 */
function fakeWx(server) {
  const storage = new Map();
  const wx = {
    storage, logins: 0, requests: [], alive: true, loginAnswer: undefined,
    login(o) {
      const n = ++wx.logins;
      wx.loginTimeout = o.timeout;
      const said = wx.loginAnswer || { code: 'code-' + n, errMsg: 'login:ok' };
      setImmediate(() => (said.fail ? o.fail({ errMsg: said.fail }) : o.success(said)));
    },
    checkSession(o) { setImmediate(() => (wx.alive ? o.success({ errMsg: 'checkSession:ok' }) : o.fail({ errMsg: 'checkSession:fail' }))); },
    getStorageSync(key) { return storage.has(key) ? JSON.parse(storage.get(key)) : ''; },
    setStorageSync(key, value) { storage.set(key, JSON.stringify(value)); },
    removeStorageSync(key) { storage.delete(key); },
    request(o) {
      check(o);
      const sent = JSON.parse(JSON.stringify({ url: o.url, method: o.method, data: o.data, header: o.header, timeout: o.timeout, dataType: o.dataType, responseType: o.responseType }));
      wx.requests.push(sent);
      Promise.resolve(server(sent)).then(a => deliver(o, a));
    },
  };
  return wx;
}

/** What WeChat's own checks refuse. */
function check(o) {
  if (!/^https?:\/\//.test(o.url)) throw new Error('request:fail invalid url ' + o.url);
  if (o.method !== o.method.toUpperCase()) throw new Error('a method in small letters');
  for (const value of Object.values(o.header || {})) if (typeof value !== 'string') throw new Error('a header that is no text');
}

function deliver(o, a) {
  if (a.fail) return setImmediate(() => o.fail({ errMsg: a.fail, errno: 600001 }));
  const text = a.body === undefined ? '' : typeof a.body === 'string' ? a.body : JSON.stringify(a.body);
  let data = text;
  if (o.dataType === 'json' && !a.unparsed) { try { data = JSON.parse(text); } catch (e) { /* stays text */ } }
  setImmediate(() => o.success({ statusCode: a.status || 200, data, header: a.header || {}, cookies: [], errMsg: 'request:ok' }));
}

/**
 * A server with sessions: each login is a new token, unless the device has a live one; `dead` tokens
 * are refused. routes[path] answers what it does not know itself, and `next` the next requests.
 */
function fakeServer(routes) {
  const server = request => {
    const url = new URL(request.url);
    const route = request.method + ' ' + url.pathname;
    server.calls[route] = (server.calls[route] || 0) + 1;
    const token = (request.header.Authorization || '').replace('Bearer ', '');
    const next = server.next.shift();
    const given = typeof next === 'function' ? next(request) : next;
    if (given) return given;
    if (/\/miniprogram\/login$/.test(url.pathname)) { // below any base
      const kept = server.live.has(token) ? token : 'token-' + ++server.issued;
      server.live.add(kept);
      return { body: { token: kept, expiresIn: 604800, openid: 'oUser', newUser: server.issued === 1 } };
    }
    if (!server.live.has(token)) return refusal(401, 'session_missing');
    if (route === 'DELETE /oauth/session') { server.live.delete(token); return { status: 204 }; }
    return (routes && routes[route] && routes[route](request, token)) || { body: { token } };
  };
  return Object.assign(server, { live: new Set(), issued: 0, calls: {}, next: [] });
}

function refusal(status, code, header) {
  return {
    status, header: Object.assign({ 'Content-Type': 'application/problem+json' }, header),
    body: { type: 'urn:wechatfn:problem:' + code, title: 'T', status, code, detail: 'detail of ' + code, hint: { en: 'E', zh: '中' } },
  };
}

/** A client of a fake server, and both. */
function world(routes, options) {
  const server = fakeServer(routes);
  const wx = fakeWx(server);
  const module = load();
  const client = module.create(Object.assign({ baseURL: 'https://api.example.com', wx }, options));
  return { server, wx, client, module, slept: module.slept };
}

module.exports = { load, fakeWx, fakeServer, refusal, world, source };

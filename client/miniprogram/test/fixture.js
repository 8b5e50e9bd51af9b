'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const vm = require('node:vm');

const source = fs.readFileSync(path.join(__dirname, '..', 'wechatfn.js'), 'utf8');

/** A table of tests: one for each case, under the case's name. */
function table(title, cases, run) {
  describe(title, () => {
    for (const c of cases) test(c.name, () => run(c));
  });
}

/** The error of a promise that must reject. */
const rejection = promise => promise.then(() => assert.fail('it resolved'), error => error);

/**
 * Loads the module with JavaScript's own objects, wx and setTimeout, as in a mini-program. Timers fire at once; `delays` has the times
 * that they were given.
 */
function load(wx) {
  const delays = [];
  const module = { exports: {} };
  const setTimeout = (f, ms) => { delays.push(ms); setImmediate(f); };
  vm.runInNewContext(source, wx ? { module, wx, setTimeout } : { module, setTimeout });
  return Object.assign({ delays }, module.exports);
}

/**
 * The part of wx that the module uses: callbacks that come later, responses as JSON, a storage that copies. `server(request)` returns
 * {status, body, header} or {fail: errMsg}, or a promise of one.
 */
function fakeWx(server) {
  const storage = new Map();
  const wx = {
    storage, logins: 0, requests: [], sessionValid: true, loginResult: undefined,
    login(o) {
      const n = ++wx.logins;
      wx.loginTimeout = o.timeout;
      const result = wx.loginResult || { code: 'code-' + n, errMsg: 'login:ok' };
      setImmediate(() => (result.fail ? o.fail({ errMsg: result.fail }) : o.success(result)));
    },
    checkSession(o) { setImmediate(() => (wx.sessionValid ? o.success({ errMsg: 'checkSession:ok' }) : o.fail({ errMsg: 'checkSession:fail' }))); },
    getStorageSync(key) { return storage.has(key) ? JSON.parse(storage.get(key)) : ''; },
    setStorageSync(key, value) { storage.set(key, JSON.stringify(value)); },
    removeStorageSync(key) { storage.delete(key); },
    request(o) {
      check(o);
      const sent = JSON.parse(JSON.stringify({ url: o.url, method: o.method, data: o.data, header: o.header, timeout: o.timeout, dataType: o.dataType, responseType: o.responseType }));
      wx.requests.push(sent);
      Promise.resolve(server(sent)).then(r => deliver(o, r));
    },
  };
  return wx;
}

/** Refuses what WeChat refuses. */
function check(o) {
  if (!/^https?:\/\//.test(o.url)) throw new Error('request:fail invalid url ' + o.url);
  if (o.method !== o.method.toUpperCase()) throw new Error('a method with small letters');
  for (const value of Object.values(o.header || {})) if (typeof value !== 'string') throw new Error('a header that is not a text');
}

function deliver(o, r) {
  if (r.fail) return setImmediate(() => o.fail({ errMsg: r.fail, errno: 600001 }));
  const text = r.body === undefined ? '' : typeof r.body === 'string' ? r.body : JSON.stringify(r.body);
  let data = text;
  if (o.dataType === 'json' && !r.unparsed) { try { data = JSON.parse(text); } catch (e) { /* it is text */ } }
  setImmediate(() => o.success({ statusCode: r.status || 200, data, header: r.header || {}, cookies: [], errMsg: 'request:ok' }));
}

/**
 * A server with sessions. A login issues a new token, or repeats a valid one that comes with it. `valid` has the valid tokens, `next` the
 * responses to the next requests, and `routes` those to requests that the server does not know.
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
      const current = server.valid.has(token) ? token : 'token-' + ++server.issued;
      server.valid.add(current);
      return { body: { token: current, expiresIn: 604800, openid: 'oUser', newUser: server.issued === 1 } };
    }
    if (!server.valid.has(token)) return problem(401, 'session_missing');
    if (route === 'DELETE /oauth/session') { server.valid.delete(token); return { status: 204 }; }
    return (routes && routes[route] && routes[route](request, token)) || { body: { token } };
  };
  return Object.assign(server, { valid: new Set(), issued: 0, calls: {}, next: [] });
}

function problem(status, code, header) {
  return {
    status, header: Object.assign({ 'Content-Type': 'application/problem+json' }, header),
    body: { type: 'urn:wechatfn:problem:' + code, title: 'T', status, code, detail: 'detail of ' + code, hint: { en: 'E', zh: '中' } },
  };
}

/** A response to the next request, which comes when `send` is called. */
function holdNext(server, response) {
  const held = {};
  server.next.push(() => new Promise(resolve => { held.send = () => resolve(response); }));
  return held;
}

/** A client, its wx, its server, and the delays of its timers. */
function newFixture(routes, options) {
  const server = fakeServer(routes);
  const wx = fakeWx(server);
  const module = load();
  const client = module.create(Object.assign({ baseURL: 'https://api.example.com', wx }, options));
  return { server, wx, client, module, delays: module.delays };
}

module.exports = { load, fakeWx, problem, holdNext, newFixture, rejection, table, source };

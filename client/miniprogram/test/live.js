'use strict';

// The module and the server together: node live.js http://127.0.0.1:8080 against make dev, whose
// simulated WeChat plays wx. client/miniprogram_test.go runs it.

const assert = require('node:assert/strict');
const { create } = require('../wechatfn.js');

const base = new URL(process.argv[2]).origin;

/** What WeChat's app does on the phone: login, data, phone, replace. */
async function weChat(what) {
  const headers = { Origin: base, 'Content-Type': 'application/json' };
  const answer = await fetch(base + '/_dev/mini', { method: 'POST', headers, body: JSON.stringify({ do: what }) });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** wx on a phone of its own, over HTTP. */
function phone() {
  const storage = new Map();
  const wx = {
    logins: 0,
    login(o) { wx.logins++; weChat('login').then(o.success, o.fail); },
    checkSession(o) { o.success(); },
    getStorageSync: key => storage.get(key) || '',
    setStorageSync: (key, value) => storage.set(key, value),
    removeStorageSync: key => storage.delete(key),
    request(o) { send(o).then(o.success, e => o.fail({ errMsg: String(e) })); },
  };
  return wx;
}

async function send(o) {
  const answer = await fetch(o.url, { method: o.method, headers: { 'Content-Type': 'application/json', ...o.header }, body: o.data && JSON.stringify(o.data) });
  const text = await answer.text();
  let data = text;
  try { data = JSON.parse(text); } catch (e) { /* stays text */ }
  return { statusCode: answer.status, header: Object.fromEntries(answer.headers), data };
}

async function main() {
  const wx = phone();
  const client = create({ baseURL: base, app: 'mini', sku: 'shop', wx });
  const [login, who] = await Promise.all([client.login(), client.request({ url: '/oauth/session?sku=shop' })]);
  assert.deepEqual([who.data.openid, who.data.sku, wx.logins], [login.openid, 'shop', 1]);

  assert.equal((await client.decrypt(() => weChat('data'))).openId, login.openid);
  assert.match((await client.phone((await weChat('phone')).code)).purePhoneNumber, /^1\d{10}$/);
  assert.equal((await client.phone('guessed').catch(e => e)).code, 'phone_code_invalid');

  await weChat('replace');
  assert.deepEqual(await client.session(), { valid: true });
  assert.equal(wx.logins, 2);
  await weChat('replace');
  assert.equal((await client.decrypt(() => weChat('data'))).openId, login.openid);
  assert.deepEqual([wx.logins, client.token()], [3, login.token]); // its session was kept

  const tablet = create({ baseURL: base, app: 'mini', sku: 'shop', wx: phone() });
  assert.equal((await tablet.login()).newUser, false);
  await tablet.logout({ all: true });
  const again = await client.request({ url: '/oauth/session' });
  assert.deepEqual([again.data.openid, wx.logins, client.token() === login.token], [login.openid, 4, false]);
}

main().catch(error => { console.error(error); process.exitCode = 1; });

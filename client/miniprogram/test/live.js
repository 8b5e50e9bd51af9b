'use strict';

// The module against a real server: node live.js http://127.0.0.1:8080, where `make dev` runs. Its simulated WeChat does what wx does.
// client/miniprogram_test.go runs it.

const assert = require('node:assert/strict');
const { create } = require('../wechatfn.js');

const base = new URL(process.argv[2]).origin;

/** What WeChat's app does on the phone: login, data, phone, replace. */
async function simulatedWeChat(what) {
  const headers = { Origin: base, 'Content-Type': 'application/json' };
  const response = await fetch(base + '/_dev/mini', { method: 'POST', headers, body: JSON.stringify({ do: what }) });
  assert.equal(response.status, 200);
  return response.json();
}

/** The wx of another phone. */
function newPhone() {
  const storage = new Map();
  const wx = {
    logins: 0,
    login(o) { wx.logins++; simulatedWeChat('login').then(o.success, o.fail); },
    checkSession(o) { o.success(); },
    getStorageSync: key => storage.get(key) || '',
    setStorageSync: (key, value) => storage.set(key, value),
    removeStorageSync: key => storage.delete(key),
    request(o) { send(o).then(o.success, e => o.fail({ errMsg: String(e) })); },
  };
  return wx;
}

async function send(o) {
  const response = await fetch(o.url, { method: o.method, headers: { 'Content-Type': 'application/json', ...o.header }, body: o.data && JSON.stringify(o.data) });
  const text = await response.text();
  let data = text;
  try { data = JSON.parse(text); } catch (e) { /* it is text */ }
  return { statusCode: response.status, header: Object.fromEntries(response.headers), data };
}

async function main() {
  const wx = newPhone();
  const client = create({ baseURL: base, app: 'mini', sku: 'shop', wx });
  const [login, session] = await Promise.all([client.login(), client.request({ url: '/oauth/session?sku=shop' })]);
  assert.deepEqual([session.data.openid, session.data.sku, wx.logins], [login.openid, 'shop', 1]);

  assert.equal((await client.decrypt(() => simulatedWeChat('data'))).openId, login.openid);
  assert.match((await client.phone((await simulatedWeChat('phone')).code)).purePhoneNumber, /^1\d{10}$/);
  assert.equal((await client.phone('guessed').catch(e => e)).code, 'phone_code_invalid');

  await simulatedWeChat('replace'); // the server's session_key becomes invalid
  assert.deepEqual(await client.session(), { valid: true });
  assert.equal(wx.logins, 2);
  await simulatedWeChat('replace');
  assert.equal((await client.decrypt(() => simulatedWeChat('data'))).openId, login.openid);
  assert.deepEqual([wx.logins, client.token()], [3, login.token]); // the session is the same

  const tablet = create({ baseURL: base, app: 'mini', sku: 'shop', wx: newPhone() });
  assert.equal((await tablet.login()).newUser, false);
  await tablet.logout({ all: true });
  const later = await client.request({ url: '/oauth/session' });
  assert.deepEqual([later.data.openid, wx.logins, client.token() === login.token], [login.openid, 4, false]);
}

main().catch(error => { console.error(error); process.exitCode = 1; });

'use strict';

// Logins and logouts: which calls share a login, and which token is stored.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { holdNext, load, newFixture, problem, rejection, table } = require('./fixture.js');

const tokensOf = wx => wx.requests.map(r => r.header.Authorization);

test('a login sends the code and the options, and stores the token', async () => {
  const { client, wx } = newFixture(null, { app: 'shop', sku: 'gold', device: 'phone', timeout: 4000 });
  const grant = await client.login({ rawData: '{}', signature: 's', encryptedData: 'e', iv: 'i' });
  assert.equal(JSON.stringify(grant), JSON.stringify({ token: 'token-1', expiresIn: 604800, openid: 'oUser', newUser: true }));
  assert.equal(wx.requests.length, 1);
  assert.equal(wx.requests[0].url, 'https://api.example.com/miniprogram/login');
  assert.equal(wx.requests[0].method, 'POST');
  assert.deepEqual(wx.requests[0].data, {
    app: 'shop', code: 'code-1', sku: 'gold', device: 'phone', rawData: '{}', signature: 's', encryptedData: 'e', iv: 'i',
  });
  assert.equal(wx.requests[0].timeout, 4000);
  assert.equal(wx.loginTimeout, 4000);
  await client.login({ timeout: 300 });
  assert.deepEqual([wx.loginTimeout, wx.requests[1].timeout], [300, 300]);
  assert.equal(client.token(), 'token-1');
});

test('a login sends only the options that are given, and a random device', async () => {
  const { client, wx } = newFixture();
  await client.login();
  assert.deepEqual(Object.keys(wx.requests[0].data), ['code', 'device']);
  assert.match(wx.requests[0].data.device, /^mp-[0-9a-z]{22}$/);
});

test('the next start has the same token and device', async () => {
  const { client, wx, server } = newFixture();
  await client.login();
  const later = load().create({ baseURL: 'https://api.example.com/', wx });
  assert.equal(later.token(), 'token-1');
  await later.login();
  assert.equal(wx.requests[1].data.device, wx.requests[0].data.device);
  assert.equal(wx.requests[1].header.Authorization, 'Bearer token-1');
  assert.equal(server.issued, 1);
});

table('a client with another option does not have the token', [
  { name: 'another server', options: { baseURL: 'https://b.example.com' } },
  { name: 'another account', options: { app: 'x' } },
  { name: 'another product', options: { sku: 'x' } },
], async c => {
  const { client, wx } = newFixture();
  await client.login();
  assert.equal(load().create(Object.assign({ baseURL: 'https://api.example.com', wx }, c.options)).token(), '');
});

test('calls at the same time share one login', async () => {
  const { client, wx, server } = newFixture();
  const all = await Promise.all([client.login(), client.request({ url: '/a' }), client.request({ url: '/b' }), client.login()]);
  assert.equal(wx.logins, 1);
  assert.equal(server.calls['POST /miniprogram/login'], 1);
  assert.deepEqual([all[0].token, all[1].data.token, all[2].data.token, all[3].token], Array(4).fill('token-1'));
});

test('a login without data does not share the failure of a login with data', async () => {
  const { client, wx, server } = newFixture();
  server.next = [problem(400, 'rawdata_signature_invalid')];
  const [refused, plain, asked] = await Promise.all([rejection(client.login({ rawData: 'x', signature: 'y' })), client.login(), client.request({ url: '/a' })]);
  assert.equal(refused.code, 'rawdata_signature_invalid');
  assert.equal(plain.token, 'token-1');
  assert.equal(asked.data.token, 'token-1');
  assert.equal(wx.logins, 2);
});

test('a login with data does not share a login without data', async () => {
  const { client, wx } = newFixture();
  await Promise.all([client.login(), client.login({ rawData: 'x', signature: 'y' })]);
  assert.equal(wx.logins, 2);
});

test('a login with data starts after the login in progress, and a plain one shares it', async () => {
  const { client, wx, server } = newFixture();
  let loginsBefore;
  server.next = [() => { loginsBefore = wx.logins; return undefined; }];
  const first = client.login();
  const second = client.login({ rawData: 'x', signature: 'y' });
  await first;
  const third = client.login();
  assert.equal(await second, await third);
  assert.deepEqual([loginsBefore, wx.logins], [1, 2]);
});

test('the caller\'s own code is sent once only', async () => {
  const { client, wx, server } = newFixture();
  server.next = [problem(503, 'login_unavailable', { 'Retry-After': '1' })];
  assert.equal((await rejection(client.login({ code: 'mine' }))).code, 'login_unavailable');
  assert.equal(wx.logins, 0);
  assert.deepEqual(wx.requests.map(r => r.data.code), ['mine']);
});

test('each attempt after a 503 has a new code, until retryTimeout', async () => {
  const { client, server, wx, delays } = newFixture(null, { retryTimeout: 5000 });
  server.next = [problem(503, 'login_unavailable', { 'Retry-After': '2' }), problem(503, 'login_unavailable', { 'Retry-After': '2' })];
  assert.equal((await client.login()).token, 'token-1');
  assert.deepEqual(wx.requests.map(r => r.data.code), ['code-1', 'code-2', 'code-3']);
  assert.deepEqual(delays, [2000, 2000]);
  server.next = Array(9).fill(problem(503, 'login_unavailable', { 'Retry-After': '2' }));
  assert.equal((await rejection(client.login())).code, 'login_unavailable');
  assert.equal(wx.logins, 6);
});

table('a failure of wx.login is an error, and the next request tries again', [
  { name: 'timeout', result: { fail: 'login:fail timeout' }, code: 'timeout' },
  { name: 'failure', result: { fail: 'login:fail' }, code: 'login-failed' },
  { name: 'no code', result: { errMsg: 'login:ok' }, code: 'login-failed' },
], async c => {
  const { client, wx } = newFixture();
  wx.loginResult = c.result;
  assert.equal((await rejection(client.request({ url: '/a' }))).code, c.code);
  wx.loginResult = undefined;
  assert.equal((await client.request({ url: '/a' })).statusCode, 200);
});

table('a response to a login without token and openid is an error', [
  { name: 'empty', body: '' },
  { name: 'null', body: 'null' },
  { name: 'an empty object', body: {} },
  { name: 'a token that is not a text', body: { token: 7, openid: 'o' } },
  { name: 'an empty token', body: { token: '', openid: 'o' } },
  { name: 'no openid', body: { token: 't' } },
], async c => {
  const { client, server } = newFixture();
  server.next = [{ body: c.body }];
  assert.equal((await rejection(client.login())).code, 'invalid-response');
  assert.equal(client.token(), '');
});

test('a request waits for the login in progress', async () => {
  const { client, wx, server } = newFixture();
  await client.login();
  server.valid.clear(); // the stored token is invalid
  await Promise.all([client.login(), client.request({ url: '/a' })]);
  assert.deepEqual(tokensOf(wx), [undefined, 'Bearer token-1', 'Bearer token-2']);
});

test('logout without a token sends nothing', async () => {
  const { client, wx } = newFixture();
  await client.logout();
  assert.equal(wx.requests.length, 0);
});

test('logout waits for the login in progress, ends the session and removes the token', async () => {
  const { client, wx } = newFixture();
  await Promise.all([client.login(), client.logout({ all: true })]);
  assert.equal(wx.requests[1].url, 'https://api.example.com/oauth/session?all=true');
  assert.deepEqual([wx.requests[1].method, client.token()], ['DELETE', '']);
});

test('a logout that fails leaves the token in storage, so it can be tried again', async () => {
  const { client, server } = newFixture();
  await client.login();
  server.next = [{ fail: 'request:fail timeout' }];
  assert.equal((await rejection(client.logout())).code, 'timeout');
  assert.equal(client.token(), 'token-1');
});

test('logout of a session that has ended removes the token', async () => {
  const { client, server } = newFixture();
  await client.login();
  server.valid.clear();
  await client.logout();
  assert.equal(client.token(), '');
});

test('a logout does not remove the token of a later login', async () => {
  const { client, server } = newFixture();
  await client.login();
  const held = holdNext(server, { status: 204 });
  const logout = client.logout();
  await new Promise(setImmediate);
  server.valid.clear();
  await client.request({ url: '/a' });
  held.send();
  await logout;
  assert.equal(client.token(), 'token-2');
});

test('a request whose session a logout has ended does not log in again', async () => {
  const { client, wx, server } = newFixture();
  await client.login();
  const held = holdNext(server, problem(401, 'session_revoked'));
  const slow = rejection(client.request({ url: '/slow' }));
  await new Promise(setImmediate);
  await client.logout();
  held.send();
  assert.equal((await slow).code, 'session_revoked');
  assert.deepEqual([wx.logins, client.token(), wx.storage.size], [1, '', 1]);
  assert.equal((await client.request({ url: '/a' })).data.token, 'token-2');
});

test('an invalid session_key does not log in again after a logout', async () => {
  const { client, wx, server } = newFixture();
  await client.login();
  const held = holdNext(server, problem(409, 'session_key_invalid'));
  const slow = rejection(client.session());
  await new Promise(setImmediate);
  await client.logout();
  held.send();
  assert.equal((await slow).code, 'session_key_invalid');
  assert.deepEqual([wx.logins, client.token()], [1, '']);
});

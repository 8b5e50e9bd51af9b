'use strict';

// What the server does with its session_key: encrypted data, phone numbers, and another wx.login where the key is invalid.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { holdNext, newFixture, problem, rejection, table } = require('./fixture.js');

const encrypted = { encryptedData: 'e', iv: 'i' };

table('after a problem with the session_key the client calls wx.login, and asks once more', [
  { name: 'invalid', code: 'session_key_invalid' },
  { name: 'missing', code: 'session_key_missing' },
  { name: 'data that cannot be decrypted', code: 'data_undecryptable' },
], async c => {
  let failures = 1;
  const { client, wx } = newFixture({ 'GET /miniprogram/session': () => (failures-- > 0 ? problem(409, c.code) : { body: { valid: true } }) });
  assert.equal((await client.session()).valid, true);
  assert.equal(wx.logins, 2);
  failures = 9;
  assert.equal((await rejection(client.session())).code, c.code);
  assert.equal(wx.logins, 3);
});

test('an invalid session_key does not log in where another call has logged in already', async () => {
  const { client, wx, server } = newFixture({ 'GET /miniprogram/session': () => ({ body: { valid: true } }) });
  await client.login();
  const held = holdNext(server, problem(409, 'session_key_invalid'));
  server.next.push(problem(409, 'session_key_invalid'));
  const slow = client.session();
  await new Promise(setImmediate);
  await client.session();
  held.send();
  assert.equal((await slow).valid, true);
  assert.equal(wx.logins, 2);
});

test('decrypt sends encryptedData and iv only, and calls its function again after another login', async () => {
  let failures = 1;
  const { client } = newFixture({
    'POST /miniprogram/decrypt': r => (failures-- > 0 ? problem(409, 'session_key_invalid') : { body: { data: { sent: r.data, openId: 'oUser', watermark: { appid: 'wx5', timestamp: 1 } } } }),
  });
  let calls = 0;
  const decrypted = await client.decrypt(() => Promise.resolve({ encryptedData: 'e' + ++calls, iv: 'i', rawData: 'not sent' }));
  assert.equal(decrypted.openId, 'oUser');
  assert.equal(JSON.stringify(decrypted.sent), '{"encryptedData":"e2","iv":"i"}');
});

test('decrypt of given data sends the same data again', async () => {
  let failures = 1;
  const { client, wx } = newFixture({ 'POST /miniprogram/decrypt': r => (failures-- > 0 ? problem(409, 'session_key_invalid') : { body: { data: { sent: r.data } } }) });
  assert.equal(JSON.stringify((await client.decrypt(encrypted)).sent), '{"encryptedData":"e","iv":"i"}');
  assert.equal(wx.logins, 2);
});

test('decrypt without data is rejected', async () => {
  const { client } = newFixture();
  assert.equal((await rejection(client.decrypt({ errMsg: 'getUserInfo:fail auth deny' }))).code, 'invalid-option');
});

table('decrypt logs in again only where that may help', [
  { name: 'data that cannot be decrypted', code: 'data_undecryptable', logins: 2 },
  { name: 'data of another mini-program', code: 'data_of_other_app', logins: 1 },
], async c => {
  const { client, wx } = newFixture({ 'POST /miniprogram/decrypt': () => problem(400, c.code) });
  assert.equal((await rejection(client.decrypt(encrypted))).code, c.code);
  assert.equal(wx.logins, c.logins);
});

test('decrypt is sent again after a 503', async () => {
  const { client, server } = newFixture({ 'POST /miniprogram/decrypt': () => ({ body: { data: {} } }) });
  await client.login();
  server.next = [problem(503, 'timeout', { 'Retry-After': '1' })];
  await client.decrypt(encrypted);
  assert.equal(server.calls['POST /miniprogram/decrypt'], 2);
});

table('a function of decrypt that fails is an error without another login', [
  { name: 'an errMsg', thrown: () => ({ errMsg: 'getUserInfo:fail auth deny' }), code: 'data-unavailable', detail: 'getUserInfo:fail auth deny' },
  { name: 'an Error', thrown: () => new Error('oops'), code: 'data-unavailable', detail: 'oops' },
  { name: 'undefined', thrown: () => undefined, code: 'data-unavailable', detail: '' },
  { name: 'a WechatFnError', thrown: module => new module.WechatFnError('network-error', 'of another call'), code: 'network-error', detail: 'of another call' },
], async c => {
  const { client, wx, module } = newFixture();
  await client.login();
  const thrown = c.thrown(module);
  for (const getData of [() => Promise.reject(thrown), () => { throw thrown; }]) {
    const error = await rejection(client.decrypt(getData));
    assert.deepEqual([error.name, error.code, error.detail], ['WechatFnError', c.code, c.detail]);
  }
  assert.deepEqual([wx.logins, wx.requests.length], [1, 1]);
});

table('a response with status 200 that is not the server\'s is an error', [
  { name: 'a page', body: '<html>' },
  { name: 'empty', body: undefined },
  { name: 'null', body: 'null' },
  { name: 'a number', body: '7' },
], async c => {
  const page = () => ({ body: c.body });
  const { client } = newFixture({ 'POST /miniprogram/decrypt': page, 'POST /miniprogram/phone': page, 'GET /miniprogram/session': page });
  const errors = await Promise.all([client.decrypt(encrypted), client.phone('button'), client.session()].map(rejection));
  assert.deepEqual(errors.map(e => [e.code, e.status]), Array(3).fill(['invalid-response', 200]));
});

table('a response to decrypt without an object in the field data is an error', [
  { name: 'no field data', body: { openId: 'oUser', watermark: {} } },
  { name: 'a number', body: { data: 7 } },
], async c => {
  const { client } = newFixture({ 'POST /miniprogram/decrypt': () => ({ body: c.body }) });
  assert.equal((await rejection(client.decrypt(encrypted))).code, 'invalid-response');
});

const phoneRoute = { 'POST /miniprogram/phone': r => ({ body: { phoneNumber: '1', purePhoneNumber: '1', countryCode: '86', sent: r.data } }) };

test('phone sends the code of the button', async () => {
  const { client } = newFixture(phoneRoute);
  const phone = await client.phone('button');
  assert.deepEqual([phone.countryCode, phone.sent.code], ['86', 'button']);
});

table('phone is sent again only where WeChat has not used the code', [
  { name: 'the server has no access token', code: 'token_unavailable', times: 2 },
  { name: 'WeChat did not respond', code: 'wechat_unavailable', times: 1 },
], async c => {
  const { client, server, wx } = newFixture(phoneRoute);
  await client.login();
  server.next = [problem(503, c.code, { 'retry-after': '2' })];
  const [error] = await client.phone('button').then(phone => [undefined, phone], e => [e]);
  assert.equal(error && error.code, c.times === 2 ? undefined : c.code);
  assert.deepEqual([server.calls['POST /miniprogram/phone'], wx.logins], [c.times, 1]);
});

test('phone without a code is rejected before a login', async () => {
  const { client, wx } = newFixture();
  assert.equal((await rejection(client.phone(undefined))).code, 'invalid-option');
  assert.equal(wx.logins, 0);
});

table('checkSession returns the result of wx.checkSession', [
  { name: 'valid', valid: true },
  { name: 'invalid', valid: false },
], async c => {
  const { client, wx } = newFixture();
  wx.sessionValid = c.valid;
  assert.equal(await client.checkSession(), c.valid);
  assert.equal(wx.logins, 0);
});

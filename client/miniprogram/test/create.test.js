'use strict';

// The options of create, the storage, and the language level of the source.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { fakeWx, load, newFixture, source, table } = require('./fixture.js');

const wechatfn = load();
const wx = fakeWx(() => ({}));

table('baseURL is https, or http on this machine', [
  'https://a.example', 'https://a.example:8443/x/y/', 'http://localhost:8080', 'http://127.0.0.1', 'https://[2001:db8::1]:1',
].map(baseURL => ({ name: baseURL, baseURL })), ({ baseURL }) => {
  assert.equal(wechatfn.create({ baseURL, wx }).token(), '');
});

table('every other baseURL is refused', [
  undefined, '', '/api', 'a.example', 'http://a.example', 'http://localhost.evil.example', 'http://127.0.0.1.evil.example', 'http://127.0.0.1@evil.example',
  'ftp://a.example', 'https://', 'https://u:p@a.example', 'https://a.example?x', 'https://a.example#x', 'https://a.example/\\x', 'javascript:alert(1)', 'https://a b',
].map(baseURL => ({ name: String(baseURL) || 'empty', baseURL })), ({ baseURL }) => {
  assert.throws(() => wechatfn.create({ baseURL, wx }), { code: 'invalid-option' });
});

test('trustedOrigins follow the same rule', () => {
  assert.throws(() => wechatfn.create({ baseURL: 'https://a.example', trustedOrigins: ['http://b.example'], wx }), { code: 'invalid-option' });
});

test('without an option wx the global one is used, and one of them must exist', () => {
  assert.throws(() => wechatfn.create({ baseURL: 'https://a.example' }), { code: 'invalid-option' });
  assert.equal(load(wx).create({ baseURL: 'https://a.example' }).token(), '');
});

test('a stored value that is not a text is not used as the token', () => {
  const { wx, module } = newFixture();
  wx.setStorageSync('wechatfn:https://api.example.com::', { not: 'ours' });
  assert.equal(module.create({ baseURL: 'https://api.example.com', wx }).token(), '');
});

test('with a storage that fails the token is in memory', async () => {
  const { wx, module } = newFixture();
  const full = () => { throw new Error('exceed max size'); };
  Object.assign(wx, { getStorageSync: full, setStorageSync: full, removeStorageSync: full });
  const client = module.create({ baseURL: 'https://api.example.com', wx });
  await client.request({ url: '/a' });
  await client.request({ url: '/a' });
  assert.deepEqual([wx.logins, client.token()], [1, 'token-1']);
  await client.logout();
  assert.equal(client.token(), '');
});

table('the source is ES2015 and needs no module', [
  /\basync\b/, /\bawait\b/, /\?\./, /\?\?/, /\.\.\./, /\*\*/, /\brequire\(/, /\bimport\b/, /\bprocess\b/, /\bfetch\(/, /\bnew URL\b/, /\.finally\(/, /\.includes\(/,
  /Object\.(entries|values|fromEntries)/, /\bglobalThis\b/, /catch\s*\{/,
].map(pattern => ({ name: 'without ' + pattern.source, pattern })), ({ pattern }) => {
  assert.doesNotMatch(source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''), pattern);
});

'use strict';

// Requests with the token: where they go, when they are sent again, and their errors.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { types } = require('node:util');
const { holdNext, newFixture, problem, rejection, table } = require('./fixture.js');

const tokensOf = wx => wx.requests.map(r => r.header.Authorization);

test('a request goes below baseURL and has the token', async () => {
  const { client, wx } = newFixture({ 'GET /v1/orders': (r, token) => ({ body: { token, list: [1] } }) }, { baseURL: 'https://api.example.com/v1/' });
  wx.setStorageSync('wechatfn:https://api.example.com/v1::', 'x'); // an invalid token of an earlier start
  const response = await client.request({ url: '/orders', header: { authorization: 'Bearer stolen', 'X-A': '1' }, timeout: 7 });
  assert.deepEqual([response.statusCode, response.data.list.length], [200, 1]);
  await client.request({ url: '/picture', dataType: 'other', responseType: 'arraybuffer' });
  const [last, picture] = wx.requests.slice(-2);
  assert.deepEqual([last.dataType, last.responseType, picture.dataType, picture.responseType], ['json', undefined, 'other', 'arraybuffer']);
  assert.equal(last.url, 'https://api.example.com/v1/orders');
  assert.match(wx.requests[1].url, /\/v1\/miniprogram\/login$/);
  assert.deepEqual(last.header, { 'X-A': '1', Authorization: last.header.Authorization });
  assert.equal(last.timeout, 7);
});

test('after a 401 the client logs in, and sends the request once more', async () => {
  const { client, wx, server } = newFixture();
  await client.login();
  server.valid.clear();
  const response = await client.request({ url: '/a', method: 'post', data: { n: 1 } });
  assert.equal(response.data.token, 'token-2');
  assert.deepEqual(tokensOf(wx), [undefined, 'Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  assert.deepEqual(wx.requests[3].data, { n: 1 });
});

test('after a second 401 the request is rejected', async () => {
  const { client, wx, server } = newFixture({ 'GET /a': () => problem(401, 'session_revoked') });
  const error = await rejection(client.request({ url: '/a' }));
  assert.deepEqual([error.code, error.status, error.detail], ['session_revoked', 401, 'detail of session_revoked']);
  assert.deepEqual([wx.logins, server.calls['GET /a']], [2, 2]);
});

const forbidden = { status: 403, body: { message: 'Forbidden' } }; // API Gateway's

test('after a gateway\'s 403 the client asks whether the session has ended, then logs in and sends once more', async () => {
  const { client, wx, server } = newFixture({ 'GET /orders': () => ({ body: { ok: true } }) });
  await client.login();
  server.valid.clear();
  server.next = [forbidden];
  assert.equal((await client.request({ url: '/orders' })).data.ok, true);
  assert.deepEqual([wx.logins, server.calls['GET /orders'], server.calls['GET /oauth/session']], [2, 2, 1]);
});

table('a 403 does not log in where the session has not ended', [
  { name: 'a gateway\'s, and the session is valid', next: [forbidden], code: 'invalid-response', questions: 1 },
  { name: 'a gateway\'s, and the question times out', next: [forbidden, { fail: 'request:fail timeout' }], code: 'invalid-response', questions: 1 },
  { name: 'one with a problem code', next: [problem(403, 'session_other_product')], code: 'session_other_product', questions: 0 },
], async c => {
  const { client, wx, server } = newFixture();
  await client.login();
  server.next = c.next;
  const error = await rejection(client.request({ url: '/orders' }));
  assert.deepEqual([error.status, error.code], [403, c.code]);
  assert.deepEqual([wx.logins, server.calls['GET /orders'], server.calls['GET /oauth/session'] || 0], [1, 1, c.questions]);
});

test('requests that get a 401 share one login, also one whose 401 comes after it', async () => {
  const { client, wx, server } = newFixture();
  await client.login();
  server.valid.clear();
  const held = holdNext(server, problem(401, 'session_missing'));
  const slow = client.request({ url: '/slow' });
  await new Promise(setImmediate);
  const responses = await Promise.all(['/a', '/b', '/c'].map(url => client.request({ url })));
  assert.deepEqual(responses.map(r => r.data.token), Array(3).fill('token-2'));
  held.send();
  assert.equal((await slow).data.token, 'token-2');
  assert.equal(wx.logins, 2);
});

test('Retry-After is read in any spelling of the header', async () => {
  const { client, server, delays } = newFixture();
  await client.login();
  server.next = [problem(503, 'timeout', { 'Retry-After': '2' }), problem(503, 'timeout', { 'RETRY-AFTER': '3' })];
  assert.equal((await client.request({ url: '/a' })).statusCode, 200);
  assert.deepEqual(delays, [2000, 3000]);
});

test('retryTimeout limits all waits for Retry-After together', async () => {
  const { client, server, delays } = newFixture();
  await client.login();
  server.next = [problem(503, 'timeout', { 'retry-after': '6' }), problem(503, 'timeout', { 'retry-after': '6' })];
  const error = await rejection(client.request({ url: '/a' }));
  assert.deepEqual([error.code, error.status, error.retryAfter], ['timeout', 503, 6]);
  assert.deepEqual(delays, [6000]);
});

table('a request is not sent again without a usable Retry-After', [
  { name: 'no header', response: problem(503, 'timeout'), retryAfter: 0 },
  { name: 'zero', response: problem(503, 'timeout', { 'Retry-After': '0' }), retryAfter: 0 },
  { name: 'a negative number', response: problem(503, 'timeout', { 'Retry-After': '-1' }), retryAfter: 0 },
  { name: 'a date', response: problem(503, 'timeout', { 'Retry-After': 'Sun, 06 Nov 1994 08:49:37 GMT' }), retryAfter: 0 },
  { name: 'longer than retryTimeout', response: problem(503, 'timeout', { 'Retry-After': '3600' }), retryAfter: 3600 },
  { name: 'a 429', response: problem(429, 'login_too_often', { 'Retry-After': '1' }), retryAfter: 1 },
], async c => {
  const { client, server, delays, wx } = newFixture();
  await client.login();
  server.next = [c.response];
  const error = await rejection(client.request({ url: '/a' }));
  assert.deepEqual([error.status, error.retryAfter], [c.response.status, c.retryAfter]);
  assert.deepEqual([delays.length, wx.logins, server.calls['GET /a']], [0, 1, 1]);
});

table('after a 503 a request is sent again only where that does no harm', [
  { name: 'GET', options: {}, times: 2 },
  { name: 'PUT', options: { method: 'PUT' }, times: 2 },
  { name: 'DELETE', options: { method: 'DELETE' }, times: 2 },
  { name: 'POST', options: { method: 'POST' }, times: 1 },
  { name: 'GET, repeat: false', options: { repeat: false }, times: 1 },
  { name: 'POST, repeat: true', options: { method: 'POST', repeat: true }, times: 2 },
  { name: 'POST, repeat is a function', options: { method: 'POST', repeat: e => e.code === 'timeout' }, times: 2 },
], async c => {
  const { client, server, wx } = newFixture();
  await client.login();
  server.next = [problem(503, 'timeout', { 'Retry-After': '1' })];
  await client.request(Object.assign({ url: '/a' }, c.options)).catch(() => {});
  assert.equal(wx.requests.length, 1 + c.times);
});

table('each failure of a request has its code', [
  { name: 'timeout', response: { fail: 'request:fail timeout' }, code: 'timeout', status: 0 },
  { name: 'TLS', response: { fail: 'request:fail ssl hand shake error' }, code: 'network-error', status: 0 },
  { name: 'domain not listed', response: { fail: 'request:fail url not in domain list' }, code: 'domain-not-listed', status: 0 },
  { name: 'a proxy\'s page', response: { status: 502, body: '<html>Bad Gateway</html>' }, code: 'invalid-response', status: 502 },
  { name: 'no body', response: { status: 500, body: undefined }, code: 'invalid-response', status: 500 },
  { name: 'JSON without a code', response: { status: 404, body: { message: 'Not Found' } }, code: 'invalid-response', status: 404 },
  { name: 'a redirect', response: { status: 302, body: '' }, code: 'invalid-response', status: 302 },
  { name: 'a problem', response: problem(403, 'session_other_product'), code: 'session_other_product', status: 403 },
  { name: 'a problem that the platform did not parse', response: Object.assign(problem(409, 'login_again'), { unparsed: true }), code: 'login_again', status: 409 },
], async c => {
  const { client, server, wx } = newFixture();
  await client.login();
  server.next = [c.response];
  const error = await rejection(client.request({ url: '/a' }));
  assert.deepEqual([error.name, error.code, error.status], ['WechatFnError', c.code, c.status]);
  assert.ok(types.isNativeError(error));
  assert.ok(error.hint.en && error.hint.zh && error.message.startsWith(c.code));
  assert.equal(wx.requests.length, 2);
  assert.ok(!JSON.stringify([error, error.message, error.stack]).includes('token-1'));
});

const trustedOrigins = ['https://orders.example.com:8443'];

table('a request to any other origin is rejected before a login', [
  { name: 'a stranger', url: 'https://evil.example/' },
  { name: 'a host that begins like the API\'s', url: 'https://api.example.com.evil.example/' },
  { name: 'the API\'s host as a user name', url: 'https://api.example.com@evil.example/' },
  { name: 'a user name after a backslash', url: 'https://api.example.com\\@evil.example/' },
  { name: 'plain http', url: 'http://api.example.com/' },
  { name: 'a trusted host without its port', url: 'https://orders.example.com/' },
  { name: 'another port', url: 'https://api.example.com:444/' },
  { name: 'a relative address', url: 'a' },
  { name: 'nothing', url: '' },
  { name: 'ftp', url: 'ftp://api.example.com/' },
  { name: 'one slash', url: 'https:/api.example.com' },
], async c => {
  const { client, wx } = newFixture(null, { trustedOrigins });
  assert.equal((await rejection(client.request({ url: c.url }))).code, 'origin-not-trusted');
  assert.deepEqual([wx.logins, wx.requests.length], [0, 0]);
});

table('a request to the API or to a trusted origin is sent', [
  { name: 'capital letters', url: 'https://API.example.com/a', sent: 'https://API.example.com/a' },
  { name: 'a trusted origin', url: 'https://orders.example.com:8443/a?b', sent: 'https://orders.example.com:8443/a?b' },
  { name: 'no path', url: 'https://api.example.com', sent: 'https://api.example.com' },
  { name: 'no path, but a query', url: 'https://api.example.com?x', sent: 'https://api.example.com?x' },
  { name: 'two slashes are a path of the API', url: '//evil.example/', sent: 'https://api.example.com//evil.example/' },
], async c => {
  const { client, wx } = newFixture(null, { trustedOrigins });
  await client.request({ url: c.url });
  assert.equal(wx.requests[wx.requests.length - 1].url, c.sent);
});

test('a request without options is rejected before a login', async () => {
  const { client, wx } = newFixture();
  assert.equal((await rejection(client.request())).code, 'invalid-option');
  assert.equal(wx.logins, 0);
});

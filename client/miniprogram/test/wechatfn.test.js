'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { fakeWx, load, refusal, source, world } = require('./fake-wx.js');

const rejected = promise => promise.then(() => assert.fail('it went well'), error => error);
const tokensOf = wx => wx.requests.map(r => r.header.Authorization);

test('a login sends the code and keeps the token', async () => {
  const { client, wx } = world(null, { app: 'shop', sku: 'gold', device: 'phone', timeout: 4000 });
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

test('nothing that was not given is sent, and the device has an id of its own', async () => {
  const { client, wx, server } = world();
  await client.login();
  const { device } = wx.requests[0].data;
  assert.deepEqual(Object.keys(wx.requests[0].data), ['code', 'device']);
  assert.match(device, /^mp-[0-9a-z]{22}$/);
  // Another start of the mini-program: the same storage.
  const again = load().create({ baseURL: 'https://api.example.com/', wx });
  assert.equal(again.token(), 'token-1');
  await again.login();
  assert.equal(wx.requests[1].data.device, device);
  assert.equal(wx.requests[1].header.Authorization, 'Bearer token-1');
  assert.equal(server.issued, 1);
  const others = [{ baseURL: 'https://b.example.com' }, { app: 'x' }, { sku: 'x' }].map(o => load().create(Object.assign({ baseURL: 'https://api.example.com', wx }, o)));
  assert.deepEqual(others.map(c => c.token()), ['', '', '']);
});

test('calls at the same time share one login', async () => {
  const { client, wx, server } = world();
  const all = await Promise.all([client.login(), client.request({ url: '/a' }), client.request({ url: '/b' }), client.login()]);
  assert.equal(wx.logins, 1);
  assert.equal(server.calls['POST /miniprogram/login'], 1);
  assert.deepEqual([all[0].token, all[1].data.token, all[2].data.token, all[3].token], Array(4).fill('token-1'));
});

test('a login with data is not taken for one without', async () => {
  const { client, wx, server } = world();
  server.next = [refusal(400, 'rawdata_signature_invalid')];
  const [refused, plain, asked] = await Promise.all([rejected(client.login({ rawData: 'x', signature: 'y' })), client.login(), client.request({ url: '/a' })]);
  assert.equal(refused.code, 'rawdata_signature_invalid');
  assert.equal(plain.token, 'token-1');
  assert.equal(asked.data.token, 'token-1');
  assert.equal(wx.logins, 2);
  await Promise.all([client.login(), client.login({ rawData: 'x', signature: 'y' })]);
  assert.equal(wx.logins, 4);
});

test('a code of the caller\'s own is used, and not twice', async () => {
  const { client, wx, server } = world();
  server.next = [refusal(503, 'login_unavailable', { 'Retry-After': '1' })];
  assert.equal((await rejected(client.login({ code: 'mine' }))).code, 'login_unavailable');
  assert.equal(wx.logins, 0);
  assert.deepEqual(wx.requests.map(r => r.data.code), ['mine']);
});

test('a request bears the token, below baseURL', async () => {
  const { client, wx } = world({ 'GET /v1/orders': (r, token) => ({ body: { token, list: [1] } }) }, { baseURL: 'https://api.example.com/v1/' });
  wx.setStorageSync('wechatfn:https://api.example.com/v1::', 'x'); // of an earlier start, and dead
  const answer = await client.request({ url: '/orders', header: { authorization: 'Bearer stolen', 'X-A': '1' }, timeout: 7 });
  assert.deepEqual([answer.statusCode, answer.data.list.length], [200, 1]);
  await client.request({ url: '/picture', dataType: 'other', responseType: 'arraybuffer' });
  const [last, picture] = wx.requests.slice(-2);
  assert.deepEqual([last.dataType, last.responseType, picture.dataType, picture.responseType], ['json', undefined, 'other', 'arraybuffer']);
  assert.equal(last.url, 'https://api.example.com/v1/orders');
  assert.match(wx.requests[1].url, /\/v1\/miniprogram\/login$/);
  assert.deepEqual(last.header, { 'X-A': '1', Authorization: last.header.Authorization });
  assert.equal(last.timeout, 7);
});

test('a 401 costs one login, and one repetition', async () => {
  const { client, wx, server } = world();
  await client.login();
  server.live.clear();
  const answer = await client.request({ url: '/a', method: 'post', data: { n: 1 } });
  assert.equal(answer.data.token, 'token-2');
  assert.deepEqual(tokensOf(wx), [undefined, 'Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  assert.deepEqual(wx.requests[3].data, { n: 1 });
});

test('a gateway that says 403 for a session that has ended costs a question, one login, and one repetition', async () => {
  let served = 0;
  const { client, wx, server } = world({ 'GET /orders': () => (served++, { body: { ok: true } }) });
  const forbidden = { status: 403, body: { message: 'Forbidden' } }; // API Gateway's
  await client.login();
  server.live.clear();
  server.next = [forbidden];
  assert.equal((await client.request({ url: '/orders' })).data.ok, true);
  assert.deepEqual([wx.logins, served, server.calls['GET /oauth/session']], [2, 1, 1]);
  // The session lives: the 403 means what it says. So does one with a code.
  server.next = [forbidden];
  assert.equal((await rejected(client.request({ url: '/orders' }))).status, 403);
  server.next = [forbidden, { fail: 'request:fail timeout' }];
  assert.equal((await rejected(client.request({ url: '/orders' }))).status, 403);
  server.next = [refusal(403, 'session_other_product')];
  assert.equal((await rejected(client.request({ url: '/orders' }))).code, 'session_other_product');
  assert.deepEqual([wx.logins, served, server.calls['GET /oauth/session']], [2, 1, 3]);
});

test('it never loops: a second 401 is the caller\'s', async () => {
  const { client, wx, server } = world({ 'GET /a': () => refusal(401, 'session_revoked') });
  const error = await rejected(client.request({ url: '/a' }));
  assert.deepEqual([error.code, error.status, error.detail], ['session_revoked', 401, 'detail of session_revoked']);
  assert.deepEqual([wx.logins, server.calls['GET /a']], [2, 2]);
});

test('many that are refused at once share one login, and latecomers use its token', async () => {
  const { client, wx, server } = world();
  await client.login();
  server.live.clear();
  let late;
  server.next = [() => new Promise(resolve => { late = () => resolve(refusal(401, 'session_missing')); })];
  const slow = client.request({ url: '/slow' });
  await new Promise(setImmediate);
  const answers = await Promise.all(['/a', '/b', '/c'].map(url => client.request({ url })));
  assert.deepEqual(answers.map(a => a.data.token), Array(3).fill('token-2'));
  late();
  assert.equal((await slow).data.token, 'token-2');
  assert.equal(wx.logins, 2);
});

test('a request waits for the login in flight', async () => {
  const { client, wx, server } = world();
  await client.login();
  server.live.clear(); // what is stored is dead
  await Promise.all([client.login(), client.request({ url: '/a' })]);
  assert.deepEqual(tokensOf(wx), [undefined, 'Bearer token-1', 'Bearer token-2']);
});

test('logins with data come one after the other', async () => {
  const { client, wx, server } = world();
  let atFirst;
  server.next = [() => { atFirst = wx.logins; return undefined; }];
  const first = client.login();
  const second = client.login({ rawData: 'x', signature: 'y' });
  await first;
  const third = client.login(); // shares the second
  assert.equal(await second, await third);
  assert.deepEqual([atFirst, wx.logins], [1, 2]);
});

test('a session_key that another call has renewed is not renewed again', async () => {
  const { client, wx, server } = world({ 'GET /miniprogram/session': () => ({ body: { valid: true } }) });
  await client.login();
  let late;
  server.next = [() => new Promise(resolve => { late = () => resolve(refusal(409, 'session_key_invalid')); }), refusal(409, 'session_key_invalid')];
  const slow = client.session();
  await new Promise(setImmediate);
  await client.session();
  late();
  assert.equal((await slow).valid, true);
  assert.equal(wx.logins, 2);
});

test('a logout leaves a newer session alone', async () => {
  const { client, server } = world();
  await client.login();
  let late;
  server.next = [() => new Promise(resolve => { late = () => resolve({ status: 204 }); })];
  const out = client.logout();
  await new Promise(setImmediate);
  server.live.clear();
  await client.request({ url: '/a' }); // asked for after the logout
  late();
  await out;
  assert.equal(client.token(), 'token-2');
});

test('a request that a logout ends does not log in again', async () => {
  const { client, wx, server } = world();
  await client.login();
  let late;
  server.next = [() => new Promise(resolve => { late = () => resolve(refusal(401, 'session_revoked')); })];
  const slow = rejected(client.request({ url: '/slow' }));
  await new Promise(setImmediate);
  await client.logout();
  late();
  assert.equal((await slow).code, 'session_revoked');
  assert.deepEqual([wx.logins, client.token(), wx.storage.size], [1, '', 1]);
  assert.equal((await client.request({ url: '/a' })).data.token, 'token-2');
});

test('a dead session_key does not log in again after a logout', async () => {
  const { client, wx, server } = world();
  await client.login();
  let late;
  server.next = [() => new Promise(resolve => { late = () => resolve(refusal(409, 'session_key_invalid')); })];
  const slow = rejected(client.session());
  await new Promise(setImmediate);
  await client.logout();
  late();
  assert.equal((await slow).code, 'session_key_invalid');
  assert.deepEqual([wx.logins, client.token()], [1, '']);
});

test('logout', async () => {
  const { client, wx, server } = world();
  await client.logout(); // of nobody
  assert.equal(wx.requests.length, 0);
  await Promise.all([client.login(), client.logout({ all: true })]);
  assert.equal(wx.requests[1].url, 'https://api.example.com/oauth/session?all=true');
  assert.deepEqual([wx.requests[1].method, client.token()], ['DELETE', '']);
  await client.login();
  server.next = [{ fail: 'request:fail timeout' }];
  assert.equal((await rejected(client.logout())).code, 'timeout');
  assert.equal(client.token(), 'token-2'); // it can be tried again
  server.live.clear();
  await client.logout(); // it has ended already
  assert.equal(client.token(), '');
});

test('a dead session_key costs one wx.login and one repetition', async () => {
  for (const code of ['session_key_invalid', 'session_key_missing', 'data_undecryptable']) {
    let dead = 1;
    const { client, wx } = world({ 'GET /miniprogram/session': () => (dead-- > 0 ? refusal(409, code) : { body: { valid: true } }) });
    assert.equal((await client.session()).valid, true);
    assert.equal(wx.logins, 2);
    dead = 9;
    assert.equal((await rejected(client.session())).code, code);
    assert.equal(wx.logins, 3);
  }
});

test('decrypt asks for data again where it is given a function', async () => {
  const opened = { openId: 'oUser', watermark: { appid: 'wx5', timestamp: 1 } };
  let dead = 1;
  const { client, wx } = world({
    'POST /miniprogram/decrypt': r => (dead-- > 0 ? refusal(409, 'session_key_invalid') : { body: { data: Object.assign({ sent: r.data }, opened) } }),
  });
  let asked = 0;
  const plain = await client.decrypt(() => Promise.resolve({ encryptedData: 'e' + ++asked, iv: 'i', rawData: 'stays here' }));
  assert.equal(plain.openId, 'oUser');
  assert.deepEqual(JSON.stringify(plain.sent), '{"encryptedData":"e2","iv":"i"}');
  dead = 1;
  await client.decrypt({ encryptedData: 'e', iv: 'i' });
  assert.equal(wx.logins, 3);
  assert.equal((await rejected(client.decrypt({ errMsg: 'getUserInfo:fail auth deny' }))).code, 'option-invalid');
  const undecryptable = world({ 'POST /miniprogram/decrypt': () => refusal(400, 'data_undecryptable') });
  assert.equal((await rejected(undecryptable.client.decrypt({ encryptedData: 'e', iv: 'i' }))).code, 'data_undecryptable');
  assert.equal(undecryptable.wx.logins, 2);
  const foreign = world({ 'POST /miniprogram/decrypt': () => refusal(400, 'data_of_other_app') });
  assert.equal((await rejected(foreign.client.decrypt({ encryptedData: 'e', iv: 'i' }))).code, 'data_of_other_app');
  assert.equal(foreign.wx.logins, 1);
});

test('a function that brings no data fails as all does, and costs no login', async () => {
  const { client, wx, module } = world();
  await client.login();
  const own = new module.WechatFnError('network', 'of another call');
  for (const [thrown, code, detail] of [
    [{ errMsg: 'getUserInfo:fail auth deny' }, 'data-failed', 'getUserInfo:fail auth deny'], [new Error('oops'), 'data-failed', 'oops'],
    [undefined, 'data-failed', ''], [own, 'network', 'of another call'],
  ]) {
    for (const ask of [() => Promise.reject(thrown), () => { throw thrown; }]) {
      const error = await rejected(client.decrypt(ask));
      assert.deepEqual([error.name, error.code, error.detail], ['WechatFnError', code, detail]);
    }
  }
  assert.deepEqual([wx.logins, wx.requests.length], [1, 1]);
});

test('a 200 that is not the server\'s is no answer', async () => {
  for (const said of ['<html>', undefined, 'null', '7']) {
    const page = () => ({ body: said });
    const { client } = world({ 'POST /miniprogram/decrypt': page, 'POST /miniprogram/phone': page, 'GET /miniprogram/session': page });
    const asked = [client.decrypt({ encryptedData: 'e', iv: 'i' }), client.phone('button'), client.session()].map(rejected);
    assert.deepEqual((await Promise.all(asked)).map(e => [e.code, e.status]), Array(3).fill(['bad-answer', 200]), said);
  }
  for (const wrong of [{ openId: 'oUser', watermark: {} }, { data: 7 }]) { // not in the field data
    const { client } = world({ 'POST /miniprogram/decrypt': () => ({ body: wrong }) });
    assert.equal((await rejected(client.decrypt({ encryptedData: 'e', iv: 'i' }))).code, 'bad-answer');
  }
});

test('phone', async () => {
  const { client, wx, server } = world({ 'POST /miniprogram/phone': r => ({ body: { phoneNumber: '1', purePhoneNumber: '1', countryCode: '86', sent: r.data } }) });
  const phone = await client.phone('button');
  assert.deepEqual([phone.countryCode, phone.sent.code], ['86', 'button']);
  server.next = [refusal(503, 'token_unavailable', { 'retry-after': '2' })];
  assert.equal((await client.phone('button')).phoneNumber, '1');
  server.next = [refusal(503, 'wechat_unavailable', { 'retry-after': '2' })]; // the code may be spent
  assert.equal((await rejected(client.phone('button'))).code, 'wechat_unavailable');
  assert.equal((await rejected(client.phone(undefined))).code, 'option-invalid');
  assert.equal(wx.logins, 1);
});

test('Retry-After is waited for, however it is spelled, and not for ever', async () => {
  const { client, server, slept, wx } = world();
  await client.login();
  server.next = [refusal(503, 'timeout', { 'Retry-After': '2' }), refusal(503, 'timeout', { 'RETRY-AFTER': '3' })];
  assert.equal((await client.request({ url: '/a' })).statusCode, 200);
  assert.deepEqual(slept, [2000, 3000]);
  server.next = [refusal(503, 'timeout', { 'retry-after': '6' }), refusal(503, 'timeout', { 'retry-after': '6' })];
  const error = await rejected(client.request({ url: '/a' }));
  assert.deepEqual([error.code, error.status, error.retryAfter], ['timeout', 503, 6]);
  assert.deepEqual(slept.slice(2), [6000]);
  for (const after of [undefined, '0', '-1', 'Sun, 06 Nov 1994 08:49:37 GMT', '3600']) {
    server.next = [refusal(503, 'timeout', after === undefined ? {} : { 'Retry-After': after })];
    assert.equal((await rejected(client.request({ url: '/a' }))).status, 503);
  }
  server.next = [refusal(429, 'login_too_often', { 'Retry-After': '1' })];
  assert.equal((await rejected(client.request({ url: '/a' }))).retryAfter, 1);
  assert.deepEqual([slept.length, wx.logins], [3, 1]);
});

test('what may do harm twice is not sent twice', async () => {
  const busy = refusal(503, 'timeout', { 'Retry-After': '1' });
  for (const [options, times] of [
    [{ method: 'POST' }, 1], [{ method: 'POST', repeat: true }, 2], [{ method: 'PUT' }, 2], [{ method: 'DELETE' }, 2],
    [{}, 2], [{ repeat: false }, 1], [{ method: 'POST', repeat: e => e.code === 'timeout' }, 2],
  ]) {
    const { client, server, wx } = world();
    await client.login();
    server.next = [busy];
    await client.request(Object.assign({ url: '/a' }, options)).catch(() => {});
    assert.equal(wx.requests.length, 1 + times, JSON.stringify(options));
  }
});

test('data is sent again, for that does no harm', async () => {
  const { client, server } = world({ 'POST /miniprogram/decrypt': () => ({ body: { data: {} } }) });
  await client.login();
  server.next = [refusal(503, 'timeout', { 'Retry-After': '1' })];
  await client.decrypt({ encryptedData: 'e', iv: 'i' });
  assert.equal(server.calls['POST /miniprogram/decrypt'], 2);
});

test('a login that WeChat is too busy for takes a new code', async () => {
  const { client, server, wx, slept } = world(null, { patience: 5000 });
  server.next = [refusal(503, 'login_unavailable', { 'Retry-After': '2' }), refusal(503, 'login_unavailable', { 'Retry-After': '2' })];
  assert.equal((await client.login()).token, 'token-1');
  assert.deepEqual(wx.requests.map(r => r.data.code), ['code-1', 'code-2', 'code-3']);
  assert.deepEqual(slept, [2000, 2000]);
  server.next = Array(9).fill(refusal(503, 'login_unavailable', { 'Retry-After': '2' }));
  assert.equal((await rejected(client.login())).code, 'login_unavailable');
  assert.equal(wx.logins, 6);
});

test('each failure has its code', async () => {
  for (const [answer, code, status] of [
    [{ fail: 'request:fail timeout' }, 'timeout', 0],
    [{ fail: 'request:fail ssl hand shake error' }, 'network', 0],
    [{ fail: 'request:fail url not in domain list' }, 'domain-not-listed', 0],
    [{ status: 502, body: '<html>Bad Gateway</html>' }, 'bad-answer', 502],
    [{ status: 500, body: undefined }, 'bad-answer', 500],
    [{ status: 404, body: { message: 'Not Found' } }, 'bad-answer', 404],
    [{ status: 302, body: '' }, 'bad-answer', 302],
    [refusal(403, 'session_other_product'), 'session_other_product', 403],
    [Object.assign(refusal(409, 'login_again'), { unparsed: true }), 'login_again', 409],
  ]) {
    const { client, server, wx } = world();
    await client.login();
    server.next = [answer];
    const error = await rejected(client.request({ url: '/a' }));
    assert.deepEqual([error.name, error.code, error.status], ['WechatFnError', code, status]);
    assert.ok(require('node:util').types.isNativeError(error));
    assert.ok(error.hint.en && error.hint.zh && error.message.startsWith(code));
    assert.equal(wx.requests.length, 2);
    assert.ok(!JSON.stringify([error, error.message, error.stack]).includes('token-1'));
  }
});

test('a wx.login that fails, and one that brings nothing', async () => {
  for (const [said, code] of [[{ fail: 'login:fail timeout' }, 'timeout'], [{ fail: 'login:fail' }, 'login-failed'], [{ errMsg: 'login:ok' }, 'login-failed']]) {
    const { client, wx } = world();
    wx.loginAnswer = said;
    assert.equal((await rejected(client.request({ url: '/a' }))).code, code);
    wx.loginAnswer = undefined;
    assert.equal((await client.request({ url: '/a' })).statusCode, 200); // the next one tries again
  }
  for (const body of ['', 'null', {}, { token: 7, openid: 'o' }, { token: '', openid: 'o' }, { token: 't' }]) {
    const { client, server } = world();
    server.next = [{ body }];
    assert.equal((await rejected(client.login())).code, 'bad-answer');
    assert.equal(client.token(), '');
  }
});

test('the token goes nowhere else', async () => {
  const { client, wx } = world(null, { origins: ['https://orders.example.com:8443'] });
  for (const url of [
    'https://evil.example/', 'https://api.example.com.evil.example/', 'https://api.example.com@evil.example/', 'https://api.example.com\\@evil.example/',
    'http://api.example.com/', 'https://orders.example.com/', 'https://api.example.com:444/', 'a', '', 'ftp://api.example.com/', 'https:/api.example.com',
  ]) {
    assert.equal((await rejected(client.request({ url }))).code, 'origin-not-trusted', url);
  }
  assert.equal((await rejected(client.request())).code, 'option-invalid');
  assert.deepEqual([wx.logins, wx.requests.length], [0, 0]);
  for (const url of ['https://API.example.com/a', 'https://orders.example.com:8443/a?b', 'https://api.example.com', 'https://api.example.com?x', '//evil.example/']) {
    await client.request({ url });
  }
  assert.equal(wx.requests[wx.requests.length - 1].url, 'https://api.example.com//evil.example/');
});

test('baseURL is https, or this machine', () => {
  const module = load();
  const wx = fakeWx(() => ({}));
  for (const baseURL of ['https://a.example', 'https://a.example:8443/x/y/', 'http://localhost:8080', 'http://127.0.0.1', 'https://[2001:db8::1]:1']) {
    assert.equal(module.create({ baseURL, wx }).token(), '');
  }
  for (const baseURL of [
    undefined, '', '/api', 'a.example', 'http://a.example', 'http://localhost.evil.example', 'http://127.0.0.1.evil.example', 'http://127.0.0.1@evil.example',
    'ftp://a.example', 'https://', 'https://u:p@a.example', 'https://a.example?x', 'https://a.example#x', 'https://a.example/\\x', 'javascript:alert(1)', 'https://a b',
  ]) {
    assert.throws(() => module.create({ baseURL, wx }), { code: 'option-invalid' }, String(baseURL));
  }
  assert.throws(() => module.create({ baseURL: 'https://a.example', origins: ['http://b.example'], wx }), { code: 'option-invalid' });
  assert.throws(() => module.create({ baseURL: 'https://a.example' }), { code: 'option-invalid' });
  const own = load(wx); // wx is a global
  assert.equal(own.create({ baseURL: 'https://a.example' }).token(), '');
});

test('wx.checkSession as a promise', async () => {
  const { client, wx } = world();
  assert.equal(await client.checkSession(), true);
  wx.alive = false;
  assert.equal(await client.checkSession(), false);
  assert.equal(wx.logins, 0);
});

test('a storage that is full, broken or filled by others costs no session', async () => {
  const { wx, module } = world();
  wx.setStorageSync('wechatfn:https://api.example.com::', { not: 'ours' });
  assert.equal(module.create({ baseURL: 'https://api.example.com', wx }).token(), '');
  const full = () => { throw new Error('exceed max size'); };
  Object.assign(wx, { getStorageSync: full, setStorageSync: full, removeStorageSync: full });
  const client = module.create({ baseURL: 'https://api.example.com', wx });
  await client.request({ url: '/a' });
  await client.request({ url: '/a' });
  assert.deepEqual([wx.logins, client.token()], [1, 'token-1']);
  await client.logout();
  assert.equal(client.token(), '');
});

test('the source is ES2015 and needs no module', () => {
  const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  for (const later of [/\basync\b/, /\bawait\b/, /\?\./, /\?\?/, /\.\.\./, /\*\*/, /\brequire\(/, /\bimport\b/, /\bprocess\b/, /\bfetch\(/, /\bnew URL\b/, /\.finally\(/, /\.includes\(/, /Object\.(entries|values|fromEntries)/, /\bglobalThis\b/, /catch\s*\{/]) {
    assert.doesNotMatch(code, later);
  }
});

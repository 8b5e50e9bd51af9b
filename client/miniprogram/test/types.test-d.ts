// `npm run check` in client compiles this file with strict. It never runs.
import { create, WechatFnError } from '../wechatfn';
import type { Client, Decrypted, Login, Phone, Response } from '../wechatfn';

const client: Client = create({ baseURL: 'https://api.example.com', app: 'shop', sku: 'gold', trustedOrigins: ['https://orders.example.com'], timeout: 5000, retryTimeout: 5000 });

interface Order { id: string }

export async function sample(): Promise<string> {
  const login: Login = await client.login();
  const unionid: string | undefined = login.unionid;
  const response: Response<Order[]> = await client.request<Order[]>({ url: '/orders', method: 'POST', data: { page: 1 }, repeat: e => e.status === 503 });
  const data: Decrypted = await client.decrypt({ encryptedData: 'e', iv: 'i' });
  const user = await client.decrypt<{ openId: string }>(() => Promise.resolve({ encryptedData: 'e', iv: 'i' }));
  const phone: Phone = await client.phone('code');
  const valid: boolean = await client.checkSession();
  await client.session();
  await client.logout({ all: true });
  try {
    await client.login({ code: 'c', rawData: '{}', signature: 's' });
  } catch (error) {
    if (error instanceof WechatFnError && error.code === 'login_blocked') return error.hint?.zh ?? error.detail;
  }
  // @ts-expect-error: baseURL is required
  create({ app: 'shop' });
  // @ts-expect-error: there is no such option
  create({ baseURL: 'https://api.example.com', trustedOrigin: [] });
  // @ts-expect-error: wx.request has no PATCH
  await client.request({ url: '/', method: 'PATCH' });
  return [unionid, response.data[0]?.id, data.watermark.appid, user.openId, phone.countryCode, valid, client.token()].join();
}

// A page with a login: an API that knows a session, and a storage that the test can read.
import { android, fakeAPI, openPage, response } from "./fixture.mjs";

export const endpoint = "https://api.example";
export const tokenKey = "wechatfn:token:https://api.example", verifierKey = "wechatfn:verifier:https://api.example";
export const session = { app: "default", appId: "wx1", openid: "o1", expiresAt: 1795844400 };

/** A handler that responds with a problem. */
export const problem = (code, status = 401) => () => response({ code, status, title: code }, status);

export const noContent = () => new Response(null, { status: 204 });

export function memory(items = {}) {
  return { items, getItem: key => items[key] ?? null, setItem: (key, value) => (items[key] = String(value)), removeItem: key => delete items[key] };
}

/** Opens a page at the address, and makes its login. */
export async function openLogin(address, routes = {}, options = {}) {
  const { login } = await openPage(android, address);
  const { fetch, calls } = fakeAPI({ "GET /oauth/session": () => response(session), ...routes });
  const storage = options.storage ?? memory();
  return { calls, storage, user: login({ endpoint, fetch, storage, ...options }) };
}

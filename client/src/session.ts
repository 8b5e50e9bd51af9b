import { problemError, readJSON, send } from "./http.js";
import type { Http } from "./http.js";
import type { StoredText } from "./storage.js";
import { withTimeout } from "./timeout.js";

/** Requests with the session's token or cookie. */
export interface SessionRequests {
  /** Fetches with the session. It waits for a refresh, since the API revokes a session whose old token comes again. */
  fetch: typeof fetch;
  /** Does the same. After a 401 it refreshes the session once and sends the request again. */
  fetchWithRefresh(url: string, init?: RequestInit): Promise<Response>;
  /** Replaces the token. It runs once at a time, and no other request runs meanwhile. */
  refresh(): Promise<void>;
}

// The API's problem codes that say that the session has ended. A refresh does not help then.
const sessionEnded = ["session_missing", "session_revoked"];

/** Makes requests with the stored token, and with the browser's cookies. Where there is no token, the session has a cookie. */
export function sessionRequests(http: Http, endpoint: string, token: StoredText): SessionRequests {
  const pending = new Set<Promise<unknown>>();
  let refreshing: Promise<void> | undefined;
  let refreshCount = 0;

  function withToken(init: RequestInit = {}): RequestInit {
    const headers = new Headers(init.headers);
    const bearer = token.get();
    if (bearer) headers.set("Authorization", "Bearer " + bearer);
    return { ...init, headers, credentials: "include" };
  }

  const fetch: SessionRequests["fetch"] = async (url, init) => {
    while (refreshing) await refreshing.catch(() => {});
    const request = http.fetch(url, withToken(init)), done = () => pending.delete(request);
    pending.add(request);
    request.then(done, done);
    return request;
  };

  const refresh = () => (refreshing ??= replaceToken().finally(() => (refreshing = undefined)));

  async function replaceToken(): Promise<void> {
    // A request that is still pending after the timeout has reached the API by now.
    await withTimeout(http, () => Promise.allSettled(pending)).catch(() => {});
    const response = await send(http, endpoint + "/oauth/session/refresh", withToken({ method: "POST" }));
    if (!response.ok) {
      if (response.status === 401) token.set(null);
      throw await problemError(http, response);
    }
    const grant = await readJSON<{ token?: string; openid?: string }>(http, response, token.get() ? "token" : "openid");
    if (grant.token) token.set(grant.token);
    refreshCount++;
  }

  async function fetchWithRefresh(url: string, init?: RequestInit): Promise<Response> {
    const before = refreshCount;
    const response = await fetch(url, init);
    if (response.status !== 401 || (init?.body instanceof ReadableStream)) return response;
    const code = await response.clone().json().then(body => body?.code, () => undefined);
    if (sessionEnded.includes(code)) {
      token.set(null);
      return response;
    }
    // If the session was refreshed meanwhile, the request is sent again with the new token.
    return (before === refreshCount ? refresh() : Promise.resolve()).then(() => fetch(url, init), () => response);
  }

  return { fetch, fetchWithRefresh, refresh };
}

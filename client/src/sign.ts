import { get, readJSON } from "./http.js";
import type { Http } from "./http.js";
import type { Signature } from "./wx.js";

/** Gets a signature for an address. `force` asks for a new one where the API caches signatures. */
export type Sign = (url: string, force: boolean) => Promise<Signature>;

/** Gets signatures from GET {endpoint}/signature. */
export function apiSigner(http: Http, endpoint: string, app: string | undefined): Sign {
  return async (url, force) => {
    let query = "?url=" + encodeURIComponent(url);
    if (app) query += "&app=" + encodeURIComponent(app);
    if (force) query += "&force=true";
    return readJSON<Signature>(http, await get(http, endpoint + "/signature" + query), "signature");
  };
}

/** Sends one request at a time for an address: callers that ask meanwhile get the same promise. */
export function shareRequests(sign: Sign): Sign {
  const pending = new Map<string, Promise<Signature>>();
  return (url, force) => {
    const key = force + url;
    let request = pending.get(key);
    if (!request) {
      const done = () => pending.delete(key);
      request = sign(url, force);
      request.then(done, done);
      pending.set(key, request);
    }
    return request;
  };
}

import { ask, json } from "./http.js";
import type { Http } from "./http.js";
import type { Signature } from "./wx.js";

/** Gets signatures: `force` asks for a new one where the API keeps them. */
export type Sign = (url: string, force: boolean) => Promise<Signature>;

/** Signs at GET {endpoint}/signature. */
export function signer(http: Http, endpoint: string, app: string | undefined): Sign {
  return async (url, force) => {
    let query = "?url=" + encodeURIComponent(url);
    if (app) query += "&app=" + encodeURIComponent(app);
    if (force) query += "&force=true";
    return json<Signature>(http, await ask(http, endpoint + "/signature" + query), "signature");
  };
}

/** Has one request under way for each address, however many ask. */
export function once(sign: Sign): Sign {
  const underWay = new Map<string, Promise<Signature>>();
  return (url, force) => {
    const key = force + url;
    let request = underWay.get(key);
    if (!request) {
      const forget = () => underWay.delete(key);
      request = sign(url, force);
      request.then(forget, forget);
      underWay.set(key, request);
    }
    return request;
  };
}

import type { Http } from "./http.js";
import type { Signature } from "./wx.js";
/** Gets a signature for an address. `force` asks for a new one where the API caches signatures. */
export type Sign = (url: string, force: boolean) => Promise<Signature>;
/** Gets signatures from GET {endpoint}/signature. */
export declare function apiSigner(http: Http, endpoint: string, app: string | undefined): Sign;
/** Sends one request at a time for an address: callers that ask meanwhile get the same promise. */
export declare function shareRequests(sign: Sign): Sign;

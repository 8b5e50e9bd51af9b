import type { Http } from "./http.js";
import type { Signature } from "./wx.js";
/** Gets signatures: `force` asks for a new one where the API keeps them. */
export type Sign = (url: string, force: boolean) => Promise<Signature>;
/** Signs at GET {endpoint}/signature. */
export declare function signer(http: Http, endpoint: string, app: string | undefined): Sign;
/** Has one request under way for each address, however many ask. */
export declare function once(sign: Sign): Sign;

import type { Http } from "./http.js";
import type { StoredText } from "./storage.js";
/** Requests with the session's token or cookie. */
export interface SessionRequests {
    /** Fetches with the session. It waits for a refresh, since the API revokes a session whose old token comes again. */
    fetch: typeof fetch;
    /** Does the same. After a 401 it refreshes the session once and sends the request again. */
    fetchWithRefresh(url: string, init?: RequestInit): Promise<Response>;
    /** Replaces the token. It runs once at a time, and no other request runs meanwhile. */
    refresh(): Promise<void>;
}
/** Makes requests with the stored token, and with the browser's cookies. Where there is no token, the session has a cookie. */
export declare function sessionRequests(http: Http, endpoint: string, token: StoredText): SessionRequests;

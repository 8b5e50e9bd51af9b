import { WechatFnError } from "./error.js";
import type { Step } from "./error.js";
import { browserLanguage } from "./language.js";
import type { Language } from "./language.js";
import { sleep, withTimeout } from "./timeout.js";

/** How to reach the API. */
export interface Http {
  fetch: typeof fetch;
  step: Step;
  language: Language;
  /** Milliseconds for each response. */
  timeout: number;
  /** Milliseconds that all waits for Retry-After together may take. */
  retryTimeout: number;
  signal: AbortSignal | undefined;
}

/** The options that connect and login have in common. */
interface HttpOptions {
  fetch?: typeof fetch;
  language?: Language;
  retryTimeout?: number;
  signal?: AbortSignal;
}

/** Fills in the defaults. */
export function httpOf(step: Step, options: HttpOptions, timeout = 8000): Http {
  const { language = browserLanguage(), retryTimeout = 15000, signal } = options;
  return { fetch: options.fetch ?? ((...args) => fetch(...args)), step, language, timeout, retryTimeout, signal };
}

/** The API's problem object (RFC 9457), as far as it is used here. */
interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  hint?: { en?: string; zh?: string };
}

/** Sends a GET. After a 503 with Retry-After it waits and tries again. It rejects unless the response is a success. */
export async function get(http: Http, url: string): Promise<Response> {
  for (let waited = 0; ; ) {
    const response = await send(http, url, {});
    if (response.ok) return response;
    const ms = Number(response.headers.get("Retry-After")) * 1000;
    if (response.status !== 503 || !(ms > 0) || waited + ms > http.retryTimeout) throw await problemError(http, response);
    waited += ms;
    await withTimeout({ ...http, timeout: 0 }, signal => sleep(ms, signal));
  }
}

/** Sends one request, and returns the response whatever its status is. */
export function send(http: Http, url: string, init: RequestInit): Promise<Response> {
  return withTimeout({ ...http, callSignal: init.signal }, signal => http.fetch(url, { ...init, signal }));
}

const parse = <T>(http: Http, response: Response): Promise<T | null> => withTimeout(http, () => response.json().catch(() => null));

/** The JSON object of a successful response. It must have the field. */
export async function readJSON<T>(http: Http, response: Response, field: keyof T & string): Promise<T> {
  const body = await parse<T>(http, response);
  if (!body || typeof body !== "object" || !(field in body)) throw new WechatFnError("invalid-response", http.language, { step: http.step, status: response.status });
  return body;
}

/** The error for a response that is not a success. Its message contains the problem's hint. */
export async function problemError(http: Http, response: Response): Promise<WechatFnError> {
  const { step, language } = http;
  const problem = await parse<Problem>(http, response);
  if (!problem?.code) return new WechatFnError("invalid-response", language, { step, status: response.status });
  const message = [problem.detail || problem.title || problem.code, problem.hint?.[language]].filter(Boolean).join(". ");
  return new WechatFnError(problem.code, language, { step, status: response.status, message });
}

import { WechatFnError } from "./error.js";
import type { Step } from "./error.js";
import type { Language } from "./language.js";
import { pause, within } from "./timeout.js";

/** How the API is reached. */
export interface Http {
  fetch: typeof fetch;
  step: Step;
  language: Language;
  /** Milliseconds for each answer. */
  timeout: number;
  /** Milliseconds to wait at most, over all times that the API says when to come back. */
  patience: number;
  signal: AbortSignal | undefined;
}

interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  hint?: { en?: string; zh?: string };
}

/** Reads from the API, and again where it answers 503 with Retry-After. The answer is not a failure. */
export async function ask(http: Http, url: string): Promise<Response> {
  for (let waited = 0; ; ) {
    const answer = await send(http, url, {});
    if (answer.ok) return answer;
    const seconds = Number(answer.headers.get("Retry-After"));
    if (answer.status !== 503 || !(seconds > 0) || waited + seconds * 1000 > http.patience) throw await problem(http, answer);
    waited += seconds * 1000;
    await within({ ...http, ms: 0, signals: [http.signal] }, signal => pause(seconds * 1000, signal));
  }
}

/** One request; what the API answered, whatever its status. */
export function send(http: Http, url: string, init: RequestInit): Promise<Response> {
  return within({ ...http, ms: http.timeout, signals: [http.signal, init.signal ?? undefined] }, signal => http.fetch(url, { ...init, signal }));
}

/** The body of an answer that went well. */
export async function json<T>(http: Http, answer: Response, field: keyof T & string): Promise<T> {
  const { step, language } = http;
  const body = await within({ ...http, ms: http.timeout, signals: [http.signal] }, () => answer.json().catch(() => null)) as T | null;
  if (!body || typeof body !== "object" || !(field in body)) throw new WechatFnError("bad-answer", language, { step, status: answer.status });
  return body;
}

/** The API's refusal, with the hint that goes with it. */
export async function problem(http: Http, answer: Response): Promise<WechatFnError> {
  const { step, language } = http;
  const body: Problem | null = await within({ ...http, ms: http.timeout, signals: [http.signal] }, () => answer.json().catch(() => null));
  if (!body?.code) return new WechatFnError("bad-answer", language, { step, status: answer.status });
  const message = [body.detail || body.title || body.code, body.hint?.[language]].filter(Boolean).join(". ");
  return new WechatFnError(body.code, language, { step, status: answer.status, message });
}

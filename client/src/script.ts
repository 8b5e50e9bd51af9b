import { WechatFnError } from "./error.js";
import type { Language } from "./language.js";
import { withTimeout } from "./timeout.js";
import type { Wx } from "./wx.js";

/** WeChat's script, at its first host and at the standby host. */
export const scriptURLs: readonly string[] = ["res", "res2"].map(host => `//${host}.wx.qq.com/open/js/jweixin-1.6.0.js`);

const existingWx = (): Wx | undefined => {
  const wx = (globalThis as { wx?: Partial<Wx> }).wx;
  return typeof wx?.config === "function" ? wx as Wx : undefined;
};

/** The existing window.wx, or the one of the first script that loads. The timeout, in milliseconds, is for each script. */
export async function loadWx(urls: readonly string[], timeout: number, language: Language, signal?: AbortSignal): Promise<Wx> {
  const loadError = (cause?: unknown) => new WechatFnError("script-load-failed", language, { step: "script", cause });
  let lastError = loadError();
  for (const url of urls) {
    const wx = existingWx();
    if (wx) return wx;
    try {
      await withTimeout({ step: "script", language, timeout, signal }, stop => insertScript(url, stop));
      lastError = loadError(url + " defines no wx");
    } catch (error) {
      if (signal?.aborted) throw error;
      lastError = error as WechatFnError;
    }
  }
  const wx = existingWx();
  if (wx) return wx;
  throw lastError;
}

function insertScript(url: string, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = true;
    script.onload = () => resolve();
    script.onerror = () => {
      script.remove();
      reject(url + " does not load");
    };
    stop.addEventListener("abort", () => script.remove());
    script.src = url;
    document.head.append(script);
  });
}

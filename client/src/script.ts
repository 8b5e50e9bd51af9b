import { WechatFnError } from "./error.js";
import type { Language } from "./language.js";
import { within } from "./timeout.js";
import type { Wx } from "./wx.js";

/** WeChat's script, and the host to go to when the first does not answer. */
export const scripts: readonly string[] = ["res", "res2"].map(host => `//${host}.wx.qq.com/open/js/jweixin-1.6.0.js`);

const present = (): Wx | undefined => {
  const wx = (globalThis as { wx?: Partial<Wx> }).wx;
  return typeof wx?.config === "function" ? wx as Wx : undefined;
};

/** The wx that is there, or that of the first script that loads. `ms` is for each of them. */
export async function load(urls: readonly string[], ms: number, language: Language, signal?: AbortSignal): Promise<Wx> {
  const failed = (cause?: unknown) => new WechatFnError("script-failed", language, { step: "script", cause });
  let last = failed();
  for (const url of urls) {
    const wx = present();
    if (wx) return wx;
    try {
      await within({ step: "script", language, ms, signals: [signal] }, stop => insert(url, stop));
      last = failed(url + " defines no wx");
    } catch (error) {
      if (signal?.aborted) throw error;
      last = error as WechatFnError;
    }
  }
  const wx = present();
  if (wx) return wx;
  throw last;
}

function insert(url: string, stop: AbortSignal): Promise<void> {
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

/** The languages of error messages. */
export type Language = "en" | "zh";

/** Chinese where the browser's language is Chinese, else English. */
export const browserLanguage = (): Language => (/^zh/i.test(globalThis.navigator?.language ?? "") ? "zh" : "en");

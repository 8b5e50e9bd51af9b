/** The languages of error messages. */
export type Language = "en" | "zh";
/** Chinese where the browser's language is Chinese, else English. */
export declare const browserLanguage: () => Language;

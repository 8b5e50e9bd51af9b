/** The page's address without its fragment, which is not signed. */
export declare const currentURL: () => string;
/**
 * The address at which the page was opened, as far as this module can know it: it is taken when the module is loaded, which should be
 * before a router changes it.
 */
export declare const landingURL: string;
/** Whether the page is open in WeChat's browser (or WeCom's, which names itself the same). */
export declare const inWeChat: () => boolean;
/**
 * The address that WeChat compares with: on iOS it goes on to see the one at which the page was opened, whatever the history API does;
 * elsewhere the current one.
 */
export declare const urlToSign: () => string;

/** The page's address without its fragment, which is not signed. */
export declare const currentURL: () => string;
/** The page's address when this module was loaded. Load the module before a router changes the address: then this is the landing address. */
export declare const landingURL: string;
/** Whether the page is open in WeChat's browser, or in WeCom's, which sends the same name. */
export declare const inWeChat: () => boolean;
/** The address that WeChat compares with the signed one: on iOS the landing address, whatever the history API does; elsewhere the current one. */
export declare const urlToSign: () => string;

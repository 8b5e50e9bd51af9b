const withoutFragment = (address: string) => address.split("#")[0] as string;

/** The page's address without its fragment, which is not signed. */
export const currentURL = (): string => (typeof location === "undefined" ? "" : withoutFragment(location.href));

/** The page's address when this module was loaded. Load the module before a router changes the address: then this is the landing address. */
export const landingURL: string = currentURL();

const userAgent = () => (typeof navigator === "undefined" ? "" : navigator.userAgent);

/** Whether the page is open in WeChat's browser, or in WeCom's, which sends the same name. */
export const inWeChat = (): boolean => /MicroMessenger/i.test(userAgent());

/** The address that WeChat compares with the signed one: on iOS the landing address, whatever the history API does; elsewhere the current one. */
export const urlToSign = (): string => (/iPhone|iPad|iPod/i.test(userAgent()) ? landingURL : currentURL());

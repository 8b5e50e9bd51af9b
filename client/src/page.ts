const cut = (address: string) => address.split("#")[0] as string;

/** The page's address without its fragment, which is not signed. */
export const currentURL = (): string => (typeof location === "undefined" ? "" : cut(location.href));

/**
 * The address at which the page was opened, as far as this module can know it: it is taken when the module is loaded, which should be
 * before a router changes it.
 */
export const landingURL: string = currentURL();

const agent = () => (typeof navigator === "undefined" ? "" : navigator.userAgent);

/** Whether the page is open in WeChat's browser (or WeCom's, which names itself the same). */
export const inWeChat = (): boolean => /MicroMessenger/i.test(agent());

/**
 * The address that WeChat compares with: on iOS it goes on to see the one at which the page was opened, whatever the history API does;
 * elsewhere the current one.
 */
export const urlToSign = (): string => (/iPhone|iPad|iPod/i.test(agent()) ? landingURL : currentURL());

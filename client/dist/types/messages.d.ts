/** The message of each error code of this module, in English and Chinese. */
export declare const messages: {
    readonly "not-in-wechat": readonly ["The page is not open in WeChat.", "请在微信中打开。"];
    readonly "script-load-failed": readonly ["WeChat's script does not load.", "微信脚本加载失败。"];
    readonly timeout: readonly ["It took too long.", "超时。"];
    readonly aborted: readonly ["Aborted.", "已中止。"];
    readonly "network-error": readonly ["The API is not reachable: check network, CORS, endpoint.", "无法访问接口：请检查网络、跨域和 endpoint。"];
    readonly "invalid-response": readonly ["The response is not the API's: check endpoint.", "返回内容无法识别：请检查 endpoint。"];
    readonly "invalid-signature": readonly ["The signature is for another address, or its ticket has expired.", "签名与页面地址不符，或 ticket 已失效。"];
    readonly "invalid-url-domain": readonly ["The page's domain is not among the JS interface security domains.", "页面域名不在“JS接口安全域名”中。"];
    readonly "config-failed": readonly ["wx.config failed.", "wx.config 失败。"];
    readonly "api-not-listed": readonly ["Add the API to apis.", "接口未列入 apis。"];
    readonly "permission-denied": readonly ["The account does not have this API, or it is not in apis.", "公众号无此接口权限，或未列入 apis。"];
    readonly "function-not-exist": readonly ["This version of WeChat does not have the API.", "当前微信不支持此接口。"];
    readonly "offline-verifying": readonly ["wx.config has not been accepted for this API.", "接口尚未通过 wx.config 验证。"];
    readonly cancelled: readonly ["The user cancelled.", "用户已取消。"];
    readonly "call-failed": readonly ["The call failed.", "调用失败。"];
    readonly "open-tags-failed": readonly ["Open tags do not work here.", "无法使用开放标签。"];
    readonly "insecure-context": readonly ["A login for another site needs https.", "跨站登录需要 https。"];
    readonly "origin-not-trusted": readonly ["The session is not sent to this origin.", "不向该来源发送登录凭证。"];
};
/** The error codes of this module. */
export type ErrorCode = keyof typeof messages;

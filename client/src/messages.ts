/** The message of each error code of this module, in English and Chinese. */
export const messages = {
  "not-in-wechat": ["The page is not open in WeChat.", "请在微信中打开。"],
  "script-load-failed": ["WeChat's script does not load.", "微信脚本加载失败。"],
  timeout: ["It took too long.", "超时。"],
  aborted: ["Aborted.", "已中止。"],
  "network-error": ["The API is not reachable: check network, CORS, endpoint.", "无法访问接口：请检查网络、跨域和 endpoint。"],
  "invalid-response": ["The response is not the API's: check endpoint.", "返回内容无法识别：请检查 endpoint。"],
  "invalid-signature": ["The signature is for another address, or its ticket has expired.", "签名与页面地址不符，或 ticket 已失效。"],
  "invalid-url-domain": ["The page's domain is not among the JS interface security domains.", "页面域名不在“JS接口安全域名”中。"],
  "config-failed": ["wx.config failed.", "wx.config 失败。"],
  "api-not-listed": ["Add the API to apis.", "接口未列入 apis。"],
  "permission-denied": ["The account does not have this API, or it is not in apis.", "公众号无此接口权限，或未列入 apis。"],
  "function-not-exist": ["This version of WeChat does not have the API.", "当前微信不支持此接口。"],
  "offline-verifying": ["wx.config has not been accepted for this API.", "接口尚未通过 wx.config 验证。"],
  cancelled: ["The user cancelled.", "用户已取消。"],
  "call-failed": ["The call failed.", "调用失败。"],
  "open-tags-failed": ["Open tags do not work here.", "无法使用开放标签。"],
  "insecure-context": ["A login for another site needs https.", "跨站登录需要 https。"],
  "origin-not-trusted": ["The session is not sent to this origin.", "不向该来源发送登录凭证。"],
} as const;

/** The error codes of this module. */
export type ErrorCode = keyof typeof messages;

/** What each code of this module means, in English and Chinese. */
export const texts = {
  "not-in-wechat": ["Not open in WeChat.", "请在微信中打开。"],
  "script-failed": ["WeChat's script does not load.", "微信脚本加载失败。"],
  timeout: ["It took too long.", "超时。"],
  aborted: ["Aborted.", "已中止。"],
  network: ["The API cannot be reached: network, CORS or its address.", "无法访问接口：网络、跨域或地址有误。"],
  "bad-answer": ["That is no answer of the API's: is endpoint right?", "返回内容无法识别，请检查 endpoint。"],
  "invalid-signature": ["The signature is not for this address, or its ticket has ended.", "签名与页面地址不符，或 ticket 已失效。"],
  "invalid-url-domain": ["The page's domain is not among the JS interface security domains.", "页面域名不在“JS接口安全域名”中。"],
  "config-failed": ["wx.config is refused.", "wx.config 失败。"],
  "api-not-listed": ["Name the API in apis.", "接口未列入 apis。"],
  "permission-denied": ["The account has no right to this API, or it is not in apis.", "公众号无此接口权限，或未列入 apis。"],
  "function-not-exist": ["This WeChat does not have the API.", "当前微信不支持此接口。"],
  "offline-verifying": ["wx.config has not been accepted for this API.", "接口尚未通过 wx.config。"],
  cancelled: ["The user cancelled.", "用户已取消。"],
  "call-failed": ["The call failed.", "调用失败。"],
  "open-tags-failed": ["Open tags do not work here.", "无法使用开放标签。"],
  "insecure-context": ["A login for another site needs https.", "跨站登录需要 https。"],
  "origin-not-trusted": ["The session is not sent to this origin.", "不向该来源发送登录凭证。"],
} as const;

/** The codes of this module. */
export type OwnCode = keyof typeof texts;

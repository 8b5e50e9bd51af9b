// The exports of the script build, whose global name is WechatFn.
export * from "./index.js";
export * from "./compat.js";

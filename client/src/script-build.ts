// What the global WechatFn of the script build holds.
export * from "./index.js";
export * from "./compat.js";

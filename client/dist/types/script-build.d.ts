export * from "./index.js";
export * from "./compat.js";

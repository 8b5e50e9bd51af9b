/** Where token and verifier are kept: sessionStorage by default, else memory. */
export type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem">;
/** sessionStorage, or memory where the browser's mode allows no storage. */
export declare function defaultKeep(): Keep;

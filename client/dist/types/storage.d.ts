/** Where the session token and the verifier are stored. */
export type TokenStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;
/** One stored text. */
export interface StoredText {
    get(): string | null;
    /** Stores the text; null removes it. */
    set(text: string | null): void;
}
/** The text that is stored under the key. */
export declare const storedText: (storage: TokenStorage, key: string) => StoredText;
/** sessionStorage, or memory where the browser does not allow storage. */
export declare function defaultStorage(): TokenStorage;

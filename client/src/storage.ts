/** Where the session token and the verifier are stored. */
export type TokenStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** One stored text. */
export interface StoredText {
  get(): string | null;
  /** Stores the text; null removes it. */
  set(text: string | null): void;
}

/** The text that is stored under the key. */
export const storedText = (storage: TokenStorage, key: string): StoredText => ({
  get: () => storage.getItem(key),
  set: text => (text ? storage.setItem(key, text) : storage.removeItem(key)),
});

function memoryStorage(): TokenStorage {
  const items = new Map<string, string>();
  return { getItem: key => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value), removeItem: key => void items.delete(key) };
}

/** sessionStorage, or memory where the browser does not allow storage. */
export function defaultStorage(): TokenStorage {
  try {
    sessionStorage.setItem("wechatfn", "");
    sessionStorage.removeItem("wechatfn");
    return sessionStorage;
  } catch {
    return memoryStorage();
  }
}

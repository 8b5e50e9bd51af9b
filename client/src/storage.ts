/** Where token and verifier are kept: sessionStorage by default, else memory. */
export type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem">;

function memory(): Keep {
  const kept = new Map<string, string>();
  return { getItem: key => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: key => void kept.delete(key) };
}

/** sessionStorage, or memory where the browser's mode allows no storage. */
export function defaultKeep(): Keep {
  try {
    sessionStorage.setItem("wechatfn", "");
    sessionStorage.removeItem("wechatfn");
    return sessionStorage;
  } catch {
    return memory();
  }
}

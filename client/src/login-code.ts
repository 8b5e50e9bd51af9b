/** Removes the login code from the page's address and returns it, or null where there is none. Nothing else in the address changes. */
export function takeLoginCode(): string | null {
  const { href } = location;
  const code = new URL(href).searchParams.get("wechatfn_code");
  if (code) history.replaceState(history.state, "", href.replace(/([?&])wechatfn_code=[^&#]*(&?)/, (_, before, after) => (after ? before : "")));
  return code;
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/** A random text of 256 bits. */
export const newVerifier = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The SHA-256 of the verifier. The API gets it before it issues the login code, as in RFC 7636 (PKCE). */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/** Takes the ticket of a login that has just ended out of the page's address, of which nothing else changes; null where there is none. */
export function takeTicket(): string | null {
  const { href } = location;
  const ticket = new URL(href).searchParams.get("wechatfn_code");
  if (ticket) history.replaceState(history.state, "", href.replace(/([?&])wechatfn_code=[^&#]*(&?)/, (_, before, after) => (after ? before : "")));
  return ticket;
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/** A text that cannot be guessed: 256 bits. */
export const newVerifier = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** The SHA-256 of the verifier, which the API has before it gives the ticket (RFC 7636). */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/** Removes the login code from the page's address and returns it, or null where there is none. Nothing else in the address changes. */
export declare function takeLoginCode(): string | null;
/** A random text of 256 bits. */
export declare const newVerifier: () => string;
/** The SHA-256 of the verifier. The API gets it before it issues the login code, as in RFC 7636 (PKCE). */
export declare function challengeOf(verifier: string): Promise<string>;

/** Takes the ticket of a login that has just ended out of the page's address, of which nothing else changes; null where there is none. */
export declare function takeTicket(): string | null;
/** A text that cannot be guessed: 256 bits. */
export declare const newVerifier: () => string;
/** The SHA-256 of the verifier, which the API has before it gives the ticket (RFC 7636). */
export declare function challengeOf(verifier: string): Promise<string>;

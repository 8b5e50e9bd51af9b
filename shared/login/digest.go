package login

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Digest is what the store has of a secret: its SHA-256 in base64url, 43 characters. It
// is also the S256 challenge of a verifier (RFC 7636). The secret must be as random as a
// key, because a digest does not protect a guessable one.
func Digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Matches reports whether digest is the secret's, in constant time.
func Matches(secret, digest string) bool {
	return subtle.ConstantTimeCompare([]byte(Digest(secret)), []byte(digest)) == 1
}

// Seed makes 32 secret bytes from a secret that only one browser has, the state of one
// login, and a purpose. So a request that comes again gets the same token or code,
// though that is stored nowhere. The secret must be at least as random as what is made
// from it. Purposes must differ.
func Seed(secret, state, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(secret), []byte(state), "wechatfn "+purpose, 32)
}

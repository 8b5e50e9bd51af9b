package session

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
)

const (
	familyBytes = 16
	secretBytes = 32
	seedBytes   = 32
	tokenBytes  = familyBytes + secretBytes
)

// TokenLength is the length of a token: 384 bits in base64url.
const TokenLength = tokenBytes / 3 * 4

// token names its family, and has a secret of 256 random bits. Of both parts only the
// hashes are stored. Nobody knows the family without a token of it.
type token [tokenBytes]byte

// parse reads a token. Each token has exactly one text: the decoder ignores line breaks,
// so the length is checked too.
func parse(text string) (t token, ok bool) {
	if len(text) != TokenLength {
		return token{}, false
	}
	n, err := base64.RawURLEncoding.Decode(t[:], []byte(text))
	return t, err == nil && n == tokenBytes
}

func (t token) text() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// id is the hash of the family. It is stored, and it is the ID of the session.
func (t token) id() string { return hash(t[:familyBytes]) }

// secretHash is the hash of the secret. It is stored.
func (t token) secretHash() string { return hash(t[familyBytes:]) }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// equalHashes compares in constant time.
func equalHashes(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// newToken makes the first token of a login: from its seed, or from random bytes.
func (s *Sessions) newToken(l Login) (token, error) {
	if l.Seed == nil {
		return s.fillRandom(token{}, 0)
	}
	return deriveToken(l), nil
}

// nextToken has the same family and a new secret.
func (s *Sessions) nextToken(t token) (token, error) { return s.fillRandom(t, familyBytes) }

// fillRandom replaces the bytes of the token from an index on.
func (s *Sessions) fillRandom(t token, from int) (token, error) {
	if _, err := io.ReadFull(s.cfg.Rand, t[from:]); err != nil {
		return token{}, fmt.Errorf("session: no random bytes: %w", err)
	}
	return t, nil
}

// deriveToken makes a token from a seed, a user and a product. So nobody gets the session
// of another user by using its seed in a login of their own.
func deriveToken(l Login) token {
	who := l.AppID + " " + l.OpenID + " " + l.SKU // none of them contains a space
	family, err := hkdf.Key(sha256.New, l.Seed, nil, "wechatfn session family "+who, familyBytes)
	if err != nil {
		panic("session: " + err.Error()) // lengths are constant
	}
	secret, err := hkdf.Key(sha256.New, l.Seed, nil, "wechatfn session secret "+who, secretBytes)
	if err != nil {
		panic("session: " + err.Error())
	}
	return token(append(family, secret...))
}

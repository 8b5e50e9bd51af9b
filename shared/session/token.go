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

// TokenLength is how long a token is: 384 bits in base64url.
const TokenLength = tokenBytes / 3 * 4

// token names a family, and proves with 256 random bits to be its current
// token. Neither part is stored; their hashes are. The first part is known to
// those alone who have had a token of the family.
type token [tokenBytes]byte

// parse reads a token. Only one text is one token: the decoder's leniency (line
// breaks) is caught by the length.
func parse(text string) (t token, ok bool) {
	if len(text) != TokenLength {
		return token{}, false
	}
	n, err := base64.RawURLEncoding.Decode(t[:], []byte(text))
	return t, err == nil && n == tokenBytes
}

func (t token) text() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// id is the hash of the family: what is stored of it, and what it is called.
func (t token) id() string { return hash(t[:familyBytes]) }

// secretHash is what is stored of the secret.
func (t token) secretHash() string { return hash(t[familyBytes:]) }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// same compares hashes in a time that tells nothing.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// mint makes the first token of a login: from its seed, or by chance.
func (s *Sessions) mint(l Login) (token, error) {
	if l.Seed == nil {
		return s.random(token{}, 0)
	}
	return derive(l), nil
}

// rotated keeps the family and takes another secret.
func (s *Sessions) rotated(t token) (token, error) { return s.random(t, familyBytes) }

func (s *Sessions) random(t token, from int) (token, error) {
	if _, err := io.ReadFull(s.cfg.Rand, t[from:]); err != nil {
		return token{}, fmt.Errorf("session: no random bytes: %w", err)
	}
	return t, nil
}

// derive makes a token from a seed, for that user and product alone: nobody gets
// another's session by bringing the seed to a login of his own.
func derive(l Login) token {
	who := l.AppID + " " + l.OpenID + " " + l.SKU // none of which holds a space
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

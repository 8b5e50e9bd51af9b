package message

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wechatfn/shared/secret"
)

// refusal is why a push is not WeChat's. It goes to the log; the sender learns only
// that it was refused.
type refusal string

func (r refusal) Error() string { return "message: refused: " + string(r) }

const (
	refusedSignature refusal = "signature"
	refusedStale     refusal = "timestamp"
	refusedBase64    refusal = "base64"
	refusedBlockSize refusal = "block size"
	refusedPadding   refusal = "padding"
	refusedLength    refusal = "length"
	refusedAppID     refusal = "appid"
	refusedPlain     refusal = "not encrypted"             // though an AES key is configured
	refusedNoKey     refusal = "encrypted, but no AES key" // is configured
)

// Sign is the signature of WeChat's pushes, over the token, the timestamp, the
// nonce and, where there is one, the encrypted message: the hex SHA-1 of all
// parts, sorted bytewise and joined.
func Sign(parts ...string) string {
	sorted := slices.Clone(parts)
	slices.Sort(sorted)
	sum := sha1.Sum([]byte(strings.Join(sorted, "")))
	return hex.EncodeToString(sum[:])
}

// Keyring holds the secrets of one account, parsed. It is safe for concurrent
// use.
type Keyring struct {
	appID  string
	tokens []string  // the current one first
	keys   []*aesKey // the current one first; none: pushes come in plain text
}

// NewKeyring parses the secrets of the account appID. Errors name the secret
// that is wrong and never quote it.
func NewKeyring(appID string, s secret.Push) (*Keyring, error) {
	if appID == "" {
		return nil, errors.New("message: a keyring needs the account's AppID")
	}
	if s.Token.IsZero() {
		return nil, errors.New("message: the token is empty, and would let anybody in")
	}
	k := &Keyring{appID: appID, tokens: []string{s.Token.Reveal()}}
	if !s.PreviousToken.IsZero() {
		k.tokens = append(k.tokens, s.PreviousToken.Reveal())
	}
	for _, one := range []struct {
		name   string
		secret secret.Secret
	}{{"EncodingAESKey", s.AESKey}, {"previous EncodingAESKey", s.PreviousAESKey}} {
		if one.secret.IsZero() {
			continue
		}
		key, err := parseAESKey(one.secret.Reveal())
		if err != nil {
			return nil, fmt.Errorf("message: the %s %w", one.name, err)
		}
		k.keys = append(k.keys, key)
	}
	return k, nil
}

// Encrypted reports whether pushes must be encrypted. That is decided here, by
// what is configured, and never by what a request says of itself.
func (k *Keyring) Encrypted() bool { return len(k.keys) > 0 }

// verify returns the token under which signature is right for parts.
func (k *Keyring) verify(signature string, parts ...string) (token string, err error) {
	for _, token := range k.tokens {
		if equal(signature, Sign(append(parts, token)...)) {
			return token, nil
		}
	}
	return "", refusedSignature
}

// decrypt opens an encrypted message whose signature has been verified: there is
// no other check of integrity inside.
func (k *Keyring) decrypt(encrypted string) (text []byte, key *aesKey, err error) {
	for _, key = range k.keys {
		if text, err = key.decrypt(encrypted, k.appID); err == nil {
			return text, key, nil
		}
	}
	return nil, nil, err
}

// equal takes the same time whatever the strings hold.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

const (
	aesKeyLength = 43 // characters of an EncodingAESKey
	// padBlock is what messages are padded to, with 1 to 32 bytes that each hold
	// their number: PKCS #7, but for a block of twice AES's size.
	padBlock   = 32
	randomSize = 16 // bytes before the length of a message
	headSize   = randomSize + 4
)

// aesKey is an EncodingAESKey: AES-256 in CBC mode, whose IV is the beginning of
// the key.
type aesKey struct {
	block cipher.Block
	iv    []byte
}

func parseAESKey(encoded string) (*aesKey, error) {
	if len(encoded) != aesKeyLength {
		return nil, fmt.Errorf("has %d characters instead of %d", len(encoded), aesKeyLength)
	}
	// Not Strict(): WeChat's generator fills the two spare bits of the last character.
	raw, err := base64.StdEncoding.DecodeString(encoded + "=")
	if err != nil || len(raw) != 32 {
		return nil, errors.New("is not base64")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return &aesKey{block, raw[:aes.BlockSize]}, nil
}

// decrypt returns the message, without the random bytes, the length and the
// AppID around it.
func (k *aesKey) decrypt(encrypted, appID string) ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		return nil, refusedBase64
	}
	if len(text) == 0 || len(text)%padBlock != 0 {
		return nil, refusedBlockSize
	}
	cipher.NewCBCDecrypter(k.block, k.iv).CryptBlocks(text, text)
	if text, err = unpad(text); err != nil {
		return nil, err
	}
	return unframe(text, appID)
}

// unpad is strict: every byte of the padding holds its length.
func unpad(text []byte) ([]byte, error) {
	n := int(text[len(text)-1])
	if n < 1 || n > padBlock {
		return nil, refusedPadding
	}
	body, padding := text[:len(text)-n], text[len(text)-n:]
	for _, b := range padding {
		if int(b) != n {
			return nil, refusedPadding
		}
	}
	return body, nil
}

func unframe(text []byte, appID string) ([]byte, error) {
	if len(text) < headSize {
		return nil, refusedLength
	}
	size, rest := binary.BigEndian.Uint32(text[randomSize:headSize]), text[headSize:]
	if uint64(size) > uint64(len(rest)) {
		return nil, refusedLength
	}
	if !equal(string(rest[size:]), appID) {
		return nil, refusedAppID
	}
	return rest[:size], nil
}

// encrypt is the inverse of decrypt. random has 16 bytes.
func (k *aesKey) encrypt(random []byte, message, appID string) string {
	size := headSize + len(message) + len(appID)
	pad := padBlock - size%padBlock
	text := make([]byte, 0, size+pad)
	text = append(text, random[:randomSize]...)
	text = binary.BigEndian.AppendUint32(text, uint32(len(message)))
	text = append(text, message...)
	text = append(text, appID...)
	for range pad {
		text = append(text, byte(pad))
	}
	cipher.NewCBCEncrypter(k.block, k.iv).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text)
}

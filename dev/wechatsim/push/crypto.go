package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// sign is the signature of a URL check and of a plain push, and with the ciphertext as a
// further value the msg_signature. Like sign it is written out here on purpose.
func sign(token, timestamp, nonce string, more ...string) string {
	values := append([]string{token, timestamp, nonce}, more...)
	slices.Sort(values)
	sum := sha1.Sum([]byte(strings.Join(values, "")))
	return hex.EncodeToString(sum[:])
}

// padTo is WeChat's block for PKCS#7: twice that of AES.
const padTo = 32

const randomSize, lengthSize = 16, 4

// decodeKey reads an EncodingAESKey. Its last character has spare bits, which WeChat fills at
// random, so that strict decoding would refuse three keys of four.
func decodeKey(text string) ([]byte, error) {
	if ok, _ := regexp.MatchString("^[A-Za-z0-9]{43}$", text); !ok {
		return nil, fmt.Errorf("push: an EncodingAESKey has 43 letters and digits, this one has %d characters", len(text))
	}
	return base64.StdEncoding.DecodeString(text + "=")
}

// seal encrypts a message for appID; random is 16 bytes.
func seal(key, random, message []byte, appID string) (string, error) {
	text := slices.Clone(random)
	text = binary.BigEndian.AppendUint32(text, uint32(len(message)))
	text = append(append(text, message...), appID...)
	pad := padTo - len(text)%padTo
	for range pad {
		text = append(text, byte(pad))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), nil
}

// unseal undoes seal and is as strict as can be: whatever passes is what WeChat itself would have
// written.
func unseal(key []byte, encrypted, appID string) ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || strings.ContainsAny(encrypted, "\r\n") { // which Go skips
		return nil, errors.New("the ciphertext is not base64")
	}
	if len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, errors.New("the ciphertext is not made of whole blocks")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(text, text)
	if text, err = unpad(text); err != nil {
		return nil, err
	}
	return unpack(text, appID)
}

func unpad(text []byte) ([]byte, error) {
	pad := int(text[len(text)-1])
	if pad < 1 || pad > padTo || pad > len(text) {
		return nil, errors.New("the ciphertext has bad padding, or another key was used")
	}
	rest, tail := text[:len(text)-pad], text[len(text)-pad:]
	for _, b := range tail {
		if int(b) != pad {
			return nil, errors.New("the ciphertext has bad padding, or another key was used")
		}
	}
	return rest, nil
}

func unpack(text []byte, appID string) ([]byte, error) {
	if len(text) < randomSize+lengthSize {
		return nil, errors.New("the ciphertext is too short")
	}
	size, rest := binary.BigEndian.Uint32(text[randomSize:]), text[randomSize+lengthSize:]
	if uint64(size) > uint64(len(rest)) {
		return nil, errors.New("the ciphertext claims a message longer than it is")
	}
	if got := string(rest[size:]); got != appID {
		return nil, fmt.Errorf("the ciphertext is for the appid %q instead of %q", got, appID)
	}
	return rest[:size], nil
}

package trigger

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// developer is a small server of a developer's. Each of its mistakes is off in
// a good one.
type developer struct {
	token, key, appID string
	reply             string // what it answers to a push; "" is success

	quotesEcho, answersJSON, answersPlain, ignoresSignature, ignoresTime, ignoresAppID, takesPlain, readsDTD bool

	mu    sync.Mutex
	seen  []string // plain messages
	types []string // content types
}

func (d *developer) start(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	return server.URL + "/verify"
}

func (d *developer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer, why := d.handle(r, string(body))
	if why != "" {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": why, "detail": "no such push", "hint": map[string]string{"en": "Look at the token."}})
		return
	}
	_, _ = io.WriteString(w, answer)
}

func (d *developer) handle(r *http.Request, body string) (answer, why string) {
	q := r.URL.Query()
	sent, _ := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	if age := time.Since(time.Unix(sent, 0)); !d.ignoresTime && age.Abs() > 10*time.Minute {
		return "", "stale"
	}
	if r.Method == http.MethodGet || d.key == "" {
		return d.plain(r, q, body)
	}
	if !strings.Contains(body, "Encrypt") && d.takesPlain {
		return d.note(r, body, q)
	}
	encrypted := between(body, "Encrypt")
	if !d.ignoresSignature && (encrypted == "" || signed(d.token, q, encrypted) != q.Get("msg_signature")) {
		return "", "signature"
	}
	plain, appID, ok := d.open(encrypted)
	if !ok || appID != d.appID && !d.ignoresAppID {
		return "", "decrypt"
	}
	return d.note(r, d.dtd(body, plain), q)
}

func (d *developer) dtd(envelope, plain string) string {
	if strings.Contains(envelope+plain, "<!DOCTYPE") && !d.readsDTD {
		return ""
	}
	return plain
}

func (d *developer) plain(r *http.Request, q url.Values, body string) (answer, why string) {
	if !d.ignoresSignature && signed(d.token, q) != q.Get("signature") {
		return "", "signature"
	}
	if r.Method == http.MethodGet {
		if d.quotesEcho {
			return strconv.Quote(q.Get("echostr")), ""
		}
		return q.Get("echostr"), ""
	}
	return d.note(r, d.dtd(body, body), q)
}

func (d *developer) note(r *http.Request, plain string, q url.Values) (answer, why string) {
	if plain == "" {
		return "", "malformed"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen, d.types = append(d.seen, plain), append(d.types, r.Header.Get("Content-Type"))
	switch {
	case d.answersJSON:
		return `{"errcode":0}`, ""
	case d.reply == "":
		return "success", ""
	}
	reply := fmt.Sprintf("<xml><ToUserName>%s</ToUserName><FromUserName>%s</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>%s</Content></xml>",
		between(plain, "FromUserName"), between(plain, "ToUserName"), d.reply)
	if d.key == "" || d.answersPlain {
		return reply, ""
	}
	encrypted := d.seal(reply)
	return fmt.Sprintf("<xml><Encrypt>%s</Encrypt><MsgSignature>%s</MsgSignature><TimeStamp>%s</TimeStamp><Nonce>%s</Nonce></xml>",
		encrypted, signed(d.token, q, encrypted), q.Get("timestamp"), q.Get("nonce")), ""
}

func signed(token string, q url.Values, more ...string) string {
	values := append([]string{token, q.Get("timestamp"), q.Get("nonce")}, more...)
	slices.Sort(values)
	sum := sha1.Sum([]byte(strings.Join(values, "")))
	return hex.EncodeToString(sum[:])
}

// between is a field of XML or JSON, as far as a test needs to read them.
func between(body, name string) string {
	pattern := "<" + name + `>(?:<!\[CDATA\[)?([^\]<]*)|"` + name + `":"([^"]*)"`
	m := regexp.MustCompile(pattern).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

func (d *developer) cipher() (cipher.Block, []byte) {
	key, err := base64.StdEncoding.DecodeString(d.key + "=")
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return block, key[:16]
}

func (d *developer) open(encrypted string) (plain, appID string, ok bool) {
	text, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(text) == 0 || len(text)%16 != 0 {
		return "", "", false
	}
	block, iv := d.cipher()
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > 32 || pad > len(text)-20 {
		return "", "", false
	}
	text = text[:len(text)-pad]
	size := int(binary.BigEndian.Uint32(text[16:]))
	if size > len(text)-20 {
		return "", "", false
	}
	return string(text[20 : 20+size]), string(text[20+size:]), true
}

func (d *developer) seal(plain string) string {
	text := binary.BigEndian.AppendUint32([]byte("0123456789abcdef"), uint32(len(plain)))
	text = append(append(text, plain...), d.appID...)
	pad := 32 - len(text)%32
	text = append(text, bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, iv := d.cipher()
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text)
}

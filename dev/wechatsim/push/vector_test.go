package push

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

type vector struct {
	ID, Kind string
	Input    struct {
		Token, AppID, Timestamp, Nonce, Signature, Echostr, Encrypt, Body, OpenID, Plaintext, Random string
		Key                                                                                          string `json:"encoding_aes_key"`
		MsgSignature                                                                                 string `json:"msg_signature"`
		ToUserName                                                                                   string `json:"to_user_name"`
	}
	Expected struct {
		Accept                             bool
		Reject, Random, Plaintext, Encrypt string
		MsgSignature                       string          `json:"msg_signature"`
		JSONBody                           json.RawMessage `json:"json_body"`
	}
}

func vectors(t *testing.T, kind string) map[string]vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	must(t, err)
	var file struct{ Vectors []vector }
	must(t, json.Unmarshal(b, &file))
	found := map[string]vector{}
	for _, v := range file.Vectors {
		if v.Kind == kind {
			found[v.ID] = v
		}
	}
	if len(found) == 0 {
		t.Fatalf("no vector of kind %s", kind)
	}
	return found
}

// config is a Sender's as in the row, at its time and with its nonce.
func (v vector) config(t *testing.T, randomHex ...string) Config {
	t.Helper()
	cfg := Config{URL: "https://dev.example.com/", Token: v.Input.Token, EncodingAESKey: v.Input.Key, AppID: v.Input.AppID}
	seconds, err := strconv.ParseInt(v.Input.Timestamp, 10, 64)
	must(t, err)
	nonce, err := strconv.ParseUint(v.Input.Nonce, 10, 32)
	must(t, err)
	cfg.Now = func() time.Time { return time.Unix(seconds, 0) }
	cfg.Rand = bytesFrom(t, uint32(nonce), randomHex...)
	return cfg
}

func (v vector) sender(t *testing.T, cfg Config) *Sender {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	return p
}

func TestVectorsOfTheCheck(t *testing.T) {
	for id, v := range vectors(t, "url_verify") {
		echo, err := strconv.ParseUint(v.Input.Echostr, 10, 63)
		must(t, err)
		p := v.sender(t, v.config(t, fmt.Sprintf("%016x", echo<<1)))
		req, err := p.CheckRequest(t.Context())
		must(t, err)
		want := "https://dev.example.com/?signature=" + v.Input.Signature + "&echostr=" + v.Input.Echostr +
			"&timestamp=" + v.Input.Timestamp + "&nonce=" + v.Input.Nonce
		if req.URL.String() != want {
			t.Errorf("%s: %v", id, req.URL)
		}
	}
	for id, v := range vectors(t, "url_verify-negative") {
		if v.Input.Signature == sign(v.Input.Token, v.Input.Timestamp, v.Input.Nonce) {
			t.Errorf("%s: the signature fits", id)
		}
	}
}

// debugDemo is the message of the official samples.
func debugDemo(second int64) Message {
	return Message{
		{"ToUserName", ghID}, {"FromUserName", openID}, {"CreateTime", second},
		{"MsgType", "event"}, {"Event", "debug_demo"}, {"debug_str", "hello world"},
	}
}

// expectRequest compares a request byte for byte.
func expectRequest(t *testing.T, v vector, p *Sender, m Message, query, body string) {
	t.Helper()
	req, err := p.Request(t.Context(), m)
	must(t, err)
	got, err := io.ReadAll(req.Body)
	must(t, err)
	if string(got) != body {
		t.Errorf("%s: the body is\n%s\nwant\n%s", v.ID, got, body)
	}
	if req.URL.RawQuery != query {
		t.Errorf("%s: the query is\n%s\nwant\n%s", v.ID, req.URL.RawQuery, query)
	}
}

func (v vector) query(signature, openid string, encrypted bool) string {
	q := "signature=" + signature + "&timestamp=" + v.Input.Timestamp + "&nonce=" + v.Input.Nonce + "&openid=" + openid
	if encrypted {
		q += "&encrypt_type=aes&msg_signature=" + v.Input.MsgSignature
	}
	return q
}

func TestVectorPlainOfficial(t *testing.T) {
	v := vectors(t, "push_plain")["push-plain-official"]
	cfg := v.config(t)
	cfg.JSON = true
	expectRequest(t, v, v.sender(t, cfg), debugDemo(1714037059), v.query(v.Input.Signature, openID, false), v.Input.Body)
}

func TestVectorAESOfficial(t *testing.T) {
	v := vectors(t, "push_aes")["push-aes-official"]
	cfg := v.config(t, v.Expected.Random)
	cfg.JSON, cfg.Mode = true, Secure
	body := `{"ToUserName":"` + v.Input.ToUserName + `","Encrypt":"` + v.Input.Encrypt + `"}`
	expectRequest(t, v, v.sender(t, cfg), debugDemo(1714112445), v.query(v.Input.Signature, v.Input.OpenID, true), body)
}

// TestVectorXML is in XML, and its key has spare bits.
func TestVectorXML(t *testing.T) {
	v := vectors(t, "push_aes")["push-aes-xml-qdg6ek"]
	cfg := v.config(t, v.Expected.Random)
	cfg.Mode, cfg.XMLLines = Secure, true
	m := Message{
		{"ToUserName", v.Input.AppID}, {"FromUserName", "mycreate"}, {"CreateTime", 1409659813}, {"MsgType", "text"},
		{"Content", "hello"}, {"MsgId", uint64(4561255354251345929)}, {"AgentID", 218},
	}
	p := v.sender(t, cfg)
	plain, err := p.Write(m)
	must(t, err)
	if string(plain) != v.Expected.Plaintext {
		t.Errorf("%s", plain)
	}
	signature := sign(v.Input.Token, v.Input.Timestamp, v.Input.Nonce) // the row has none
	expectRequest(t, v, p, m, v.query(signature, "mycreate", true), v.Input.Body)
}

func TestVectorCompatible(t *testing.T) {
	v := vectors(t, "push_compat")["push-compat-xml-derived"]
	random := randomOf(t, v)
	cfg := v.config(t)
	cfg.Mode = Compatible
	p := v.sender(t, cfg)
	encrypted, err := seal(p.key, random, []byte(v.Expected.Plaintext), v.Input.AppID)
	must(t, err)
	m := Message{
		{"ToUserName", ghID}, {"FromUserName", openID}, {"CreateTime", 1714112445}, {"MsgType", "text"},
		{"Content", "你好, WeChat"}, {"MsgId", uint64(6272960105994287618)},
	}
	plain, err := p.Write(m)
	must(t, err)
	body, err := p.envelope(plain, ghID, encrypted)
	must(t, err)
	if string(plain) != v.Expected.Plaintext || string(body) != v.Input.Body {
		t.Errorf("%s\n%s", plain, body)
	}
	if sign(v.Input.Token, v.Input.Timestamp, v.Input.Nonce, encrypted) != v.Input.MsgSignature {
		t.Error("msg_signature")
	}
}

// randomOf is what a row's plaintext starts with.
func randomOf(t *testing.T, v vector) []byte {
	t.Helper()
	key, err := decodeKey(v.Input.Key)
	must(t, err)
	text, err := base64.StdEncoding.DecodeString(v.Input.Encrypt)
	must(t, err)
	block, err := aes.NewCipher(key)
	must(t, err)
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(text, text)
	return text[:16]
}

func TestVectorsDecrypt(t *testing.T) {
	for id, v := range vectors(t, "push_aes") {
		key, err := decodeKey(v.Input.Key)
		must(t, err)
		plain, err := unseal(key, v.Input.Encrypt, v.Input.AppID)
		if err != nil || string(plain) != v.Expected.Plaintext {
			t.Errorf("%s: %v\n%s", id, err, plain)
		}
	}
}

// TestVectorReplyOfficial goes through the whole reader of replies. What it says is for WeChat's
// debugging page and no passive reply, so the last step refuses it.
func TestVectorReplyOfficial(t *testing.T) {
	v := vectors(t, "reply_aes")["reply-aes-official"]
	cfg := v.config(t)
	cfg.Mode, cfg.JSON = Secure, true
	p := v.sender(t, cfg)
	root, err := parseJSON(string(v.Expected.JSONBody))
	must(t, err)
	plain, err := p.open(root, []string{"1", v.Input.Nonce})
	if err != nil || plain != v.Input.Plaintext {
		t.Errorf("%v, %q", err, plain)
	}
	_, err = p.open(root, []string{"1"})
	mustContain(t, err, "Nonce is not that of the push")
	_, _, err = p.readReply(string(v.Expected.JSONBody), &Series{nonces: []string{v.Input.Nonce}})
	mustContain(t, err, "the reply: ToUserName is missing")

	sealed, err := seal(p.key, []byte(v.Input.Random), []byte(v.Input.Plaintext), v.Input.AppID)
	must(t, err)
	if sealed != v.Expected.Encrypt || sign(v.Input.Token, v.Input.Timestamp, v.Input.Nonce, sealed) != v.Expected.MsgSignature {
		t.Errorf("sealed again: %s", sealed)
	}
}

// TestVectorsRefused has each bad ciphertext come as a reply.
func TestVectorsRefused(t *testing.T) {
	reasons := map[string]string{
		"signature": "MsgSignature does not fit", "padding": "bad padding", "appid": "for the appid",
		"block_size": "whole blocks", "base64": "not base64",
	}
	for id, v := range vectors(t, "push_aes-negative") {
		cfg := v.config(t)
		cfg.Mode = Secure
		p, err := New(cfg)
		if v.Expected.Reject == "config_key" {
			mustContain(t, err, "EncodingAESKey")
			continue
		}
		must(t, err)
		want := reasons[v.Expected.Reject]
		if v.Input.Encrypt == "" {
			want = "Encrypt is missing"
		}
		w := wrapped{key: v.Input.Key, timestamp: v.Input.Timestamp, nonce: v.Input.Nonce, encrypt: &v.Input.Encrypt, signature: &v.Input.MsgSignature}
		_, _, err = p.readReply(w.xml(t), &Series{nonces: []string{v.Input.Nonce}})
		if want == "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", id, err, want)
		}
	}
}

// TestUnsealEdges are those at which no vector stands.
func TestUnsealEdges(t *testing.T) {
	of := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	for name, c := range map[string]struct {
		text []byte
		rest int // -1: refused
	}{
		"1": {append(of(0, 31), 1), 31}, "32": {of(32, 32), 0}, "0": {of(0, 32), -1}, "33": {of(33, 64), -1},
		"longer than all": {of(17, 16), -1}, "unlike": {append(of(0, 31), 2), -1}, "unlike at first": {append([]byte{0}, of(32, 31)...), -1},
	} {
		rest, err := unpad(c.text)
		if (err != nil) != (c.rest < 0) || err == nil && len(rest) != c.rest {
			t.Errorf("%s: %v, %d left", name, err, len(rest))
		}
	}
	head := append(of('r', 16), 0, 0, 0)
	for name, c := range map[string]struct {
		text []byte
		want string // an error
	}{
		"nothing said":    {append(append(head, 0), appID...), ""},
		"one byte":        {append(append(head, 1, 'x'), appID...), ""},
		"no length":       {of('r', 19), "too short"},
		"longer than all": {append(head, 2, 'x'), "longer than it is"},
		"huge":            {append(of('r', 16), 255, 255, 255, 255, 'x'), "longer than it is"},
		"in the appid":    {append(append(head, 2, 'x'), appID...), "for the appid"},
	} {
		if _, err := unpack(c.text, appID); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

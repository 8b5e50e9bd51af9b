package message

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/secret"
)

type vector struct {
	ID, Kind string
	Input    struct {
		Token, Timestamp, Nonce, Signature, Echostr, Body string
		AESKey                                            string `json:"encoding_aes_key"`
		AppID, Encrypt, Plaintext, Random                 string
		MsgSignature                                      string `json:"msg_signature"`
		EncryptType                                       string `json:"encrypt_type"`
		ToUserName                                        string `json:"to_user_name"`
	}
	Expected struct {
		Accept                     bool
		Plaintext, Encrypt, Reject string
		MsgSignature               string          `json:"msg_signature"`
		JSONBody                   json.RawMessage `json:"json_body"`
	}
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 23 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	return file.Vectors
}

// Every vector, through the handler.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			switch {
			case v.Input.Token == "" || v.Expected.Reject == "config_key":
				if _, err := NewKeyring("wxba5fad812f8e6fb9", v.secrets()); err == nil {
					t.Error("accepted")
				}
			case strings.HasPrefix(v.Kind, "url_verify"):
				v.check(t)
			case v.Kind == "reply_aes":
				v.reply(t)
			default:
				v.push(t)
			}
		})
	}
}

func (v *vector) secrets() secret.Push {
	return secret.Push{Token: secret.New(v.Input.Token), AESKey: secret.New(v.Input.AESKey)}
}

func (v *vector) fixture(t *testing.T) *fixture {
	w := newFixture(t)
	w.secrets = v.secrets()
	seconds, _ := strconv.ParseInt(v.Input.Timestamp, 10, 64)
	w.now = func() time.Time { return time.Unix(seconds, 0) }
	if v.Input.AppID != "" {
		w.handler.config.Accounts[0].AppID = v.Input.AppID
	}
	return w
}

func (v *vector) query() url.Values {
	query := url.Values{"timestamp": {v.Input.Timestamp}, "nonce": {v.Input.Nonce}}
	for name, value := range map[string]string{"signature": v.Input.Signature, "msg_signature": v.Input.MsgSignature, "encrypt_type": v.Input.EncryptType, "echostr": v.Input.Echostr} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

func (v *vector) check(t *testing.T) {
	w := v.fixture(t)
	got := w.serve(w.get(v.query()))
	if !v.Expected.Accept {
		want(t, v.ID, got, http.StatusForbidden, `"signature_invalid"`)
		return
	}
	if want(t, v.ID, got, http.StatusOK, v.Input.Echostr); got.Body.String() != v.Input.Echostr || got.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%q %v", got.Body, got.Header())
	}
}

func (v *vector) push(t *testing.T) {
	w := v.fixture(t)
	body := v.Input.Body
	if body == "" {
		body = `{"ToUserName":"gh_97417a04a28d","Encrypt":"` + v.Input.Encrypt + `"}`
	}
	got := w.serve(w.post(v.query(), body))
	if !v.Expected.Accept {
		want(t, v.ID, got, http.StatusForbidden, `"push_refused"`)
		if reads, writes := w.store.Take().Count(); w.sink.calls+reads+writes > 0 {
			t.Errorf("%d deliveries, %d reads and %d writes for a push that is refused", w.sink.calls, reads, writes)
		}
		return
	}
	want(t, v.ID, got, http.StatusOK, "success")
	w.sameAs(w.sink.only(t), v)
}

// sameAs compares what was delivered with the plain text of the vector.
func (w *fixture) sameAs(m Message, v *vector) {
	w.Helper()
	plain := v.Expected.Plaintext
	if plain == "" {
		plain = v.Input.Body
	}
	t, _, err := parse([]byte(plain))
	if err != nil {
		w.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(m.JSON, &got); err != nil || len(got) != len(t.children) {
		w.Fatalf("%s: %v", m.JSON, err)
	}
	for _, c := range t.children {
		text, isText := got[c.name].(string)
		if number, ok := got[c.name].(float64); ok {
			text, isText = strconv.FormatFloat(number, 'f', -1, 64), true
		}
		if !isText || text != c.tree.text {
			w.Errorf("%s is %v, want %s", c.name, got[c.name], c.tree.text)
		}
	}
	if m.AppID != w.handler.config.Accounts[0].AppID || m.App != "shop" {
		w.Errorf("account %s %s", m.App, m.AppID)
	}
}

func (v *vector) reply(t *testing.T) {
	key, err := parseAESKey(v.Input.AESKey)
	if err != nil {
		t.Fatal(err)
	}
	now, _ := strconv.ParseInt(v.Input.Timestamp, 10, 64)
	s := seal{v.Input.Token, key, v.Input.AppID, v.Input.Nonce}
	got := s.encrypt(v.Input.Plaintext, []byte(v.Input.Random), now)
	if got.Encrypt != v.Expected.Encrypt || got.MsgSignature != v.Expected.MsgSignature {
		t.Errorf("got %+v", got)
	}
	text, err := got.json()
	if err != nil || text != string(compact(t, v.Expected.JSONBody)) {
		t.Errorf("%s, want %s: %v", text, v.Expected.JSONBody, err)
	}
	if opened, err := key.decrypt(got.Encrypt, v.Input.AppID); err != nil || string(opened) != v.Input.Plaintext {
		t.Errorf("opened again: %s, %v", opened, err)
	}
}

func compact(t *testing.T, text json.RawMessage) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

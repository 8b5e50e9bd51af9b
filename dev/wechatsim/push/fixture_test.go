package push

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// start is noon in China.
var start = time.Unix(1714536000, 0)

const (
	appID     = "wx0000000000000001"
	other     = "wx0000000000000002"
	testToken = "push-token"
	testKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	ghID      = "gh_97417a04a28d"
	openID    = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
)

// developer is a developer's server without a socket: it gets what was pushed and answers.
type developer func(r *http.Request, query url.Values, body string) (status int, answer string, err error)

func (d developer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	status, answer, err := d(r, r.URL.Query(), string(body))
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"text/plain"}, "Location": {"/elsewhere"}},
		Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}

// says answers each push in the same way.
func says(status int, answer string) developer {
	return func(*http.Request, url.Values, string) (int, string, error) { return status, answer, nil }
}

func sender(t *testing.T, d developer, change ...func(*Config)) *Sender {
	t.Helper()
	cfg := Config{
		URL: "https://dev.example.com/verify", Token: testToken, EncodingAESKey: testKey, AppID: appID,
		HTTPClient: &http.Client{Transport: d}, Now: func() time.Time { return start },
	}
	for _, f := range change {
		f(&cfg)
	}
	p, err := New(cfg)
	must(t, err)
	return p
}

func secure(c *Config)     { c.Mode = Secure }
func compatible(c *Config) { c.Mode = Compatible }
func inJSON(c *Config)     { c.JSON = true }

func text(t *testing.T) Message {
	t.Helper()
	m, ok := SampleMessage("text", openID, ghID, start, 6272960105994287618)
	if !ok {
		t.Fatal("there is no sample of a text")
	}
	return m
}

func deliver(t *testing.T, p *Sender) Delivery {
	t.Helper()
	d, err := p.Deliver(t.Context(), text(t))
	must(t, err)
	return d
}

// bytesFrom hands out prepared random bytes: a nonce, and whatever is written in hex.
func bytesFrom(t *testing.T, nonce uint32, more ...string) io.Reader {
	t.Helper()
	all := fmt.Sprintf("%08x", nonce) + strings.Join(more, "")
	b, err := hex.DecodeString(all)
	must(t, err)
	return strings.NewReader(string(b))
}

// passive is a reply in XML, as a developer writes it.
func passive(more string) string {
	return "<xml><ToUserName>" + openID + "</ToUserName><FromUserName>" + ghID +
		"</FromUserName><CreateTime>1714112445</CreateTime>" + more + "</xml>"
}

const textReply = "<MsgType>text</MsgType><Content>hello</Content>"

// wrapped is what a developer's encrypted reply is made from.
type wrapped struct {
	token, key, appID, timestamp, nonce, plain string
	encrypt, signature                         *string // to be used instead of the right ones
}

func (w wrapped) values(t *testing.T) [4]string {
	t.Helper()
	key, err := decodeKey(w.key)
	must(t, err)
	encrypted, err := seal(key, []byte("aaaabbbbccccdddd"), []byte(w.plain), w.appID)
	must(t, err)
	if w.encrypt != nil {
		encrypted = *w.encrypt
	}
	signature := sign(w.token, w.timestamp, w.nonce, encrypted)
	if w.signature != nil {
		signature = *w.signature
	}
	return [4]string{encrypted, signature, w.timestamp, w.nonce}
}

func (w wrapped) xml(t *testing.T) string {
	t.Helper()
	v := w.values(t)
	return fmt.Sprintf("<xml><Encrypt><![CDATA[%s]]></Encrypt><MsgSignature><![CDATA[%s]]></MsgSignature><TimeStamp>%s</TimeStamp><Nonce><![CDATA[%s]]></Nonce></xml>", v[0], v[1], v[2], v[3])
}

func (w wrapped) json(t *testing.T) string {
	t.Helper()
	v := w.values(t)
	return fmt.Sprintf(`{"Encrypt":"%s","MsgSignature":"%s","TimeStamp":%s,"Nonce":"%s"}`, v[0], v[1], v[2], v[3])
}

func wrap(plain, nonce string) wrapped {
	return wrapped{token: testToken, key: testKey, appID: appID, timestamp: "1714112446", nonce: nonce, plain: plain}
}

// hangs is a developer who never answers.
func hangs(r *http.Request, _ url.Values, _ string) (int, string, error) {
	<-r.Context().Done()
	return 0, "", r.Context().Err()
}

var errReset = errors.New("connection reset by peer")

func expectVerdict(t *testing.T, d Delivery, want Verdict, reason string) {
	t.Helper()
	if d.Verdict != want || !strings.Contains(d.Reason, reason) {
		t.Errorf("%v: %s; want %v: %s", d.Verdict, d.Reason, want, reason)
	}
}

func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustContain(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

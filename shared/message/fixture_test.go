package message

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wait"
	"wechatfn/shared/web/logtest"
)

const (
	testAppID = "wxba5fad812f8e6fb9"
	testToken = "canarytoken"
	testKey   = "canaryabcdefghijklmnopqrstuvwxyz0123456789A"
	otherKey  = "canaryOTHERfghijklmnopqrstuvwxyz0123456789A"
)

// fixture is one handler on a real store, with everything that it may say or do
// recorded.
type fixture struct {
	testing.TB
	store   *storetest.Recorder
	sink    *recordingSink
	secrets secret.Push // read again when a push does not verify
	mu      sync.Mutex  // guards what follows
	cached  *Keyring
	reads   int
	now     func() time.Time
	log     logtest.Buffer
	handler *Handler
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	w := &fixture{TB: t, sink: &recordingSink{}, now: time.Now}
	w.secrets = secret.Push{Token: secret.New(testToken), AESKey: secret.New(testKey)}
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:", Now: func() time.Time { return w.now() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.store = &storetest.Recorder{Store: db}
	w.handler = w.newHandler(w.store, w.sink)
	t.Cleanup(func() { w.log.WantNoSecrets(t, testToken, testKey, otherKey, "canary") })
	return w
}

const testWindow = 10 * time.Minute

// newHandler is another process on the same table.
func (w *fixture) newHandler(s store.Store, sink Sink) *Handler {
	w.Helper()
	h, err := New(Config{
		Accounts: account.List{{Name: "shop", AppID: testAppID}, {Name: "second", AppID: "wx0000000000000000"}},
		Keys:     w.keys, Sink: sink, Store: s,
		Proofs: map[string]string{"abc123": "abc123"}, Window: testWindow,
		Now:    func() time.Time { return w.now() },
		Logger: w.log.Text(),
	})
	if err != nil {
		w.Fatal(err)
	}
	return h
}

func (w *fixture) keys(_ context.Context, account account.Account, fresh bool) (*Keyring, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cached == nil || fresh {
		w.reads++
		ring, err := NewKeyring(account.AppID, w.secrets)
		if err != nil {
			return nil, err
		}
		w.cached = ring
	}
	return w.cached, nil
}

// plain takes the AES key away.
func (w *fixture) plain() { w.secrets.AESKey, w.cached = secret.Secret{}, nil }

// key is how the tests seal what WeChat would.
func (w *fixture) key(encoded string) *aesKey {
	w.Helper()
	key, err := parseAESKey(encoded)
	if err != nil {
		w.Fatal(err)
	}
	return key
}

// sealed is a push in secure mode.
func (w *fixture) sealed(message string) *http.Request {
	return w.sealedWith(testToken, w.key(testKey).encrypt([]byte("0123456789abcdef"), message, testAppID))
}

func (w *fixture) sealedWith(token, encrypted string) *http.Request {
	return w.post(w.signed(token, encrypted), "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA["+encrypted+"]]></Encrypt></xml>")
}

// signed is WeChat's query: plain and, where encrypted is given, over it too.
func (w *fixture) signed(token, encrypted string) url.Values {
	timestamp, nonce := strconv.FormatInt(w.now().Unix(), 10), "1514711492"
	query := url.Values{"timestamp": {timestamp}, "nonce": {nonce}, "signature": {Sign(token, timestamp, nonce)}}
	if encrypted != "" {
		query.Set("encrypt_type", "aes")
		query.Set("msg_signature", Sign(token, timestamp, nonce, encrypted))
	}
	return query
}

func (w *fixture) post(query url.Values, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/verify?"+query.Encode(), strings.NewReader(body))
	return r.WithContext(w.Context())
}

func (w *fixture) get(query url.Values) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/verify?"+query.Encode(), nil)
}

func (w *fixture) serve(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

// want checks status and, for an error, the code.
func want(t testing.TB, name string, got *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	if body := got.Body.String(); got.Code != status || !strings.Contains(body, part) {
		t.Errorf("%s: %d %s, want %d and %s", name, got.Code, body, status, part)
	}
	if got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: headers %v", name, got.Header())
	}
}

const textMessage = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[openid]]></FromUserName>" +
	"<CreateTime>1714112445</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content><MsgId>6272960105994287618</MsgId></xml>"

// recordingSink records messages, and answers or fails as configured.
type recordingSink struct {
	mu    sync.Mutex
	taken []Message
	reply string
	fail  error
	wait  time.Duration
	calls int
}

func (l *recordingSink) Deliver(ctx context.Context, m *Message) ([]byte, error) {
	if l.wait > 0 {
		if err := wait.For(ctx, l.wait); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.fail != nil {
		return nil, l.fail
	}
	l.taken = append(l.taken, *m)
	return []byte(l.reply), nil
}

func (l *recordingSink) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.taken)
}

// only is the one message that was taken.
func (l *recordingSink) only(t testing.TB) Message {
	t.Helper()
	if len(l.taken) != 1 {
		t.Fatalf("%d messages were delivered", len(l.taken))
	}
	return l.taken[0]
}

package miniprogram

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/web/logtest"
	"wechatfn/shared/wechat"
)

const (
	testDevices = 10
	testDataAge = 10 * time.Minute

	miniID     = "wx0123456789abcdef"
	otherID    = "wxfedcba9876543210"
	testSecret = "canary-secret-0123456789abcdef00"
)

// fixture is a handler for two mini-programs of a simulated WeChat, and a real store.
type fixture struct {
	testing.TB
	sim      *wechatsim.Sim
	client   *wechat.Client
	store    *storetest.Recorder
	sessions *session.Sessions
	tokens   *tokens
	config   Config // of the handler, see configure
	handler  *Handler
	secret   secret.Secret
	fresh    int // reads of the AppSecret past the cache
	log      logtest.Buffer

	mu      sync.Mutex
	planted []string // what must be in no log, no refusal and no address
}

func newFixture(t testing.TB, change ...func(*wechatsim.Config)) *fixture {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	c := wechatsim.Config{Seed: t.Name(), Apps: []wechatsim.App{
		{ID: miniID, Secret: testSecret, Kind: wechatsim.MiniProgram, OpenPlatform: "example"},
		{ID: otherID, Secret: testSecret, Kind: wechatsim.MiniProgram},
	}}
	for _, with := range change {
		with(&c)
	}
	f := &fixture{TB: t, store: &storetest.Recorder{Store: db}, secret: secret.New(testSecret), planted: []string{testSecret}}
	if f.sim, err = wechatsim.New(c); err != nil {
		t.Fatal(err)
	}
	if f.client, err = wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: f.sim.Client()}); err != nil {
		t.Fatal(err)
	}
	if f.sessions, err = session.New(session.Config{Store: f.store, TTL: 72 * time.Hour, IdleTimeout: 72 * time.Hour, MaxDevices: testDevices}); err != nil {
		t.Fatal(err)
	}
	f.tokens = &tokens{fixture: f}
	f.config = Config{
		Accounts: account.List{{Name: "mini", AppID: miniID}, {Name: "other", AppID: otherID}}, WeChat: f.client, Tokens: f.tokens, Sessions: f.sessions,
		DataAge: testDataAge, RetryAfter: 2 * time.Second,
		Secrets: func(_ context.Context, _ account.Account, fresh bool) (secret.Secret, error) {
			if fresh {
				f.fresh++
			}
			if f.secret.IsZero() {
				return f.secret, errors.New("no AppSecret is stored")
			}
			return f.secret, nil
		},
		Logger: f.log.Text(),
	}
	f.configure(func(*Config) {})
	t.Cleanup(func() { f.search("the log", f.log.String()) })
	return f
}

// configure builds the handler again, with a changed configuration.
func (f *fixture) configure(change func(*Config)) {
	f.Helper()
	change(&f.config)
	handler, err := New(f.config)
	if err != nil {
		f.Fatal(err)
	}
	f.handler = handler
}

// bubble runs test with a fixture on a fake clock.
func bubble(t *testing.T, test func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newFixture(t)) })
}

// plant makes a secret of a text: no log, refusal or address may have it.
func (f *fixture) plant(secret string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planted = append(f.planted, secret)
	return secret
}

func (f *fixture) search(where, text string) {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, secret := range f.planted {
		if secret != "" && strings.Contains(text, secret) {
			f.Errorf("%s holds the secret %s:\n%s", where, secret, text)
		}
	}
}

// tokens gives out access tokens as credential.Reader does.
type tokens struct {
	fixture *fixture
	mu      sync.Mutex
	value   string
	another func(ctx context.Context) error // nil: the refresher is at work
	reports int
}

func (t *tokens) Token(ctx context.Context, appID string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value != "" {
		return t.value, nil
	}
	token, err := t.fixture.client.StableToken(ctx, appID, testSecret, false)
	t.value = t.fixture.plant(token.Value)
	return t.value, err
}

func (t *tokens) Replacement(ctx context.Context, appID, invalid string) (string, error) {
	t.mu.Lock()
	t.reports++
	if t.value == invalid {
		t.value = ""
	}
	another := t.another
	t.mu.Unlock()
	if another != nil {
		if err := another(ctx); err != nil {
			return "", err
		}
	}
	return t.Token(ctx, appID)
}

// wantCalls checks the calls of the table, and how often WeChat was asked, since the last
// check.
func (f *fixture) wantCalls(name, want string, asked int) {
	f.Helper()
	if got := f.store.Take().String(); got != want {
		f.Errorf("%s made the calls %q, want %q", name, got, want)
	}
	n := 0
	for _, path := range []string{wechatsim.PathCodeToSession, wechatsim.PathPhoneNumber, wechatsim.PathCheckSession, wechatsim.PathResetSession} {
		n += f.sim.Calls(path)
	}
	if n != asked {
		f.Errorf("%s asked WeChat %d times, want %d", name, n, asked)
	}
	f.sim.ResetCounts()
}

func (f *fixture) resetCalls() {
	f.store.Take()
	f.sim.ResetCounts()
}

// phone is a mini-program on somebody's phone.
type phone struct {
	*fixture
	user  string
	appID string
	token string
	more  map[string]any // that goes along with each login
}

func (f *fixture) phone(user string, more ...any) *phone {
	p := &phone{fixture: f, user: user, appID: miniID, more: map[string]any{}}
	for i := 0; i+1 < len(more); i += 2 {
		p.more[more[i].(string)] = more[i+1]
	}
	return p
}

func (p *phone) code() string {
	p.Helper()
	code, err := p.sim.MiniLogin(p.appID, p.user)
	if err != nil {
		p.Fatal(err)
	}
	return p.plant(code)
}

// data is what wx.getUserInfo gives.
func (p *phone) data(o wechatsim.MiniOptions) map[string]any {
	p.Helper()
	d, err := p.sim.MiniUserData(p.appID, p.user, o)
	if err != nil {
		p.Fatal(err)
	}
	return map[string]any{"rawData": d.RawData, "signature": d.Signature, "encryptedData": d.EncryptedData, "iv": d.IV}
}

func (p *phone) do(method, target string, body any) *httptest.ResponseRecorder {
	p.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			p.Fatal(err)
		}
		text = string(b)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(text)).WithContext(p.Context())
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	answer := httptest.NewRecorder()
	p.handler.ServeHTTP(answer, r)
	h := answer.Header()
	if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Set-Cookie") != "" || h.Get("Access-Control-Allow-Origin") != "" {
		p.Errorf("%s %s: headers %v", method, target, h)
	}
	said := fmt.Sprint(h, answer.Body)
	if answer.Code != http.StatusOK {
		p.search("a refusal", said)
	}
	if key, err := p.sim.SessionKey(p.appID, p.user); err == nil && strings.Contains(said, p.plant(key)) {
		p.Errorf("an answer holds session_key: %s", said)
	}
	return answer
}

// logIn posts a code, and the user's data if the user shares it. The data is made after
// wx.login, which can make another session_key.
func (p *phone) logIn(shares bool) *httptest.ResponseRecorder {
	p.Helper()
	body := map[string]any{"code": p.code()}
	maps.Copy(body, p.more)
	if shares {
		maps.Copy(body, p.data(wechatsim.MiniOptions{}))
	}
	return p.do("POST", "/miniprogram/login", body)
}

// mustLogIn logs in, and wants that to succeed.
func (p *phone) mustLogIn(shares bool) Grant {
	p.Helper()
	got := p.logIn(shares)
	var g Grant
	if err := json.Unmarshal(got.Body.Bytes(), &g); err != nil || got.Code != http.StatusOK || len(g.Token) != session.TokenLength {
		p.Fatalf("%d %s", got.Code, got.Body)
	}
	p.token = p.plant(g.Token)
	return g
}

func (p *phone) stored() session.User {
	p.Helper()
	u, err := p.sessions.User(p.Context(), p.appID, p.sim.OpenID(p.appID, p.user))
	if err != nil {
		p.Fatal(err)
	}
	return u
}

// sessionError is why the token of the phone opens no session; nil if it does.
func (p *phone) sessionError() error {
	_, err := p.sessions.Check(p.Context(), p.token)
	return err
}

func want(t testing.TB, name string, got *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), part) {
		t.Errorf("%s: %d %s, want %d and %s", name, got.Code, got.Body, status, part)
	}
}

func wantCode(t testing.TB, name string, got *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	want(t, name, got, status, `"code":"`+code+`"`)
}

func now() string { return strconv.FormatInt(time.Now().Unix(), 10) }

// sealWith encrypts as a client can that knows its session_key.
func sealWith(key, plain string) (text, iv string) {
	block, err := aes.NewCipher(bytesOf(key))
	if err != nil {
		panic(err)
	}
	out := pad(plain)
	cipher.NewCBCEncrypter(block, bytesOf(testIV)).CryptBlocks(out, out)
	return base64.StdEncoding.EncodeToString(out), testIV
}

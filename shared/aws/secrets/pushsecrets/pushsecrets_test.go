package pushsecrets

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/aws/secrets/secretstest"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/secret"
	"wechatfn/shared/store"
	"wechatfn/shared/web/logtest"
)

const aesKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO+/"

var (
	shop = account.Account{Name: "shop", AppID: "wx0000000000000001", Kind: account.OfficialAccount}
	mini = account.Account{Name: "mini", AppID: "wx0000000000000002", Kind: account.MiniProgram}
	site = account.Account{Name: "site", AppID: "wx0000000000000003", Kind: account.Website}
	news = account.Account{Name: "news", AppID: "wx0000000000000004", Kind: account.OfficialAccount}
)

func configured(arn string) *config.Config {
	return &config.Config{PushSecretsARN: arn, Accounts: account.List{shop, mini, site, news}, PushSecrets: secret.PushSecrets{
		shop.Name: {Token: secret.New("here")},
		mini.Name: {Token: secret.New("too"), AESKey: secret.New(aesKey)},
		site.Name: {Token: secret.New("nobody's")},
	}}
}

func source(t *testing.T, c *config.Config) message.KeySource {
	t.Helper()
	keys, err := Source(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// accepts reports whether the keyring verifies what is signed with token.
func accepts(t *testing.T, ring *message.Keyring, token string) bool {
	t.Helper()
	handler, err := message.New(message.Config{
		Accounts: account.List{shop},
		Keys:     func(context.Context, account.Account, bool) (*message.Keyring, error) { return ring, nil },
		Sink:     struct{ message.Sink }{},
		Store:    struct{ store.Store }{},
		Window:   10 * time.Minute,
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	query := url.Values{"signature": {message.Sign(token, now, "n")}, "timestamp": {now}, "nonce": {"n"}, "echostr": {"e"}}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/verify?"+query.Encode(), nil))
	return w.Code == http.StatusOK
}

func TestFromTheEnvironment(t *testing.T) {
	keys := source(t, configured(""))
	ring, err := keys(t.Context(), shop, false)
	if err != nil || !accepts(t, ring, "here") || accepts(t, ring, "too") || ring.Encrypted() {
		t.Fatal(err)
	}
	if again, err := keys(t.Context(), shop, true); err != nil || again != ring {
		t.Errorf("parsed again: %v", err)
	}
	if ring, err := keys(t.Context(), mini, false); err != nil || !accepts(t, ring, "too") || !ring.Encrypted() {
		t.Error(err)
	}
}

func TestFromTheManager(t *testing.T) {
	m := secretstest.Serve(t, `{"shop":{"token":"one","previousToken":"zero"},"`+mini.AppID+`":{"token":"mini's","encodingAESKey":"`+aesKey+`"}}`)
	keys := source(t, configured(secretstest.ARN))
	ring, err := keys(t.Context(), shop, false)
	if err != nil || !accepts(t, ring, "one") || !accepts(t, ring, "zero") || accepts(t, ring, "here") || ring.Encrypted() {
		t.Fatal(err)
	}
	if ring, err := keys(t.Context(), mini, false); err != nil || !accepts(t, ring, "mini's") || !ring.Encrypted() {
		t.Error(err)
	}
	if again, err := keys(t.Context(), shop, false); err != nil || again != ring || m.Calls() != 1 {
		t.Errorf("parsed again, or read again: %d calls, %v", m.Calls(), err)
	}
	m.Put(`{"shop":{"token":"two","previousToken":"one"}}`)
	for range 2 { // a stranger's pushes cause one read
		if ring, err := keys(t.Context(), shop, true); err != nil || !accepts(t, ring, "two") || m.Calls() != 2 {
			t.Errorf("fresh: %d calls, %v", m.Calls(), err)
		}
	}
}

func TestHowTheManagersAreKept(t *testing.T) {
	m := secretstest.Serve(t, `{"shop":{"token":"one"}}`)
	var log logtest.Buffer
	s := open(configured(secretstest.ARN), log.Text())
	now := time.Now()
	s.Now = func() time.Time { return now }
	for i, step := range []struct {
		after time.Duration
		fresh bool
		deny  bool
		calls int
		ok    bool
	}{
		{0, false, false, 1, true},
		{0, true, false, 2, true},
		{4 * time.Second, true, false, 2, true},
		{time.Second, true, false, 3, true},
		{301 * time.Second, false, true, 4, true},
		{30 * time.Second, true, true, 5, true},
		{54 * time.Minute, false, true, 6, true},
		{31 * time.Second, false, true, 7, false},
	} {
		now = now.Add(step.after)
		m.Deny(step.deny)
		rings, err := s.Get(t.Context(), step.fresh)
		if step.ok != (err == nil) || step.ok != (rings[shop.AppID] != nil) || m.Calls() != step.calls {
			t.Errorf("step %d: %d calls, %v", i, m.Calls(), err)
		}
	}
	if s.Timeout != 2*time.Second || strings.Count(log.String(), "level=ERROR") != 3 {
		t.Errorf("timeout %v, log:\n%s", s.Timeout, &log)
	}
}

func TestMissingSecretsNameTheAccount(t *testing.T) {
	secretstest.Serve(t, `{"shop":{"token":"canary"},"site":{"token":"canary"}}`)
	for _, arn := range []string{"", secretstest.ARN} {
		keys := source(t, configured(arn))
		for _, a := range []account.Account{site, news, {Name: "gone", AppID: "wx"}} {
			ring, err := keys(t.Context(), a, false)
			if ring != nil || !errors.Is(err, message.ErrNoSecrets) || !strings.Contains(err.Error(), strconv.Quote(a.Name)) {
				t.Errorf("%q: %v", arn, err)
			}
		}
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "read the push secrets: the secret has no text yet; put a JSON object",
		"canary":                             "read the push secrets: the text is not a JSON object",
		`{"shop":"canary"}`:                  `read the push secrets: account "shop": not an object`,
		`{"shop":{"token":"a canary"}}`:      `read the push secrets: account "shop": token is not`,
		`{"shop":{"token":"","x":"canary"}}`: `read the push secrets: account "shop": not an object`,
	} {
		secretstest.Serve(t, text)
		_, err := source(t, configured(secretstest.ARN))(t.Context(), shop, false)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
	c := configured("")
	c.PushSecrets[mini.Name] = secret.Push{Token: secret.New("too"), AESKey: secret.New("canary")}
	_, err := Source(c, nil)
	if err == nil || !strings.Contains(err.Error(), `account "mini"`) || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

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
	"wechatfn/shared/aws/secrets"
	"wechatfn/shared/aws/secrets/secretstest"
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

var accounts = account.List{shop, mini, site, news}

// environment holds the secrets of three accounts, of which one takes no pushes.
func environment() secret.PushSecrets {
	return secret.PushSecrets{
		shop.Name: {Token: secret.New("here")},
		mini.Name: {Token: secret.New("too"), AESKey: secret.New(aesKey)},
		site.Name: {Token: secret.New("nobody's")},
	}
}

func of(secrets secret.PushSecrets) Environment {
	return func(a account.Account) (secret.Push, bool) { return secrets.For(a.Name, a.AppID) }
}

func source(t *testing.T, arn string) message.KeySource {
	t.Helper()
	keys, err := Source(arn, accounts, of(environment()), nil)
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

func TestSecretsOfTheEnvironmentAreParsedOnce(t *testing.T) {
	keys := source(t, "")
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

func TestSecretsOfTheManagerAreParsedAndCached(t *testing.T) {
	m := secretstest.Serve(t, `{"shop":{"token":"one","previousToken":"zero"},"`+mini.AppID+`":{"token":"mini's","encodingAESKey":"`+aesKey+`"}}`)
	keys := source(t, secretstest.ARN)
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

// Each step is at a later time, and says how many reads there were until then.
func TestWhenSecretsAreReadAndReused(t *testing.T) {
	m := secretstest.Serve(t, `{"shop":{"token":"one"}}`)
	var log logtest.Buffer
	now := time.Now()
	c := managerConfig(secretstest.ARN, accounts, log.Text())
	c.Now = func() time.Time { return now }
	keys := fromManager(secrets.New(c))
	for _, step := range []struct {
		name  string
		after time.Duration
		fresh bool
		deny  bool
		calls int
		ok    bool
	}{
		{"the first read", 0, false, false, 1, true},
		{"fresh ones", 0, true, false, 2, true},
		{"fresh ones too soon", 4 * time.Second, true, false, 2, true},
		{"fresh ones 5 s later", time.Second, true, false, 3, true},
		{"the cache has expired and the read fails", 301 * time.Second, false, true, 4, true},
		{"fresh ones and the read fails", 30 * time.Second, true, true, 5, true},
		{"after nearly an hour", 54 * time.Minute, false, true, 6, true},
		{"after an hour", 31 * time.Second, false, true, 7, false},
	} {
		now = now.Add(step.after)
		m.Deny(step.deny)
		ring, err := keys(t.Context(), shop, step.fresh)
		if step.ok != (err == nil) || step.ok != (ring != nil) || m.Calls() != step.calls {
			t.Errorf("%s: %d calls, %v", step.name, m.Calls(), err)
		}
	}
	if c.Timeout != 2*time.Second || strings.Count(log.String(), "level=ERROR") != 3 {
		t.Errorf("timeout %v, log:\n%s", c.Timeout, &log)
	}
}

func TestMissingSecretsNameTheAccount(t *testing.T) {
	secretstest.Serve(t, `{"shop":{"token":"canary"},"site":{"token":"canary"}}`)
	for _, c := range []struct{ name, arn string }{{"in the environment", ""}, {"in the manager", secretstest.ARN}} {
		t.Run(c.name, func(t *testing.T) {
			keys := source(t, c.arn)
			for _, a := range []account.Account{site, news, {Name: "gone", AppID: "wx"}} {
				ring, err := keys(t.Context(), a, false)
				if ring != nil || !errors.Is(err, message.ErrNoSecrets) || !strings.Contains(err.Error(), strconv.Quote(a.Name)) {
					t.Error(err)
				}
			}
		})
	}
}

func TestErrorsDoNotQuoteTheSecrets(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no text", "", "read the push secrets: the secret has no text yet; put a JSON object"},
		{"no JSON", "canary", "read the push secrets: the text is not a JSON object"},
		{"a string for an account", `{"shop":"canary"}`, `read the push secrets: account "shop": not an object`},
		{"a token with a space", `{"shop":{"token":"a canary"}}`, `read the push secrets: account "shop": token is not`},
		{"an unknown field", `{"shop":{"token":"","x":"canary"}}`, `read the push secrets: account "shop": not an object`},
	} {
		t.Run(c.name, func(t *testing.T) {
			secretstest.Serve(t, c.text)
			_, err := source(t, secretstest.ARN)(t.Context(), shop, false)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: %v", c.text, err)
			}
		})
	}
	t.Run("an AES key of the environment", func(t *testing.T) {
		wrong := environment()
		wrong[mini.Name] = secret.Push{Token: secret.New("too"), AESKey: secret.New("canary")}
		_, err := Source("", accounts, of(wrong), nil)
		if err == nil || !strings.Contains(err.Error(), `account "mini"`) || strings.Contains(err.Error(), "canary") {
			t.Error(err)
		}
	})
}

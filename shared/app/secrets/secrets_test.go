package secrets

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/config"
	"wechatfn/shared/credential"
)

const arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:wechat"

// manager speaks as much of Secrets Manager's protocol as a client needs to read
// one secret.
type manager struct {
	text  string // the secret's; empty: it has none
	calls int
}

func (m *manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.calls++
	var in struct{ SecretId string }
	if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || json.NewDecoder(r.Body).Decode(&in) != nil || in.SecretId != arn {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	out := map[string]string{"ARN": arn}
	if m.text != "" {
		out["SecretString"] = m.text
	}
	_ = json.NewEncoder(w).Encode(out)
}

func start(t *testing.T, text string) (*manager, credential.Secrets) {
	t.Helper()
	m := &manager{text: text}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	return m, Find(&config.Config{SecretsARN: arn})
}

var account = credential.Account{Name: "shop", AppID: "wx0123456789abcdef"}

func TestKeptAndReadAgain(t *testing.T) {
	m, find := start(t, `{"shop":"one"}`)
	for range 3 {
		if secret, err := find(t.Context(), account, false); err != nil || secret.Reveal() != "one" {
			t.Fatalf("%v", err)
		}
	}
	if m.calls != 1 {
		t.Errorf("%d calls for three uses", m.calls)
	}
	m.text = `{"wx0123456789abcdef":"two"}`
	if secret, err := find(t.Context(), account, true); err != nil || secret.Reveal() != "two" {
		t.Errorf("fresh: %v", err)
	}
	if secret, err := find(t.Context(), account, false); err != nil || secret.Reveal() != "two" || m.calls != 2 {
		t.Errorf("after fresh: %v, %d calls", err, m.calls)
	}
}

func TestKeptForFiveMinutesAtMost(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	m := &managed{now: func() time.Time { return now }, kept: config.AppSecrets{}, until: now.Add(secretsLife)}
	now = now.Add(secretsLife)
	if m.cached() == nil {
		t.Error("forgotten before its time")
	}
	if now = now.Add(1); m.cached() != nil {
		t.Error("kept too long")
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "has no text yet",
		"canary":             "not a JSON object",
		`{"other":"canary"}`: `no AppSecret is stored for account "shop"`,
		`{"shop":""}`:        `no AppSecret is stored for account "shop"`,
	} {
		_, find := start(t, text)
		_, err := find(t.Context(), account, false)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFromTheEnvironment(t *testing.T) {
	find := Find(&config.Config{Apps: []config.App{{Name: "shop", Secret: config.NewSecret("here")}}})
	if secret, err := find(t.Context(), account, true); err != nil || secret.Reveal() != "here" {
		t.Error(err)
	}
}

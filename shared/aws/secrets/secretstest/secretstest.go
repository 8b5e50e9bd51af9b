// Package secretstest simulates the part of Secrets Manager that a client needs to read
// one secret.
package secretstest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// ARN is the ARN of the secret.
const ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:wechat"

// Canary is the access key of the tests: no log and no error may contain it.
const Canary = "canary-access-key"

// Manager is the simulated Secrets Manager.
type Manager struct {
	mu     sync.Mutex
	text   string
	denied bool
	calls  int
}

// Serve starts a Manager and sets the environment of the test, so that the SDK calls it.
// An empty text means a secret that has no text yet.
func Serve(t *testing.T, text string) *Manager {
	t.Helper()
	m := &Manager{text: text}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", Canary)
	return m
}

// Put changes the text of the secret.
func (m *Manager) Put(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text = text
}

// Deny refuses all calls from now on, or allows them again.
func (m *Manager) Deny(denied bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.denied = denied
}

// Calls returns the number of calls until now.
func (m *Manager) Calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// ServeHTTP implements http.Handler.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var in struct{ SecretId string }
	if m.denied || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || json.NewDecoder(r.Body).Decode(&in) != nil || in.SecretId != ARN {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"AccessDeniedException","Message":"not granted"}`))
		return
	}
	out := map[string]string{"ARN": ARN}
	if m.text != "" {
		out["SecretString"] = m.text
	}
	_ = json.NewEncoder(w).Encode(out)
}

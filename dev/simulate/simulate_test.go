package simulate

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wechatfn/shared/web/logtest"
	"wechatfn/shared/wechat"
)

// startSimulate runs `wechatfn simulate` with the example's account.
func startSimulate(t *testing.T) (url string, out *logtest.Buffer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	out = new(logtest.Buffer)
	c := Config{Addr: "127.0.0.1:0", Env: "../../env.json.example", Out: out, Ready: func(url string) { ready <- url }}
	go func() { ended <- Run(ctx, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case url = <-ready:
	case err := <-ended:
		ended <- err
		t.FailNow()
	}
	return url, out
}

func TestSimulatedWeChat(t *testing.T) {
	url, _ := startSimulate(t)
	client, err := wechat.New(wechat.Config{BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	token, err := client.Token(t.Context(), "wx520c15f417810387", "simulated", false)
	if err != nil || token.Value == "" {
		t.Fatal(err)
	}
	if ticket, err := client.Ticket(t.Context(), token.Value, wechat.TicketType("jsapi")); err != nil || ticket.Value == "" {
		t.Error(err)
	}
	if _, err := client.Token(t.Context(), "wx520c15f417810387", "another", false); err == nil {
		t.Error("a wrong AppSecret was accepted")
	}
}

func TestSimulatedBus(t *testing.T) {
	url, out := startSimulate(t)
	for _, c := range []struct {
		name, target, body string
		status             int
		shown              string
	}{
		{"event with a control character", "AWSEvents.PutEvents", `{"Entries":[{"DetailType":"text","Detail":"{\"Content\":\"hi\u001b[2J\"}"}]}`, http.StatusOK, "on the bus: text {\"Content\":\"hi\ufffd[2J\"}\n"},
		{"no events", "AWSEvents.PutEvents", `{"Entries":[]}`, http.StatusOK, ""},
		{"other call", "AWSEvents.ListRules", `{}`, http.StatusBadRequest, ""},
		{"no JSON", "AWSEvents.PutEvents", `no JSON`, http.StatusBadRequest, ""},
		{"large event", "AWSEvents.PutEvents", `{"Entries":[{"Detail":"` + strings.Repeat("a", maxPut) + `"}]}`, http.StatusBadRequest, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := out.String()
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/_bus", strings.NewReader(c.body))
			request.Header.Set("X-Amz-Target", c.target)
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			shown := strings.TrimPrefix(out.String(), before)
			if answer.StatusCode != c.status || (shown == "") != (c.shown == "") || !strings.HasSuffix(shown, c.shown) {
				t.Errorf("%.80s: %d, shown %q", c.body, answer.StatusCode, shown)
			}
		})
	}
}

func TestSimulateNamesWrongSettings(t *testing.T) {
	const canary = "5ec4e70000000000"
	for _, c := range []struct{ name, text, want string }{
		{"no file", "", "copy env.json.example to env.json"},
		{"list instead of an object", "[]", `is not {"Parameters"`},
		{"no AppSecret", `{"Parameters":{"TABLE_NAME":"t","WECHAT_APP_ID":"wx520c15f417810387"}}`, "WECHAT_APP_SECRET: is not set"},
		{"wrong AppID", `{"Parameters":{"TABLE_NAME":"t","WECHAT_APP_ID":"wx1","WECHAT_APP_SECRET":"` + canary + `"}}`, `"wx1" is not an AppID`},
		{"no table", `{"Parameters":{"WECHAT_APP_ID":"wx520c15f417810387","WECHAT_APP_SECRET":"` + canary + `"}}`, "TABLE_NAME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "env.json")
			if c.text != "" {
				if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := Run(t.Context(), Config{Addr: "127.0.0.1:0", Env: path, Out: io.Discard})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

package e2e_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/manifest"
)

// TestRecordedEvents invokes the functions with each file of events/, as `sam local
// invoke` would.
func TestRecordedEvents(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	fx.settings["WECHAT_TICKETS"] = "jsapi,wx_card"
	functions := map[string]*function{}
	for _, m := range manifest.Functions() {
		functions[m.Name] = fx.start(m.Name)
	}
	functions["refresher"].tick()
	files, err := filepath.Glob("../events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	status := map[string]int{
		"signature": http.StatusOK, "verify": http.StatusForbidden, // see TestRecordedPushes
		"oauth": http.StatusFound, "oauth-session": http.StatusUnauthorized, "oauth-mini-login": http.StatusBadRequest,
		"oauth-mini-decrypt": http.StatusUnauthorized, "oauth-mini-phone": http.StatusUnauthorized, "oauth-mini-session": http.StatusUnauthorized,
	}
	readme := string(read(t, "../events/README.md"))
	for _, file := range files {
		file = filepath.Base(file)
		event := strings.TrimSuffix(file, ".json")
		t.Run(event, func(t *testing.T) {
			if !strings.Contains(readme, "`"+file+"`") {
				t.Error("the file is not in the README")
			}
			name, _, _ := strings.Cut(event, "-")
			f := functions[name]
			if f == nil {
				t.Fatal("the event is for no function")
			}
			answer, err := f.invoke(recorded(t, event))
			switch want := cmp.Or(status[event], status[name]); {
			case event == "oauth-user" && err != nil && strings.Contains(err.Error(), "no such user"):
			case err != nil:
				t.Error(err)
			case event == "oauth-authorizer":
				if string(answer) != `{"isAuthorized":false}` {
					t.Errorf("answer %s", answer)
				}
			case want != 0 && f.decode(answer).status != want:
				t.Errorf("answer %s, want %d", answer, want)
			}
		})
	}
}

// hostileEvent is an event that no service of AWS sends.
type hostileEvent struct{ name, event string }

// A function answers each hostile event, and its process answers the next one.
func TestHostileEvents(t *testing.T) {
	const big = 5 << 20
	now := strconv.FormatInt(time.Now().Unix(), 10)
	anything := []hostileEvent{
		{"nothing", ""},
		{"null", "null"},
		{"a list", "[]"},
		{"a string", `"signature"`},
		{"cut short", `{"version":"2.0",`},
		{"not UTF-8", "{\"rawPath\":\"\xff\xfe\"}"},
		{"deep", strings.Repeat("[", 1<<20)},
		{"deep object", strings.Repeat(`{"requestContext":`, 1<<16)},
		{"wrong types", `{"version":2,"rawPath":{},"headers":[],"requestContext":"x","Records":{},"action":[]}`},
		{"too large", `{"action":"` + strings.Repeat("a", 7<<20) + `"}`},
	}
	for _, c := range []struct {
		function string
		events   []hostileEvent
	}{
		{"signature", []hostileEvent{
			{"bad base64", `{"version":"2.0","rawPath":"/signature","isBase64Encoded":true,"body":"%%%","requestContext":{"http":{"method":"GET"}}}`},
			{"odd method", `{"version":"2.0","rawPath":"/signature","requestContext":{"http":{"method":"GET / HTTP/1.1\r\n"}}}`},
			{"no path", `{"version":"2.0","requestContext":{"http":{"method":"GET"}}}`},
			{"a big URL", `{"version":"2.0","rawPath":"/signature","rawQueryString":"url=` + strings.Repeat("a", big) + `","requestContext":{"http":{"method":"GET"}}}`},
			{"many parameters", `{"version":"2.0","rawPath":"/signature","rawQueryString":"` + strings.Repeat("a&", big/2) + `","requestContext":{"http":{"method":"GET"}}}`},
			{"a refresh request", string(recorded(t, "refresher-refresh-request"))},
		}},
		{"verify", []hostileEvent{
			{"bad base64", `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `","isBase64Encoded":true,"body":"%%%","requestContext":{"http":{"method":"POST"}}}`},
			{"no body", `{"version":"2.0","rawPath":"/verify","requestContext":{"http":{"method":"POST"}}}`},
			{"odd method", `{"version":"2.0","rawPath":"/verify","requestContext":{"http":{"method":"PUT"}}}`},
			{"a big echostr", `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `&echostr=` + strings.Repeat("a", big) + `","requestContext":{"http":{"method":"GET"}}}`},
			{"many parameters", `{"version":"2.0","rawPath":"/verify","rawQueryString":"` + strings.Repeat("nonce&", big/6) + `","requestContext":{"http":{"method":"POST"}}}`},
			{"a big body", `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `","body":"` + strings.Repeat("<", big) + `","requestContext":{"http":{"method":"POST"}}}`},
			{"a deep body", `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `&msg_signature=0","body":"` + strings.Repeat("<a>", 20<<10) + `","requestContext":{"http":{"method":"POST"}}}`},
			{"a big account", `{"version":"2.0","rawPath":"/verify/` + strings.Repeat("a", big) + `","requestContext":{"http":{"method":"POST"}}}`},
			{"a big proof", `{"version":"2.0","rawPath":"/MP_verify_` + strings.Repeat("a", big) + `.txt","requestContext":{"http":{"method":"GET"}}}`},
			{"a big timestamp", `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + strings.Repeat("9", big) + `","requestContext":{"http":{"method":"POST"}}}`},
			{"a tick", string(recorded(t, "refresher"))},
		}},
		{"oauth", hostileLogins(big)},
		{"refresher", []hostileEvent{
			{"null records", `{"Records":[null,null]}`},
			{"empty records", `{"Records":[{},{"dynamodb":{}},{"dynamodb":{"Keys":{"pk":{"N":"1"}}}}]}`},
			{"a refresh request of an unknown account", `{"Records":[{"dynamodb":{"Keys":{"pk":{"S":"refresh_request#wx0000000000000000"}}}}]}`},
			{"a record of another kind", `{"Records":[{"dynamodb":{"Keys":{"pk":{"S":"token#` + appID + `"}}}}]}`},
			{"many records", `{"Records":[{}` + strings.Repeat(`,{}`, 1<<20) + `]}`},
			{"an HTTP request", string(recorded(t, "signature"))},
			{"a long app", `{"action":"force_refresh","app":"` + strings.Repeat("a", big) + `"}`},
			{"a huge AppID", `{"Records":[{"dynamodb":{"Keys":{"pk":{"S":"refresh_request#` + strings.Repeat("a", big) + `"}}}}]}`},
			{"a repeated field", `{"action":"status","action":"tick"}`},
		}},
	} {
		t.Run(c.function, func(t *testing.T) {
			f := newLoginFixture(t, runtimeAPI).start(c.function)
			for _, hostile := range slices.Concat(anything, c.events) {
				t.Run(hostile.name, func(t *testing.T) { f.wantSmallAnswer(t, hostile.event) })
			}
			if _, err := f.invoke(recorded(t, c.function)); err != nil {
				t.Error(err)
			}
			f.wantProcesses(1)
			for _, line := range f.Logs() {
				if len(line) > 4096 {
					t.Errorf("a log line of %d bytes: %.200s", len(line), line)
				}
			}
		})
	}
}

// wantSmallAnswer checks that a function refuses an event in few words.
func (f *function) wantSmallAnswer(t *testing.T, event string) {
	t.Helper()
	answer, err := f.invoke([]byte(event))
	if _, failed := errors.AsType[*lambdatest.FunctionError](err); err != nil && !failed {
		t.Error(err)
	}
	if size := len(answer) + errorSize(err); size > 4096 {
		t.Errorf("answered with %d bytes", size)
	}
	if f.manifest.Name == "refresher" {
		return // it answers with a report or an error
	}
	if err != nil || f.decode(answer).status < 400 || f.decode(answer).status == http.StatusInternalServerError {
		t.Errorf("%s, %v", answer, err)
	}
}

func errorSize(err error) int {
	if err == nil {
		return 0
	}
	return len(err.Error())
}

// A function that cannot start logs all that is wrong with its environment in one line,
// and quotes no secret. The line names each variable, so the manifest lists no variable
// that is not read.
func TestStartErrorNamesEachWrongVariable(t *testing.T) {
	const canary = "c4nary-in-the-configuration"
	for _, c := range []struct {
		name, function string
		settings       map[string]string
		names          []string // what the line names; nil: every variable but WECHAT_APPS
	}{
		{"signature, all", "signature", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_TICKETS": "all", "ALLOWED_ORIGINS": "*",
			"SIGNATURE_CACHE": "redis", "LOG_LEVEL": "loud",
		}, nil},
		{"refresher, all", "refresher", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_TICKETS": "all", "WECHAT_SECRETS_ARN": "",
			"WECHAT_TOKEN_MODE": "both", "WECHAT_API_BASE": "ftp://user:" + canary + "@wechat.invalid",
			"WECHAT_PROXY_URL": "ftp://user:" + canary + "@proxy.invalid", "LOG_LEVEL": "loud",
		}, nil},
		{"oauth, all", "oauth", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_SECRETS_ARN": "", "ALLOWED_ORIGINS": "*",
			"WECHAT_API_BASE": "ftp://user:" + canary + "@wechat.invalid", "WECHAT_OPEN_BASE": "ftp://user:" + canary + "@wechat.invalid",
			"WECHAT_PROXY_URL": "ftp://user:" + canary + "@proxy.invalid", "PUBLIC_URL": "https://api.invalid/oauth",
			"SESSION_TTL": "30", "SESSION_IDLE_TIMEOUT": "-1h", "SESSION_DEVICES": "0", "LOG_LEVEL": "loud",
			"MINIPROGRAM_SESSION_TTL": "72", "MINIPROGRAM_DATA_AGE": "5d",
		}, nil},
		{"too many devices", "oauth", map[string]string{"SESSION_DEVICES": "100000"}, []string{"SESSION_DEVICES"}},
		{"no account that logs users in", "oauth", map[string]string{"WECHAT_APP_ID": "", "WECHAT_APPS": `[]`}, []string{"WECHAT_APPS"}},
		{"no AppSecret", "oauth", map[string]string{"WECHAT_SECRETS_ARN": ""}, []string{"WECHAT_APP_SECRET", "WECHAT_SECRETS_ARN"}},
		// No REPLY_FUNCTION is wrong.
		{"verify, all", "verify", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_PUSH_SECRETS_ARN": "", "WECHAT_PUSH_WINDOW": "25h",
			"WECHAT_DOMAIN_PROOFS": "a/../b", "EVENT_BUS_NAME": "", "LOG_LEVEL": "loud",
		}, []string{"TABLE_NAME", "WECHAT_APP_ID", "WECHAT_PUSH_SECRETS_ARN", "WECHAT_PUSH_WINDOW", "WECHAT_DOMAIN_PROOFS", "EVENT_BUS_NAME", "LOG_LEVEL"}},
		{"no push secrets", "verify", map[string]string{"WECHAT_PUSH_SECRETS_ARN": ""}, []string{"WECHAT_TOKEN", "WECHAT_PUSH_SECRETS_ARN"}},
		{"no bus", "verify", map[string]string{"EVENT_BUS_NAME": ""}, []string{"EVENT_BUS_NAME"}},
		{"no account that takes pushes", "verify", map[string]string{
			"WECHAT_APP_ID": "", "WECHAT_APPS": `[{"name":"login","kind":"website","appId":"` + appID + `"}]`,
		}, []string{"no account"}},
		{"a token in the wrong place", "verify", map[string]string{
			"WECHAT_APP_ID": "", "WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"` + appID + `","token":"` + canary + `"}]`,
		}, []string{"WECHAT_APPS"}},
		{"nothing", "signature", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "", "ALLOWED_ORIGINS": "",
		}, []string{"TABLE_NAME", "WECHAT_APP_ID", "ALLOWED_ORIGINS"}},
		{"one and several accounts", "signature", map[string]string{"WECHAT_APPS": `[]`}, []string{"WECHAT_APPS", "WECHAT_APP_ID"}},
		{"an AppSecret in the wrong place", "refresher", map[string]string{
			"WECHAT_APP_ID": "", "WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"` + appID + `","secret":"` + canary + `"}]`,
		}, []string{"WECHAT_APPS"}},
		{"a proxy that cannot be parsed", "refresher", map[string]string{
			"WECHAT_PROXY_URL": "http://user:" + canary + "%zz@proxy.invalid",
		}, []string{"WECHAT_PROXY_URL"}},
		{"an API base that cannot be parsed", "refresher", map[string]string{
			"WECHAT_API_BASE": "http://user:" + canary + "@wechat.invalid",
		}, []string{"WECHAT_API_BASE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx := newFixture(t, runtimeAPI)
			fx.canaries.plant(canary)
			maps.Copy(fx.settings, c.settings)
			f := fx.start(c.function)
			if _, err := f.invoke(recorded(t, c.function)); !isExit(err) {
				t.Errorf("it started: %v", err)
			}
			f.Close()
			if c.names == nil {
				m, _ := manifest.Lookup(c.function)
				c.names = slices.DeleteFunc(m.Env, func(name string) bool { return name == "WECHAT_APPS" })
			}
			wantStartError(t, f.Logs(), c.names)
		})
	}
}

func isExit(err error) bool {
	_, ok := errors.AsType[*lambdatest.ExitError](err)
	return ok
}

func wantStartError(t *testing.T, logs, names []string) {
	t.Helper()
	if len(logs) != 1 {
		t.Fatalf("logs %q", logs)
	}
	var line struct{ Level, Msg, Error string }
	if err := json.Unmarshal([]byte(logs[0]), &line); err != nil || line.Level != "ERROR" || line.Msg != "cannot start" {
		t.Errorf("log %s: %v", logs[0], err)
	}
	for _, name := range names {
		if !strings.Contains(line.Error, name) {
			t.Errorf("%s is not named in %q", name, line.Error)
		}
	}
}

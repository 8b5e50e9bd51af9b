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

// TestRecordedEvents: each file of events/ does what it is there for, as `sam
// local invoke` would find.
func TestRecordedEvents(t *testing.T) {
	fx := newLoginFixture(t)
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
		if !strings.Contains(readme, "`"+file+"`") {
			t.Errorf("%s is not in the README", file)
		}
		event := strings.TrimSuffix(file, ".json")
		name, _, _ := strings.Cut(event, "-")
		f := functions[name]
		if f == nil {
			t.Errorf("%s is for no function", file)
			continue
		}
		answer, err := f.invoke(recorded(t, event))
		if event == "oauth-user" && err != nil && strings.Contains(err.Error(), "no such user") {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", event, err)
		} else if event == "oauth-authorizer" {
			if string(answer) != `{"isAuthorized":false}` {
				t.Errorf("%s: %s", event, answer)
			}
		} else if want := cmp.Or(status[event], status[name]); want != 0 && f.decode(answer).status != want {
			t.Errorf("%s: %s", event, answer)
		}
	}
}

// TestHostileEvents: whatever comes, the process that it came to answers, and
// answers the next one too.
func TestHostileEvents(t *testing.T) {
	const big = 5 << 20
	now := strconv.FormatInt(time.Now().Unix(), 10)
	anything := map[string]string{
		"nothing":     "",
		"null":        "null",
		"a list":      "[]",
		"a string":    `"signature"`,
		"cut short":   `{"version":"2.0",`,
		"not UTF-8":   "{\"rawPath\":\"\xff\xfe\"}",
		"deep":        strings.Repeat("[", 1<<20),
		"deep object": strings.Repeat(`{"requestContext":`, 1<<16),
		"wrong types": `{"version":2,"rawPath":{},"headers":[],"requestContext":"x","Records":{},"action":[]}`,
		"too large":   `{"action":"` + strings.Repeat("a", 7<<20) + `"}`,
	}
	for name, events := range map[string]map[string]string{
		"signature": {
			"bad base64":      `{"version":"2.0","rawPath":"/signature","isBase64Encoded":true,"body":"%%%","requestContext":{"http":{"method":"GET"}}}`,
			"odd method":      `{"version":"2.0","rawPath":"/signature","requestContext":{"http":{"method":"GET / HTTP/1.1\r\n"}}}`,
			"no path":         `{"version":"2.0","requestContext":{"http":{"method":"GET"}}}`,
			"a big URL":       `{"version":"2.0","rawPath":"/signature","rawQueryString":"url=` + strings.Repeat("a", big) + `","requestContext":{"http":{"method":"GET"}}}`,
			"many parameters": `{"version":"2.0","rawPath":"/signature","rawQueryString":"` + strings.Repeat("a&", big/2) + `","requestContext":{"http":{"method":"GET"}}}`,
			"a kick":          string(recorded(t, "refresher-refresh-request")),
		},
		"verify": {
			"bad base64":      `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `","isBase64Encoded":true,"body":"%%%","requestContext":{"http":{"method":"POST"}}}`,
			"no body":         `{"version":"2.0","rawPath":"/verify","requestContext":{"http":{"method":"POST"}}}`,
			"odd method":      `{"version":"2.0","rawPath":"/verify","requestContext":{"http":{"method":"PUT"}}}`,
			"a big echostr":   `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `&echostr=` + strings.Repeat("a", big) + `","requestContext":{"http":{"method":"GET"}}}`,
			"many parameters": `{"version":"2.0","rawPath":"/verify","rawQueryString":"` + strings.Repeat("nonce&", big/6) + `","requestContext":{"http":{"method":"POST"}}}`,
			"a big body":      `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `","body":"` + strings.Repeat("<", big) + `","requestContext":{"http":{"method":"POST"}}}`,
			"a deep body":     `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + now + `&msg_signature=0","body":"` + strings.Repeat("<a>", 20<<10) + `","requestContext":{"http":{"method":"POST"}}}`,
			"a big account":   `{"version":"2.0","rawPath":"/verify/` + strings.Repeat("a", big) + `","requestContext":{"http":{"method":"POST"}}}`,
			"a big proof":     `{"version":"2.0","rawPath":"/MP_verify_` + strings.Repeat("a", big) + `.txt","requestContext":{"http":{"method":"GET"}}}`,
			"a big timestamp": `{"version":"2.0","rawPath":"/verify","rawQueryString":"timestamp=` + strings.Repeat("9", big) + `","requestContext":{"http":{"method":"POST"}}}`,
			"a tick":          string(recorded(t, "refresher")),
		},
		"oauth": hostileLogins(big),
		"refresher": {
			"null records":     `{"Records":[null,null]}`,
			"empty records":    `{"Records":[{},{"dynamodb":{}},{"dynamodb":{"Keys":{"pk":{"N":"1"}}}}]}`,
			"a strange kick":   `{"Records":[{"dynamodb":{"Keys":{"pk":{"S":"refresh_request#wx0000000000000000"}}}}]}`,
			"not a kick":       `{"Records":[{"dynamodb":{"Keys":{"pk":{"S":"token#` + appID + `"}}}}]}`,
			"many records":     `{"Records":[{}` + strings.Repeat(`,{}`, 1<<20) + `]}`,
			"an HTTP request":  string(recorded(t, "signature")),
			"a long app":       `{"action":"force_refresh","app":"` + strings.Repeat("a", big) + `"}`,
			"a huge AppID":     `{"Records":[{"dynamodb":{"Keys":{"pk":{"S":"refresh_request#` + strings.Repeat("a", big) + `"}}}}]}`,
			"a repeated field": `{"action":"status","action":"tick"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newLoginFixture(t)
			f := fx.start(name)
			maps.Copy(events, anything)
			for what, event := range events {
				answer, err := f.invoke([]byte(event))
				if _, failed := errors.AsType[*lambdatest.FunctionError](err); err != nil && !failed {
					t.Errorf("%s: %v", what, err)
				}
				if size := len(answer) + errorSize(err); size > 4096 {
					t.Errorf("%s: answered with %d bytes", what, size)
				}
				if name != "refresher" && (err != nil || f.decode(answer).status < 400 || f.decode(answer).status == http.StatusInternalServerError) {
					t.Errorf("%s: %s, %v", what, answer, err)
				}
			}
			if _, err := f.invoke(recorded(t, name)); err != nil {
				t.Error(err)
			}
			if n := len(f.ColdStarts()); n != 1 {
				t.Errorf("%d processes were needed", n)
			}
			for _, line := range f.Logs() {
				if len(line) > 4096 {
					t.Errorf("a log line of %d bytes: %.200s", len(line), line)
				}
			}
		})
	}
}

func errorSize(err error) int {
	if err == nil {
		return 0
	}
	return len(err.Error())
}

// TestConfigurationErrors: a function that cannot start says everything that is
// wrong with its environment in one line, and quotes no secret. That each
// variable is named also proves that the manifest lists none that is not read.
func TestConfigurationErrors(t *testing.T) {
	const canary = "c4nary-in-the-configuration"
	for name, c := range map[string]struct {
		function string
		settings map[string]string
		names    []string // what the line names; nil: every variable but WECHAT_APPS
	}{
		"signature, all": {"signature", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_TICKETS": "all", "ALLOWED_ORIGINS": "*",
			"SIGNATURE_CACHE": "redis", "LOG_LEVEL": "loud",
		}, nil},
		"refresher, all": {"refresher", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_TICKETS": "all", "WECHAT_SECRETS_ARN": "",
			"WECHAT_TOKEN_MODE": "both", "WECHAT_API_BASE": "ftp://user:" + canary + "@wechat.invalid",
			"WECHAT_PROXY_URL": "ftp://user:" + canary + "@proxy.invalid", "LOG_LEVEL": "loud",
		}, nil},
		"oauth, all": {"oauth", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_SECRETS_ARN": "", "ALLOWED_ORIGINS": "*",
			"WECHAT_API_BASE": "ftp://user:" + canary + "@wechat.invalid", "WECHAT_OPEN_BASE": "ftp://user:" + canary + "@wechat.invalid",
			"WECHAT_PROXY_URL": "ftp://user:" + canary + "@proxy.invalid", "PUBLIC_URL": "https://api.invalid/oauth",
			"SESSION_TTL": "30", "SESSION_IDLE_TIMEOUT": "-1h", "SESSION_DEVICES": "0", "LOG_LEVEL": "loud",
			"MINIPROGRAM_SESSION_TTL": "72", "MINIPROGRAM_DATA_AGE": "5d",
		}, nil},
		"too many devices":              {"oauth", map[string]string{"SESSION_DEVICES": "100000"}, []string{"SESSION_DEVICES"}},
		"no account that logs users in": {"oauth", map[string]string{"WECHAT_APP_ID": "", "WECHAT_APPS": `[]`}, []string{"WECHAT_APPS"}},
		"no AppSecret":                  {"oauth", map[string]string{"WECHAT_SECRETS_ARN": ""}, []string{"WECHAT_APP_SECRET", "WECHAT_SECRETS_ARN"}},
		// Nothing can be wrong with a REPLY_FUNCTION.
		"verify, all": {"verify", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "gh_1", "WECHAT_PUSH_SECRETS_ARN": "", "WECHAT_PUSH_WINDOW": "25h",
			"WECHAT_DOMAIN_PROOFS": "a/../b", "EVENT_BUS_NAME": "", "LOG_LEVEL": "loud",
		}, []string{"TABLE_NAME", "WECHAT_APP_ID", "WECHAT_PUSH_SECRETS_ARN", "WECHAT_PUSH_WINDOW", "WECHAT_DOMAIN_PROOFS", "EVENT_BUS_NAME", "LOG_LEVEL"}},
		"no push secrets": {"verify", map[string]string{"WECHAT_PUSH_SECRETS_ARN": ""}, []string{"WECHAT_TOKEN", "WECHAT_PUSH_SECRETS_ARN"}},
		"no bus":          {"verify", map[string]string{"EVENT_BUS_NAME": ""}, []string{"EVENT_BUS_NAME"}},
		"no account that takes pushes": {"verify", map[string]string{
			"WECHAT_APP_ID": "", "WECHAT_APPS": `[{"name":"login","kind":"website","appId":"` + appID + `"}]`,
		}, []string{"no account"}},
		"a token in the wrong place": {"verify", map[string]string{
			"WECHAT_APP_ID": "", "WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"` + appID + `","token":"` + canary + `"}]`,
		}, []string{"WECHAT_APPS"}},
		"nothing": {"signature", map[string]string{
			"TABLE_NAME": "", "WECHAT_APP_ID": "", "ALLOWED_ORIGINS": "",
		}, []string{"TABLE_NAME", "WECHAT_APP_ID", "ALLOWED_ORIGINS"}},
		"one and several accounts": {"signature", map[string]string{"WECHAT_APPS": `[]`}, []string{"WECHAT_APPS", "WECHAT_APP_ID"}},
		"an AppSecret in the wrong place": {"refresher", map[string]string{
			"WECHAT_APP_ID": "", "WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"` + appID + `","secret":"` + canary + `"}]`,
		}, []string{"WECHAT_APPS"}},
		"a proxy that cannot be parsed": {"refresher", map[string]string{
			"WECHAT_PROXY_URL": "http://user:" + canary + "%zz@proxy.invalid",
		}, []string{"WECHAT_PROXY_URL"}},
		"an API base that cannot be parsed": {"refresher", map[string]string{
			"WECHAT_API_BASE": "http://user:" + canary + "@wechat.invalid",
		}, []string{"WECHAT_API_BASE"}},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
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

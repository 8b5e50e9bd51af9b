package page

import (
	"encoding/json"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"rsc.io/qr"
)

func TestPageInBothLanguages(t *testing.T) {
	const inEnglish, inChinese = "This page, signed", "本页签名"
	for _, c := range []struct{ name, path, accept, cookie, lang, says string }{
		{"default", "/", "", "", "en", inEnglish},
		{"browser in Chinese", "/", "zh-CN,zh;q=0.9,en;q=0.8", "", "zh-CN", inChinese},
		{"browser with weights", "/", "fr, en;q=0.3, zh;q=0.5", "", "zh-CN", inChinese},
		{"browser in another language", "/", "de", "", "en", inEnglish},
		{"cookie in English", "/", "zh", "wechatfn_lang=en", "en", inEnglish},
		{"cookie in Chinese", "/", "", "wechatfn_lang=zh", "zh-CN", inChinese},
		{"broken cookie", "/", "", "wechatfn_lang=xx", "en", inEnglish},
		{"query", "/?lang=zh", "en", "wechatfn_lang=en", "zh-CN", inChinese},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPage(t, func(f *fixture) {
				rec := f.ask(http.MethodGet, c.path, "", "Accept-Language", c.accept, "Cookie", c.cookie)
				if body := rec.Body.String(); rec.Code != 200 || !strings.Contains(body, `<html lang="`+c.lang+`">`) || !strings.Contains(body, c.says) {
					f.Error(rec.Code)
				}
				if rec.Header().Get("Set-Cookie") != "" {
					f.Error("a GET sets a cookie")
				}
			})
		})
	}
}

// The page has nothing inline that its policy would have to allow, and every file that
// it names exists.
func TestPageFollowsItsPolicy(t *testing.T) {
	withPage(t, func(f *fixture) {
		rec := f.ask(http.MethodGet, "/", "")
		policy := rec.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("policy %s", policy)
		}
		root, err := html.Parse(rec.Body)
		f.must(err)
		for node := range root.Descendants() {
			for _, a := range node.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s>", node.Data, a.Key)
				}
				if (a.Key == "src" || a.Key == "href") && strings.HasPrefix(a.Val, "/_dev/") {
					if file := f.ask(http.MethodGet, a.Val, ""); file.Code != 200 || file.Header().Get("X-Content-Type-Options") != "nosniff" {
						t.Errorf("%s: %d", a.Val, file.Code)
					}
				}
			}
			if node.Data == "style" || node.Data == "script" && node.FirstChild != nil && attribute(node, "type") != "application/json" {
				t.Errorf("an inline <%s>", node.Data)
			}
		}
	})
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Before its script has run, the page looks as afterwards, so that nothing moves.
func TestPageBeforeItsScript(t *testing.T) {
	for _, c := range []struct {
		name, cookie string
		shown        []string
	}{
		{"logged out", "", []string{`>Nobody is logged in.<`, `id="logins" class="actions">`, `id="logged-in" hidden>`}},
		{"logged in", "wechatfn-session=xy", []string{`>Asking who is logged in …<`, `id="logins" class="actions" hidden>`, `id="logged-in">`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPage(t, func(f *fixture) {
				body := f.ask(http.MethodGet, "/?from=x&y", "", "Cookie", c.cookie).Body.String()
				for _, part := range append(c.shown, `<dd>wx0000000000000001</dd>`, `<dd>`+origin+`/?from=x&amp;y</dd>`, strings.Repeat("·", 40), `<strong>A signed page</strong>`) {
					if !strings.Contains(body, part) {
						f.Errorf("there is no %s", part)
					}
				}
			})
		})
	}
}

func TestFilesThatAreNotServed(t *testing.T) {
	withPage(t, func(f *fixture) {
		for _, name := range []string{"page.html", "words.json", "none.js", "..", "%2e%2e%2fpage.go"} {
			if rec := f.ask(http.MethodGet, "/_dev/files/"+name, ""); rec.Code != 404 {
				t.Errorf("%s: %d", name, rec.Code)
			}
		}
	})
}

// No secret, token or ticket is on the page, in its data, or in its saved state.
func TestNothingSecretIsShown(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.post("/_dev/fault", `{"what":"secret"}`)
		f.passMinutes("150")
		f.post("/_dev/mini", `{"do":"login"}`)
		shown := f.ask(http.MethodGet, "/", "").Body.String() + f.ask(http.MethodGet, "/_dev/status", "").Body.String() +
			f.ask(http.MethodGet, "/_dev/state", "").Body.String() + string(f.saved)
		snapshot, err := f.sim.Snapshot()
		f.must(err)
		values := regexp.MustCompile(`"(?:value|key|sessionKey)":"([^"]{8,})"`).FindAllStringSubmatch(string(snapshot), -1)
		if len(values) < 4 {
			t.Fatalf("only %d values are known: %s", len(values), snapshot)
		}
		for _, value := range append(values, []string{"", secret}) {
			if strings.Contains(shown, value[1]) {
				t.Errorf("%s is shown", value[1])
			}
		}
	})
}

func TestRefusedRequests(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		headers          []string
		status           int
		code             string
	}{
		{"cross-site", "/_dev/fault", `{"what":"down"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "origin_refused"},
		{"same-site", "/_dev/fault", `{"what":"down"}`, []string{"Sec-Fetch-Site", "same-site"}, 403, "origin_refused"},
		{"other origin", "/_dev/fault", `{"what":"down"}`, []string{"Origin", "https://evil.example"}, 403, "origin_refused"},
		{"null origin", "/_dev/fault", `{"what":"down"}`, []string{"Origin", "null"}, 403, "origin_refused"},
		{"no JSON type", "/_dev/fault", `{"what":"down"}`, []string{"Content-Type", "text/plain"}, 415, "not_json"},
		{"other host", "/_dev/fault", `{"what":"down"}`, []string{"Host", "rebound.example"}, 421, "host_unknown"},
		{"form", "/_dev/fault", `what=down`, nil, 400, "body_malformed"},
		{"unknown fault", "/_dev/fault", `{"what":"everything"}`, nil, 400, "fault_unknown"},
		{"negative minutes", "/_dev/fault", `{"what":"down","minutes":-1}`, nil, 400, "minutes_invalid"},
		{"too many minutes", "/_dev/fault", `{"what":"down","minutes":99999}`, nil, 400, "minutes_invalid"},
		{"large body", "/_dev/fault", `{"what":"` + strings.Repeat("x", 5000) + `"}`, nil, 413, "body_too_large"},
		{"list instead of an object", "/_dev/clear", `[]`, nil, 400, "body_malformed"},
		{"clear a replaced token", "/_dev/clear", `{"what":"token"}`, nil, 400, "fault_unknown"},
		{"clock by 0", "/_dev/clock", `{"minutes":0}`, nil, 400, "minutes_invalid"},
		{"clock by 181", "/_dev/clock", `{"minutes":181}`, nil, 400, "minutes_invalid"},
		{"clock by a text", "/_dev/clock", `{"minutes":"1"}`, nil, 400, "body_malformed"},
		{"unknown sample", "/_dev/push", `{"sample":"virus"}`, nil, 400, "sample_unknown"},
		{"unknown action of a mini-program", "/_dev/mini", `{"do":"everything"}`, nil, 400, "mini_unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			withPage(t, func(f *fixture) {
				before := f.state()
				rec := f.ask(http.MethodPost, c.path, c.body, c.headers...)
				var problem struct{ Code string }
				if err := json.Unmarshal(rec.Body.Bytes(), &problem); err != nil || rec.Code != c.status || problem.Code != c.code {
					f.Errorf("%d %s", rec.Code, rec.Body)
				}
				f.expectUnchanged(before)
			})
		})
	}
}

func (f *fixture) expectUnchanged(before State) {
	f.Helper()
	if after := f.state(); after.Tone != before.Tone || len(after.Faults) != 0 || after.Ahead != "" || len(f.sent) != 0 {
		f.Errorf("something changed: %+v", after)
	}
}

// Every action is a POST of the page itself.
func TestActionsOfOtherSites(t *testing.T) {
	withPage(t, func(f *fixture) {
		before := f.state()
		for path := range f.actions() {
			if rec := f.ask(http.MethodGet, path, ""); rec.Code != 405 {
				t.Errorf("GET %s: %d", path, rec.Code)
			}
			if rec := f.ask(http.MethodPost, path, `{}`, "Sec-Fetch-Site", "cross-site"); rec.Code != 403 {
				t.Errorf("%s from another site: %d", path, rec.Code)
			}
		}
		f.expectUnchanged(before)
	})
}

func TestPushSamples(t *testing.T) {
	withPage(t, func(f *fixture) {
		want := []Sample{SampleText, SampleEvent, SampleDuplicate, SampleTampered}
		for _, sample := range want {
			if answer := f.post("/_dev/push", `{"sample":"`+string(sample)+`"}`); !strings.Contains(answer, `"report of `+string(sample)+`"`) {
				t.Errorf("%s", answer)
			}
		}
		if !slices.Equal(f.sent, want) {
			t.Errorf("sent %v", f.sent)
		}
	})
}

func TestMiniProgramActions(t *testing.T) {
	for _, c := range []struct{ do, want string }{{"login", `{"code":"`}, {"phone", `{"code":"`}, {"data", `"encryptedData":"`}, {"replace", `{"done":true}`}} {
		t.Run(c.do, func(t *testing.T) {
			withPage(t, func(f *fixture) {
				if answer := f.post("/_dev/mini", `{"do":"`+c.do+`"}`); !strings.Contains(answer, c.want) || strings.Contains(answer, "session") {
					f.Errorf("%s", answer)
				}
			})
		})
	}
}

// withRealWeChat runs a test with the page of a server without a simulator.
func withRealWeChat(t *testing.T, test func(*fixture)) {
	t.Helper()
	withPage(t, func(f *fixture) {
		f.cfg.Simulator, f.cfg.Push = nil, nil
		f.cfg.Settings.Accounts = f.cfg.Settings.Accounts[:1]
		test(f)
	})
}

// With the real WeChat the page offers no faults, and its policy allows WeChat's script.
func TestPageWithTheRealWeChat(t *testing.T) {
	withRealWeChat(t, func(f *fixture) {
		rec := f.ask(http.MethodGet, "/", "")
		body := rec.Body.String()
		if policy := rec.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' https://res.wx.qq.com https://res2.wx.qq.com;") {
			t.Errorf("policy %s", policy)
		}
		if strings.Contains(body, "data-fault") || strings.Contains(body, `id="mini"`) || !strings.Contains(body, "api.weixin.qq.com") {
			t.Error("the page offers what does not exist")
		}
	})
}

func TestActionsNeedTheSimulator(t *testing.T) {
	for _, c := range []struct{ path, body string }{
		{"/_dev/fault", `{"what":"down"}`}, {"/_dev/clear", `{}`}, {"/_dev/clock", `{"minutes":1}`}, {"/_dev/push", `{"sample":"text"}`}, {"/_dev/mini", `{"do":"login"}`},
	} {
		t.Run(c.path, func(t *testing.T) {
			withRealWeChat(t, func(f *fixture) {
				if rec := f.ask(http.MethodPost, c.path, c.body); rec.Code != 404 || !strings.Contains(rec.Body.String(), "no_simulator") {
					f.Errorf("%d %s", rec.Code, rec.Body)
				}
			})
		})
	}
}

// Every text exists in both languages with the same {name}s, and is used.
func TestTextsExistInBothLanguagesAndAreUsed(t *testing.T) {
	used := map[string]bool{}
	for _, pattern := range []string{"files/*.html", "files/*.js", "*.go"} {
		for _, text := range readFiles(t, pattern) {
			for _, match := range regexp.MustCompile(`"((?:[a-z]+)\.[a-z0-9.]+)"|call \.T "(\w+)"`).FindAllStringSubmatch(text, -1) {
				used[match[1]+match[2]] = true
			}
		}
	}
	parameter := regexp.MustCompile(`\{\w+\}`)
	for key, en := range dictionary[english] {
		zh := dictionary[chinese][key]
		a, b := parameter.FindAllString(en, -1), parameter.FindAllString(zh, -1)
		slices.Sort(a)
		slices.Sort(b)
		if en == "" || zh == "" || !slices.Equal(a, b) {
			t.Errorf("%s: %q, %q", key, en, zh)
		}
		family, _, _ := strings.Cut(key, ".")
		if !used[key] && !slices.Contains([]string{"caused", "period", "pushed", "state"}, family) { // the rest of the key is a variable
			t.Errorf("%s is not used", key)
		}
	}
	for key := range used {
		_, there := dictionary[english][key]
		if family, _, _ := strings.Cut(key, "."); !there && dictionary[english][family+".h"] != "" && !slices.Contains(extensions, path.Ext(key)) {
			t.Errorf("%s does not exist", key)
		}
	}
}

// extensions distinguish the names of files from the keys of texts.
var extensions = []string{".html", ".js", ".css", ".svg"}

func readFiles(t *testing.T, pattern string) (texts []string) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

func TestTerminalCode(t *testing.T) {
	const address = "http://192.0.2.7:8080/"
	code, err := qr.Encode(address, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(Terminal(address), "\n"), "\n")
	if len(lines) != (code.Size+5)/2 {
		t.Fatalf("%d lines for %d modules", len(lines), code.Size)
	}
	for i, line := range lines {
		row := []rune(strings.TrimSuffix(strings.TrimPrefix(line, "  \x1b[30;107m"), "\x1b[0m"))
		for x := range code.Size + 4 {
			up, down := strings.ContainsRune("█▀", row[x]), strings.ContainsRune("█▄", row[x])
			if up != code.Black(x-2, 2*i-2) || down != code.Black(x-2, 2*i-1) {
				t.Fatalf("line %d, column %d is %q", i, x, row[x])
			}
		}
	}
}

func TestPhoneCode(t *testing.T) {
	withPage(t, func(f *fixture) {
		if body := f.ask(http.MethodGet, "/", "").Body.String(); strings.Contains(body, `class="qr"`) || !strings.Contains(body, "--addr 0.0.0.0:8080") {
			t.Error("a code of an address that a phone does not reach")
		}
		f.cfg.Phone = "http://192.0.2.7:8080/"
		body := f.ask(http.MethodGet, "/", "").Body.String()
		code, _ := qr.Encode(f.cfg.Phone, qr.M)
		black := 0
		for x := range code.Size {
			for y := range code.Size {
				if code.Black(x, y) {
					black++
				}
			}
		}
		if strings.Count(body, "h1v1h-1z") != black || !strings.Contains(body, `aria-label="QR code of http://192.0.2.7:8080/"`) {
			t.Error("not the code of that address")
		}
	})
}

// Every route checks the host.
func TestEveryRouteChecksTheHost(t *testing.T) {
	withPage(t, func(f *fixture) {
		for _, path := range []string{"/", "/_dev/status", "/_dev/state", "/_dev/messages", "/_dev/files/page.js"} {
			if rec := f.ask(http.MethodGet, path, "", "Host", "rebound.example"); rec.Code != http.StatusMisdirectedRequest {
				t.Errorf("%s: %d", path, rec.Code)
			}
			if h := f.ask(http.MethodGet, path, "").Header(); h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("%s: %v", path, h)
			}
		}
	})
}

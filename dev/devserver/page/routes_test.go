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
	desk(t, func(w *world) {
		for _, c := range []struct{ path, accept, cookie, lang, says string }{
			{"/", "", "", "en", "This page, signed"},
			{"/", "zh-CN,zh;q=0.9,en;q=0.8", "", "zh-CN", "本页签名"},
			{"/", "fr, en;q=0.3, zh;q=0.5", "", "zh-CN", "本页签名"},
			{"/", "de", "", "en", "This page, signed"},
			{"/", "zh", "wechatfn_lang=en", "en", "This page, signed"},
			{"/", "", "wechatfn_lang=zh", "zh-CN", "本页签名"},
			{"/", "", "wechatfn_lang=xx", "en", "This page, signed"},
			{"/?lang=zh", "en", "wechatfn_lang=en", "zh-CN", "本页签名"},
		} {
			rec := w.ask(http.MethodGet, c.path, "", "Accept-Language", c.accept, "Cookie", c.cookie)
			if body := rec.Body.String(); rec.Code != 200 || !strings.Contains(body, `<html lang="`+c.lang+`">`) || !strings.Contains(body, c.says) {
				t.Errorf("%+v: %d", c, rec.Code)
			}
			if rec.Header().Get("Set-Cookie") != "" {
				t.Error("a GET sets a cookie")
			}
		}
	})
}

// Nothing on the page is inline that a policy would have to allow, and every file
// that it names is there.
func TestPageUnderItsPolicy(t *testing.T) {
	desk(t, func(w *world) {
		rec := w.ask(http.MethodGet, "/", "")
		policy := rec.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("policy %s", policy)
		}
		root, err := html.Parse(rec.Body)
		w.must(err)
		for node := range root.Descendants() {
			for _, a := range node.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s>", node.Data, a.Key)
				}
				if (a.Key == "src" || a.Key == "href") && strings.HasPrefix(a.Val, "/_dev/") {
					if file := w.ask(http.MethodGet, a.Val, ""); file.Code != 200 || file.Header().Get("X-Content-Type-Options") != "nosniff" {
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

// Before its script has run, the page looks as it will: nothing jumps.
func TestPageBeforeItsScript(t *testing.T) {
	desk(t, func(w *world) {
		for cookie, shown := range map[string][]string{
			"":                    {`>Nobody is logged in.<`, `id="logins" class="actions">`, `id="logged-in" hidden>`},
			"wechatfn-session=xy": {`>Asking who is logged in …<`, `id="logins" class="actions" hidden>`, `id="logged-in">`},
		} {
			body := w.ask(http.MethodGet, "/?from=x&y", "", "Cookie", cookie).Body.String()
			for _, part := range append(shown, `<dd>wx0000000000000001</dd>`, `<dd>`+origin+`/?from=x&amp;y</dd>`, strings.Repeat("·", 40), `<strong>A page that is signed</strong>`) {
				if !strings.Contains(body, part) {
					t.Errorf("with %q there is no %s", cookie, part)
				}
			}
		}
	})
}

func TestFilesThatAreNotServed(t *testing.T) {
	desk(t, func(w *world) {
		for _, name := range []string{"page.html", "words.json", "none.js", "..", "%2e%2e%2fpage.go"} {
			if rec := w.ask(http.MethodGet, "/_dev/files/"+name, ""); rec.Code != 404 {
				t.Errorf("%s: %d", name, rec.Code)
			}
		}
	})
}

// No secret, token or ticket is on the page, in its data, or in what is remembered.
func TestNothingSecretIsShown(t *testing.T) {
	desk(t, func(w *world) {
		w.does("/_dev/break", `{"what":"secret"}`)
		w.minutes("150")
		w.does("/_dev/mini", `{"do":"login"}`)
		shown := w.ask(http.MethodGet, "/", "").Body.String() + w.ask(http.MethodGet, "/_dev/status", "").Body.String() +
			w.ask(http.MethodGet, "/_dev/state", "").Body.String() + string(w.saved)
		snapshot, err := w.sim.Snapshot()
		w.must(err)
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
	desk(t, func(w *world) {
		before := w.now()
		for _, c := range []struct {
			path, body string
			headers    []string
			status     int
			code       string
		}{
			{"/_dev/break", `{"what":"down"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "origin_refused"},
			{"/_dev/break", `{"what":"down"}`, []string{"Sec-Fetch-Site", "same-site"}, 403, "origin_refused"},
			{"/_dev/break", `{"what":"down"}`, []string{"Origin", "https://evil.example"}, 403, "origin_refused"},
			{"/_dev/break", `{"what":"down"}`, []string{"Origin", "null"}, 403, "origin_refused"},
			{"/_dev/break", `{"what":"down"}`, []string{"Content-Type", "text/plain"}, 415, "not_json"},
			{"/_dev/break", `{"what":"down"}`, []string{"Host", "rebound.example"}, 421, "host_unknown"},
			{"/_dev/break", `what=down`, nil, 400, "body_malformed"},
			{"/_dev/break", `{"what":"everything"}`, nil, 400, "fault_unknown"},
			{"/_dev/break", `{"what":"down","minutes":-1}`, nil, 400, "minutes_invalid"},
			{"/_dev/break", `{"what":"down","minutes":99999}`, nil, 400, "minutes_invalid"},
			{"/_dev/break", `{"what":"` + strings.Repeat("x", 5000) + `"}`, nil, 413, "body_too_large"},
			{"/_dev/mend", `[]`, nil, 400, "body_malformed"},
			{"/_dev/mend", `{"what":"token"}`, nil, 400, "fault_unknown"},
			{"/_dev/clock", `{"minutes":0}`, nil, 400, "minutes_invalid"},
			{"/_dev/clock", `{"minutes":181}`, nil, 400, "minutes_invalid"},
			{"/_dev/clock", `{"minutes":"1"}`, nil, 400, "body_malformed"},
			{"/_dev/push", `{"sample":"virus"}`, nil, 400, "sample_unknown"},
			{"/_dev/mini", `{"do":"everything"}`, nil, 400, "mini_unknown"},
		} {
			rec := w.ask(http.MethodPost, c.path, c.body, c.headers...)
			var problem struct{ Code string }
			if err := json.Unmarshal(rec.Body.Bytes(), &problem); err != nil || rec.Code != c.status || problem.Code != c.code {
				t.Errorf("%s %.60s %v: %d %s", c.path, c.body, c.headers, rec.Code, rec.Body)
			}
		}
		for path := range w.actions() {
			if rec := w.ask(http.MethodGet, path, ""); rec.Code != 405 {
				t.Errorf("GET %s: %d", path, rec.Code)
			}
			if rec := w.ask(http.MethodPost, path, `{}`, "Sec-Fetch-Site", "cross-site"); rec.Code != 403 {
				t.Errorf("%s from another site: %d", path, rec.Code)
			}
		}
		if after := w.now(); after.Tone != before.Tone || len(after.Broken) != 0 || after.Ahead != "" || len(w.sent) != 0 {
			t.Errorf("something changed: %+v", after)
		}
	})
}

func TestPushSamples(t *testing.T) {
	desk(t, func(w *world) {
		want := []Sample{SampleText, SampleEvent, SampleDuplicate, SampleTampered}
		for _, sample := range want {
			if answer := w.does("/_dev/push", `{"sample":"`+string(sample)+`"}`); !strings.Contains(answer, `"report of `+string(sample)+`"`) {
				t.Errorf("%s", answer)
			}
		}
		if !slices.Equal(w.sent, want) {
			t.Errorf("sent %v", w.sent)
		}
	})
}

func TestMiniProgram(t *testing.T) {
	desk(t, func(w *world) {
		for do, want := range map[string]string{"login": `{"code":"`, "phone": `{"code":"`, "data": `"encryptedData":"`, "replace": `{"done":true}`} {
			if answer := w.does("/_dev/mini", `{"do":"`+do+`"}`); !strings.Contains(answer, want) || strings.Contains(answer, "session") {
				t.Errorf("%s: %s", do, answer)
			}
		}
	})
}

// With the real WeChat nothing can be broken, and the page may load its script.
func TestWithTheRealWeChat(t *testing.T) {
	desk(t, func(w *world) {
		w.Simulator, w.Push = nil, nil
		w.Settings.Accounts = w.Settings.Accounts[:1]
		rec := w.ask(http.MethodGet, "/", "")
		body := rec.Body.String()
		if policy := rec.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' https://res.wx.qq.com https://res2.wx.qq.com;") {
			t.Errorf("policy %s", policy)
		}
		if strings.Contains(body, "data-break") || strings.Contains(body, `id="mini"`) || !strings.Contains(body, "api.weixin.qq.com") {
			t.Error("the page offers what there is not")
		}
		for path, body := range map[string]string{"/_dev/break": `{"what":"down"}`, "/_dev/mend": `{}`, "/_dev/clock": `{"minutes":1}`, "/_dev/push": `{"sample":"text"}`, "/_dev/mini": `{"do":"login"}`} {
			if rec := w.ask(http.MethodPost, path, body); rec.Code != 404 || !strings.Contains(rec.Body.String(), "no_simulator") {
				t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
			}
		}
	})
}

// Every text is there in both languages with the same blanks, and every text is
// used.
func TestWords(t *testing.T) {
	used := map[string]bool{}
	for _, pattern := range []string{"files/*.html", "files/*.js", "*.go"} {
		for _, text := range filesLike(t, pattern) {
			for _, match := range regexp.MustCompile(`"((?:[a-z]+)\.[a-z0-9.]+)"|call \.T "(\w+)"`).FindAllStringSubmatch(text, -1) {
				used[match[1]+match[2]] = true
			}
		}
	}
	blank := regexp.MustCompile(`\{\w+\}`)
	for key, en := range dictionary[english] {
		zh := dictionary[chinese][key]
		a, b := blank.FindAllString(en, -1), blank.FindAllString(zh, -1)
		slices.Sort(a)
		slices.Sort(b)
		if en == "" || zh == "" || !slices.Equal(a, b) {
			t.Errorf("%s: %q, %q", key, en, zh)
		}
		family, _, _ := strings.Cut(key, ".")
		if !used[key] && !slices.Contains([]string{"band", "broke", "pushed", "state"}, family) { // made of a name
			t.Errorf("%s is not used", key)
		}
	}
	for key := range used {
		_, there := dictionary[english][key]
		if family, _, _ := strings.Cut(key, "."); !there && dictionary[english][family+".h"] != "" && !slices.Contains(extensions, path.Ext(key)) {
			t.Errorf("%s is not there", key)
		}
	}
}

// extensions tell a file's name from a text's.
var extensions = []string{".html", ".js", ".css", ".svg"}

func filesLike(t *testing.T, pattern string) (texts []string) {
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
	desk(t, func(w *world) {
		if body := w.ask(http.MethodGet, "/", "").Body.String(); strings.Contains(body, `class="qr"`) || !strings.Contains(body, "--addr 0.0.0.0:8080") {
			t.Error("a code of an address that no phone reaches")
		}
		w.Phone = "http://192.0.2.7:8080/"
		body := w.ask(http.MethodGet, "/", "").Body.String()
		code, _ := qr.Encode(w.Phone, qr.M)
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

// What is behind own and sameOrigin is all that there is.
func TestEveryRouteIsOurOwn(t *testing.T) {
	desk(t, func(w *world) {
		for _, path := range []string{"/", "/_dev/status", "/_dev/state", "/_dev/messages", "/_dev/files/page.js"} {
			if rec := w.ask(http.MethodGet, path, "", "Host", "rebound.example"); rec.Code != http.StatusMisdirectedRequest {
				t.Errorf("%s: %d", path, rec.Code)
			}
			if h := w.ask(http.MethodGet, path, "").Header(); h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("%s: %v", path, h)
			}
		}
	})
}

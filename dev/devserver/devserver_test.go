package devserver

import (
	"context"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store/dynamo/dynamotest"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/web/logtest"
)

// startDev runs a dev server and returns its URL, its output, and a function that
// stops it as Ctrl-C does.
func startDev(t *testing.T, store string, env map[string]string) (pageURL string, out *logtest.Buffer, stop func()) {
	t.Helper()
	return start(t, Config{Store: store}, env)
}

func start(t *testing.T, c Config, env map[string]string) (pageURL string, out *logtest.Buffer, stop func()) {
	t.Helper()
	c.Addr, c.Getenv = "127.0.0.1:0", func(name string) string { return env[name] }
	s, out, stop := startServer(t, c)
	return s.URL(), out, stop
}

func startServer(t *testing.T, c Config) (s *Server, out *logtest.Buffer, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	out = new(logtest.Buffer)
	c.Out, c.Ready = out, func(string) { close(ready) }
	s, err := New(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	go func() { ended <- s.Run(ctx) }()
	<-ready
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("dev ended with %v", err)
		}
		if !strings.HasSuffix(out.String(), "stopped\n") {
			t.Errorf("the end was not printed in %q", out)
		}
	})
	t.Cleanup(stop)
	return s, out, stop
}

func noEnv(string) string { return "" }

func fetch(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

type signature struct {
	AppID, NonceStr, Signature, URL string
	Timestamp                       int64
}

func signPage(t *testing.T, base, page string) signature {
	t.Helper()
	status, _, body := fetch(t, base+"signature?url="+url.QueryEscape(page))
	var s signature
	if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return s
}

// storedTicket reads the ticket from the store, without our code and its cache.
func storedTicket(t *testing.T, path, appID string) string {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	item, err := db.Get(t.Context(), "ticket#"+appID+"#jsapi")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Ticket string }
	if err := json.Unmarshal(item.Value, &v); err != nil {
		t.Fatal(err)
	}
	return v.Ticket
}

var curlLine = regexp.MustCompile(`(?m)^  curl -G (\S+) --data-urlencode 'url=(\S+)'$`)

func TestDevSigns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "dev.db")
	base, out, _ := startDev(t, path, nil)
	printed := curlLine.FindStringSubmatch(out.String())
	if printed == nil || printed[1] != base+"signature" {
		t.Fatalf("no curl line in\n%s", out)
	}
	s := signPage(t, base, printed[2])
	text := fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", storedTicket(t, path, s.AppID), s.NonceStr, s.Timestamp, printed[2])
	if got := fmt.Sprintf("%x", sha1.Sum([]byte(text))); got != s.Signature {
		t.Errorf("signature %s, recomputed %s", s.Signature, got)
	}
	for _, want := range []string{"a simulated WeChat", "default access token   valid until", "default jsapi ticket   valid until", "default wx_card ticket valid until"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q was not printed:\n%s", want, out)
		}
	}
}

// preVerify asks the simulated WeChat for the result of wx.config.
func preVerify(t *testing.T, base string, s signature, page string) string {
	t.Helper()
	query := url.Values{"appid": {s.AppID}, "noncestr": {s.NonceStr}, "signature": {s.Signature}, "timestamp": {fmt.Sprint(s.Timestamp)}, "url": {page}}
	_, _, body := fetch(t, strings.TrimSuffix(base, "/")+wechatsim.PathPreVerify+"?"+query.Encode())
	return body
}

func TestSimulatedWeChatAcceptsTheSignature(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", nil)
	s := signPage(t, base, base)
	if body := preVerify(t, base, s, base); !strings.Contains(body, `"config:ok"`) {
		t.Errorf("refused: %s", body)
	}
	if body := preVerify(t, base, s, base+"other"); !strings.Contains(body, "invalid signature") {
		t.Errorf("accepted for another page: %s", body)
	}
}

func TestDevServesItsPage(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", nil)
	status, header, body := fetch(t, base)
	if status != 200 || !strings.Contains(body, `id="signature"`) || header.Get("Content-Security-Policy") == "" {
		t.Errorf("%d %v", status, header)
	}
	if status, _, body := fetch(t, base+"_dev/status"); status != 200 || !strings.Contains(body, `"secondsLeft"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body := fetch(t, base+"nothing"); status != 404 || !strings.Contains(body, `"not_found"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestDevRefusesOtherHosts(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", nil)
	for _, path := range []string{"", "_dev/status", "_dev/state", "_dev/files/page.js", "_dev/messages"} {
		t.Run("/"+path, func(t *testing.T) {
			request, _ := http.NewRequest(http.MethodGet, base+path, nil)
			request.Host = "rebound.example"
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusMisdirectedRequest {
				t.Errorf("/%s: %d", path, answer.StatusCode)
			}
		})
	}
}

func TestDevServesEveryRouteOfTheManifest(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", map[string]string{"WECHAT_DOMAIN_PROOFS": "abc"})
	values := strings.NewReplacer("{app}", "default", "{code}", "abc")
	for _, f := range manifest.Functions() {
		for _, route := range f.Routes {
			request, _ := http.NewRequest(route.Method, strings.TrimSuffix(base, "/")+values.Replace(route.Path), nil)
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode == 404 || answer.StatusCode == 405 || answer.StatusCode >= 500 {
				t.Errorf("%s %s: %d", route.Method, route.Path, answer.StatusCode)
			}
		}
	}
}

// Routes that are not in the manifest are refused, by method and by path.
func TestDevServesNoOtherRoute(t *testing.T) {
	base, _, _ := startDev(t, ":memory:", nil)
	values := strings.NewReplacer("{app}", "default", "{code}", "abc")
	listed := map[string]bool{}
	for _, f := range manifest.Functions() {
		for _, r := range f.Routes {
			listed[r.Method+" "+values.Replace(r.Path)] = true
		}
	}
	for _, f := range manifest.Functions() {
		for _, r := range f.Routes {
			path := values.Replace(r.Path)
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
				for _, one := range []struct {
					path string
					want int
				}{{path, http.StatusMethodNotAllowed}, {path + "/no/such/thing", http.StatusNotFound}} {
					request, _ := http.NewRequest(method, strings.TrimSuffix(base, "/")+one.path, nil)
					answer, err := http.DefaultClient.Do(request)
					if err != nil {
						t.Fatal(err)
					}
					answer.Body.Close()
					if !listed[method+" "+one.path] && answer.StatusCode != one.want {
						t.Errorf("%s %s: %d", method, one.path, answer.StatusCode)
					}
				}
			}
		}
	}
}

func TestDevStateSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dev.db")
	base, _, stop := startDev(t, path, nil)
	appID := signPage(t, base, base).AppID
	before := storedTicket(t, path, appID)
	stop()
	base, _, _ = startDev(t, path, nil)
	s := signPage(t, base, base)
	if after := storedTicket(t, path, appID); after != before {
		t.Error("the ticket was not restored")
	}
	if body := preVerify(t, base, s, base); !strings.Contains(body, `"config:ok"`) {
		t.Errorf("WeChat does not know its ticket: %s", body)
	}
}

func TestDevOnDynamoDB(t *testing.T) {
	engine := dynamotest.Start(t)
	t.Chdir(t.TempDir()) // for the simulator's file
	base, _, _ := startDev(t, engine.Endpoint, nil)
	if s := signPage(t, base, base); s.URL != base {
		t.Errorf("%+v", s)
	}
}

func TestDevNamesWrongVariables(t *testing.T) {
	_, err := New(t.Context(), Config{Addr: "127.0.0.1:0", Store: ":memory:", Out: io.Discard, Getenv: func(name string) string {
		return map[string]string{"WECHAT_APP_ID": "wrong", "ALLOWED_ORIGINS": "*"}[name]
	}})
	if err == nil || !strings.Contains(err.Error(), "WECHAT_APP_ID") || !strings.Contains(err.Error(), "WECHAT_APP_SECRET") || !strings.Contains(err.Error(), "ALLOWED_ORIGINS") {
		t.Errorf("got %v", err)
	}
}

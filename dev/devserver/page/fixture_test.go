package page

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/app"
	"wechatfn/shared/config"
	"wechatfn/shared/refresher"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

const (
	origin = "http://dev.example"
	secret = "canary-app-secret"
)

// fixture is a page with all that it needs. Its clock moves only when a test moves it.
type fixture struct {
	*testing.T
	*Page
	sim     *wechatsim.Sim
	handler http.Handler
	saved   []byte
	sent    []Sample
	shown   atomic.Int64 // results of ticks and refresh requests
}

// withPage runs a test with a page whose loop runs.
func withPage(t *testing.T, test func(*fixture)) { t.Helper(); withSavedPage(t, nil, test) }

// withSavedPage is withPage with a saved state.
func withSavedPage(t *testing.T, saved []byte, test func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f.build(saved)
		f.Tick(ctx)
		go f.Page.Run(ctx)
		test(f)
	})
}

func (f *fixture) build(saved []byte) {
	f.Helper()
	c := settings(f.T)
	clock := new(Clock)
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:", Now: clock.Now})
	f.must(err)
	f.Cleanup(func() { db.Close() })
	var apps []wechatsim.App
	for _, a := range c.Accounts {
		apps = append(apps, wechatsim.App{ID: a.AppID, Secret: c.AppSecrets.For(a.Name, a.AppID).Reveal(), Kind: string(a.Kind)})
	}
	f.sim, err = wechatsim.New(wechatsim.Config{Apps: apps, Now: clock.Now, Seed: "page", Switches: wechatsim.Switches{TicketLead: 300e9, TicketOverlap: 300e9}})
	f.must(err)
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: f.sim.Client()})
	f.must(err)
	discard := slog.New(slog.DiscardHandler)
	deps := app.Deps{Store: db, WeChat: client, Secrets: c.Secret, Now: clock.Now, Logger: discard}
	r, err := app.Refresher(c, deps)
	f.must(err)
	f.Page, err = New(Config{
		Settings: c, Clock: clock, Refresher: r, Simulator: f.sim, PageURL: origin + "/",
		Messages: http.NotFoundHandler(), Logger: discard, Saved: saved,
		Show: func(refresher.Report, error) { f.shown.Add(1) },
		Save: func(state []byte) error { f.saved = state; return nil },
		Push: func(_ context.Context, s Sample) (string, error) {
			f.sent = append(f.sent, s)
			return "report of " + string(s), nil
		},
	})
	f.must(err)
	deps.OnRefreshRequest = f.RequestRefresh
	signature, err := app.Signature(c, deps)
	f.must(err)
	f.SignWith(signature)
	mux := new(web.Mux)
	mux.Handle("GET /signature", f.RecordRefusals(signature))
	f.Routes(mux)
	f.handler = mux
}

func settings(t *testing.T) *config.Config {
	t.Helper()
	env := map[string]string{
		"WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"wx0000000000000001"},
			{"name":"site","kind":"website","appId":"wx0000000000000002"},{"name":"mini","kind":"mini_program","appId":"wx0000000000000003"}]`,
		"WECHAT_APP_SECRETS": `{"shop":"` + secret + `","site":"` + secret + `","mini":"` + secret + `"}`,
		"ALLOWED_ORIGINS":    origin,
	}
	c, err := config.Load(func(name string) string { return env[name] }, app.SignatureNeeds|app.RefresherNeeds)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// ask makes a request as the page's script does.
func (f *fixture) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(f.Context(), method, origin+path, in)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	rec := httptest.NewRecorder()
	f.handler.ServeHTTP(rec, r)
	return rec
}

// post makes a request that changes something, and expects success.
func (f *fixture) post(path, body string) string {
	f.Helper()
	rec := f.ask(http.MethodPost, path, body)
	if rec.Code != http.StatusOK {
		f.Fatalf("%s %s: %d %s", path, body, rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func (f *fixture) passMinutes(n string) { f.Helper(); f.post("/_dev/clock", `{"minutes":`+n+`}`) }

// state is the state of the page, in English.
func (f *fixture) state() (s State) {
	f.Helper()
	rec := f.ask(http.MethodGet, "/_dev/state?lang=en&width=600", "")
	if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil || rec.Code != http.StatusOK {
		f.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return s
}

// expectState expects a tone and a part of the line.
func (f *fixture) expectState(tone, line string) {
	f.Helper()
	if s := f.state(); s.Tone != tone || !strings.Contains(s.Line, line) {
		f.Errorf("%s: %s, want %s: %s", s.Tone, s.Line, tone, line)
	}
}

func (f *fixture) signStatus() int {
	return f.ask(http.MethodGet, "/signature?url="+origin+"/", "").Code
}

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
	origin = "http://desk.example"
	secret = "canary-app-secret"
)

// world is a desk with everything behind it, on a clock that stands still unless
// somebody moves it.
type world struct {
	*testing.T
	*Page
	sim     *wechatsim.Sim
	handler http.Handler
	saved   []byte
	sent    []Sample
	shown   atomic.Int64 // ticks and kicks
}

// desk runs f on a desk whose loop runs.
func desk(t *testing.T, f func(*world)) { t.Helper(); deskThat(t, nil, f) }

// deskThat is desk with something remembered.
func deskThat(t *testing.T, memory []byte, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.build(memory)
		w.Tick(ctx)
		go w.Page.Run(ctx)
		f(w)
	})
}

func (w *world) build(memory []byte) {
	w.Helper()
	c := settings(w.T)
	clock := new(Clock)
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:", Now: clock.Now})
	w.must(err)
	w.Cleanup(func() { db.Close() })
	var apps []wechatsim.App
	for _, a := range c.Accounts {
		apps = append(apps, wechatsim.App{ID: a.AppID, Secret: c.AppSecrets.For(a.Name, a.AppID).Reveal(), Kind: string(a.Kind)})
	}
	w.sim, err = wechatsim.New(wechatsim.Config{Apps: apps, Now: clock.Now, Seed: "demo", Switches: wechatsim.Switches{TicketLead: 300e9, TicketOverlap: 300e9}})
	w.must(err)
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: w.sim.Client()})
	w.must(err)
	discard := slog.New(slog.DiscardHandler)
	deps := app.Deps{Store: db, WeChat: client, Secrets: c.Secret, Now: clock.Now, Logger: discard}
	r, err := app.Refresher(c, deps)
	w.must(err)
	w.Page, err = New(Config{
		Settings: c, Clock: clock, Refresher: r, Simulator: w.sim, PageURL: origin + "/",
		Messages: http.NotFoundHandler(), Logger: discard, Memory: memory,
		Show: func(refresher.Report, error) { w.shown.Add(1) },
		Save: func(memory []byte) error { w.saved = memory; return nil },
		Push: func(_ context.Context, s Sample) (string, error) {
			w.sent = append(w.sent, s)
			return "report of " + string(s), nil
		},
	})
	w.must(err)
	deps.OnRefreshRequest = w.Kick
	signature, err := app.Signature(c, deps)
	w.must(err)
	w.Visit(signature)
	mux := new(web.Mux)
	mux.Handle("GET /signature", w.Watch(signature))
	w.Routes(mux)
	w.handler = mux
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

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// ask makes a request as the page's own script does.
func (w *world) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(w.Context(), method, origin+path, in)
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
	w.handler.ServeHTTP(rec, r)
	return rec
}

// does makes a request that changes something, and wants it done.
func (w *world) does(path, body string) string {
	w.Helper()
	rec := w.ask(http.MethodPost, path, body)
	if rec.Code != http.StatusOK {
		w.Fatalf("%s %s: %d %s", path, body, rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func (w *world) minutes(n string) { w.Helper(); w.does("/_dev/clock", `{"minutes":`+n+`}`) }

// now is how everything stands, in English.
func (w *world) now() (s State) {
	w.Helper()
	rec := w.ask(http.MethodGet, "/_dev/state?lang=en&width=600", "")
	if err := json.Unmarshal(rec.Body.Bytes(), &s); err != nil || rec.Code != http.StatusOK {
		w.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return s
}

// stands wants a tone and a part of the line.
func (w *world) stands(tone, line string) {
	w.Helper()
	if s := w.now(); s.Tone != tone || !strings.Contains(s.Line, line) {
		w.Errorf("%s: %s, want %s: %s", s.Tone, s.Line, tone, line)
	}
}

func (w *world) signs() int { return w.ask(http.MethodGet, "/signature?url="+origin+"/", "").Code }

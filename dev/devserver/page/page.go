// Package page is the page of `wechatfn dev` and what it needs: the clock of the whole
// server, the schedule, the faults that a visitor can cause, and the history of token
// and tickets.
package page

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/refresher"
)

// Config makes a Page. Settings, Clock and Refresher are required.
type Config struct {
	Settings  *config.Config
	Clock     *Clock
	Refresher *refresher.Refresher
	Simulator *wechatsim.Sim // nil with the real WeChat

	// PageURL is the page's own address. Phone is the address that a phone reaches;
	// empty if the server listens on this machine alone.
	PageURL, Phone string
	// Messages streams the pushes that arrive.
	Messages http.Handler
	// Push sends a sample as `wechatfn trigger` does, and returns the output.
	Push func(ctx context.Context, s Sample) (report string, err error)

	// Saved is the last state that was passed to Save; nil for none. Save may be nil.
	Saved []byte
	Save  func([]byte) error
	// Show gets the result of each tick and of each refresh request; it may be nil.
	Show func(refresher.Report, error)

	Logger *slog.Logger
}

// Page runs the refresher as schedule and stream do in the cloud, and serves the
// page. It is safe for concurrent use.
type Page struct {
	cfg             Config
	refreshRequests chan string
	jobs            chan job
	signature       http.Handler    // set by SignWith
	account         account.Account // that the page shows

	saving sync.Mutex // held over Save, so that saves stay in order

	mu      sync.Mutex // guards the fields below; never held over a request
	faults  faults
	history history
}

// job is work for the loop that ticks, so that no tick comes in between.
type job struct {
	do   func(context.Context)
	done chan struct{}
}

// New makes a Page with the state in Saved.
func New(c Config) (*Page, error) {
	if c.Settings == nil || c.Clock == nil || c.Refresher == nil {
		return nil, errors.New("page: a Page needs Settings, Clock and Refresher")
	}
	if c.Show == nil {
		c.Show = func(refresher.Report, error) {}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	pages := c.Settings.Accounts.Where(account.Is(account.OfficialAccount))
	if pages == nil {
		return nil, errors.New("page: no official account is configured, so there is no page to sign")
	}
	p := &Page{cfg: c, account: pages[0], refreshRequests: make(chan string, 16), jobs: make(chan job)}
	if err := p.restore(); err != nil {
		return nil, err
	}
	return p, p.clearAllFaults() // the simulator restores a whitelist, which the page would not show
}

// RequestRefresh never blocks. If many requests wait already, one more changes nothing.
func (p *Page) RequestRefresh(appID string) {
	select {
	case p.refreshRequests <- appID:
	default:
	}
}

// Run is the schedule and the table's stream, until ctx ends.
func (p *Page) Run(ctx context.Context) {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			p.Tick(ctx)
		case appID := <-p.refreshRequests:
			p.handleRefreshRequest(ctx, appID)
		case j := <-p.jobs:
			j.do(ctx)
			close(j.done)
		}
	}
}

// Tick is what the schedule does each minute.
func (p *Page) Tick(ctx context.Context) {
	p.endOutage()
	p.record(p.cfg.Refresher.Tick(ctx))
}

func (p *Page) handleRefreshRequest(ctx context.Context, appID string) {
	p.endOutage()
	p.record(p.cfg.Refresher.HandleRefreshRequests(ctx, appID))
}

// record records the result of a tick or of a refresh request. The report of a refresh
// request has one account alone.
func (p *Page) record(report refresher.Report, err error) {
	p.cfg.Show(report, err)
	if calls := p.tokenCalls(); err == nil {
		p.mu.Lock()
		p.faults.noticeNewToken(p.reportOn(report), calls)
		p.history.record(p.cfg.Clock.Now(), report)
		p.mu.Unlock()
	}
	p.save()
}

// forward moves the clock, minute by minute. In each minute the schedule ticks and a
// page requests a signature, as in real time. Errors: the context's.
func (p *Page) forward(ctx context.Context, minutes int) error {
	j := job{done: make(chan struct{}), do: func(loop context.Context) {
		for range minutes {
			p.minute(loop)
		}
	}}
	select {
	case p.jobs <- j:
		<-j.done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// minuteTimeout gives WeChat's client no time for a second attempt. Its pauses would
// turn an outage of hours into minutes of waiting.
const minuteTimeout = time.Second

func (p *Page) minute(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, minuteTimeout)
	defer cancel()
	p.cfg.Clock.forward(time.Minute)
	p.Tick(ctx)
	p.requestSignature(ctx)
}

// requestSignature requests a signature, and handles the refresh requests that follow.
func (p *Page) requestSignature(ctx context.Context) {
	if p.signature == nil {
		return
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, p.cfg.PageURL+"signature?url="+url.QueryEscape(p.cfg.PageURL), nil)
	p.signature.ServeHTTP(httptest.NewRecorder(), r)
	for {
		select {
		case appID := <-p.refreshRequests:
			p.handleRefreshRequest(ctx, appID)
		default:
			return
		}
	}
}

// RecordRefusals is next, and records each signature that is refused without a ticket.
func (p *Page) RecordRefusals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/health") {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&refusalRecorder{ResponseWriter: w, p: p}, r)
	})
}

// SignWith sets the instance of the signature function that signs while the clock is
// moved.
func (p *Page) SignWith(signature http.Handler) { p.signature = p.RecordRefusals(signature) }

type refusalRecorder struct {
	http.ResponseWriter
	p *Page
}

func (w *refusalRecorder) WriteHeader(status int) {
	if status == http.StatusServiceUnavailable {
		w.p.mu.Lock()
		w.p.history.addRefusal(w.p.cfg.Clock.Now())
		w.p.mu.Unlock()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *refusalRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

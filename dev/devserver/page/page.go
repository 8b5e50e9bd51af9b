// Package page is the page of `wechatfn dev` and what stands behind it: the clock
// that the whole desk lives by, the schedule, the troubles that a visitor can make,
// and what is remembered of the lives of token and tickets.
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

	// PageURL is the page's own address, Phone the one that a phone reaches: empty
	// when the server listens on this machine alone.
	PageURL, Phone string
	// Messages streams the pushes that arrive.
	Messages http.Handler
	// Push sends a sample as `wechatfn trigger` does, and returns what that prints.
	Push func(ctx context.Context, s Sample) (report string, err error)

	// Memory is what Save was last given, nil for none; Save may be nil.
	Memory []byte
	Save   func([]byte) error
	// Show is told what came of each tick and kick; it may be nil.
	Show func(refresher.Report, error)

	Logger *slog.Logger
}

// Page runs the refresher as schedule and stream do in the cloud, and serves the
// page. It is safe for concurrent use.
type Page struct {
	Config
	kicks   chan string
	jobs    chan job
	visits  http.Handler    // told by Visit
	account account.Account // that the page is about

	saving sync.Mutex // one Save at a time, and none overtakes another

	mu       sync.Mutex // guards what follows; never held over a request
	troubles troubles
	history  history
}

// job is work for the loop that ticks, so that no tick comes between.
type job struct {
	do   func(context.Context)
	done chan struct{}
}

// New makes a Page that remembers what Memory holds.
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
	d := &Page{Config: c, account: pages[0], kicks: make(chan string, 16), jobs: make(chan job)}
	if err := d.recall(); err != nil {
		return nil, err
	}
	return d, d.mendAll() // a whitelist would outlive a restart, and nobody would know
}

// Kick never blocks a request: with so many waiting, one more changes nothing.
func (d *Page) Kick(appID string) {
	select {
	case d.kicks <- appID:
	default:
	}
}

// Run stands in for the schedule and for the table's stream until ctx ends.
func (d *Page) Run(ctx context.Context) {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			d.Tick(ctx)
		case appID := <-d.kicks:
			d.kicked(ctx, appID)
		case j := <-d.jobs:
			j.do(ctx)
			close(j.done)
		}
	}
}

// Tick is what the schedule does each minute.
func (d *Page) Tick(ctx context.Context) {
	d.settle()
	d.note(d.Refresher.Tick(ctx))
}

func (d *Page) kicked(ctx context.Context, appID string) {
	d.settle()
	d.note(d.Refresher.HandleRefreshRequests(ctx, appID))
}

// note remembers what came of a tick or kick. After a kick the report has that
// account alone.
func (d *Page) note(report refresher.Report, err error) {
	d.Show(report, err)
	if calls := d.tokenCalls(); err == nil {
		d.mu.Lock()
		d.troubles.look(d.reportOn(report), calls)
		d.history.note(d.Clock.Now(), report)
		d.mu.Unlock()
	}
	d.keep()
}

// forward lets so many minutes pass: the clock jumps from one to the next, and in
// each the schedule ticks and a page asks for a signature, as they would have.
// Errors: the context's.
func (d *Page) forward(ctx context.Context, minutes int) error {
	j := job{done: make(chan struct{}), do: func(loop context.Context) {
		for range minutes {
			d.minute(loop)
		}
	}}
	select {
	case d.jobs <- j:
		<-j.done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// aMinutesWork leaves WeChat's client no time to pause for a second attempt, which
// would make hours of an outage last for minutes.
const aMinutesWork = time.Second

func (d *Page) minute(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, aMinutesWork)
	defer cancel()
	d.Clock.forward(time.Minute)
	d.Tick(ctx)
	d.ask(ctx)
}

// ask asks for a signature and answers the kick that may come of it.
func (d *Page) ask(ctx context.Context) {
	if d.visits == nil {
		return
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, d.PageURL+"signature?url="+url.QueryEscape(d.PageURL), nil)
	d.visits.ServeHTTP(httptest.NewRecorder(), r)
	for {
		select {
		case appID := <-d.kicks:
			d.kicked(ctx, appID)
		default:
			return
		}
	}
}

// Watch is next with each signature that is refused for want of a ticket noted.
func (d *Page) Watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/health") {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&watched{ResponseWriter: w, d: d}, r)
	})
}

// Visit says whom to ask for signatures while the clock is moved: an instance of
// the signature function of its own.
func (d *Page) Visit(signature http.Handler) { d.visits = d.Watch(signature) }

type watched struct {
	http.ResponseWriter
	d *Page
}

func (w *watched) WriteHeader(status int) {
	if status == http.StatusServiceUnavailable {
		w.d.mu.Lock()
		w.d.history.refuse(w.d.Clock.Now())
		w.d.mu.Unlock()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

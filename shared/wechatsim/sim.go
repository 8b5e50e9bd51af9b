// Package wechatsim simulates WeChat as far as an account's global credentials go (access tokens,
// tickets, whitelists, quotas, faults: Sim) and its pushes to a server URL (Pusher). Sim keeps
// state as WeChat does and lives by an injected clock, so that a test can live through a month in
// a moment, and `make dev` can run with no account anywhere.
//
// What is known of WeChat stands in the protocol sheet; what is not known is a switch (see
// Switches), so that code can be tested in each of the worlds it may meet. Requests that WeChat's
// pages do not describe at all are answered with HTTP 400 and a text that starts with "wechatsim:".
//
// To add a call: write an endpoint in a file of its own and name it in endpoints.
package wechatsim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// App is an account that the simulator knows.
type App struct {
	ID, Secret string
	// JSDomains are the hosts whose pages may use JS-SDK (VerifySignature); none means any.
	JSDomains []string
}

// Config makes a simulator.
type Config struct {
	Apps     []App
	Now      func() time.Time // nil: time.Now
	Seed     string           // tokens and tickets are derived from it, so equal seeds repeat them
	Quotas   Quotas
	Switches Switches
	// CallbackIPs and APIDomainIPs are what the calls that list addresses answer; nil means a
	// documentation block, where callback entries are CIDR.
	CallbackIPs, APIDomainIPs []string
	// OnChange is called after a change of what Snapshot holds, from the goroutine that made it
	// and with no lock held.
	OnChange func()
}

// Sim is the simulator: an http.Handler to serve on a socket, or Client to call it in-process.
// It is safe for concurrent use. It waits only where a Fault says so.
type Sim struct {
	now      func() time.Time
	seed     string
	quotas   Quotas
	switches Switches
	lists    map[string][]string // path to addresses
	onChange func()

	mu     sync.Mutex
	state  state
	known  map[string]App
	calls  map[Call]int
	faults []*Fault
}

// New checks cfg and makes a simulator with no tokens and no tickets yet.
func New(cfg Config) (*Sim, error) {
	sw, err := cfg.Switches.complete()
	if err != nil {
		return nil, err
	}
	s := &Sim{
		now: cfg.Now, seed: cfg.Seed, quotas: cfg.Quotas.complete(), switches: sw,
		lists: addressLists(cfg), onChange: cfg.OnChange,
		known: map[string]App{}, calls: map[Call]int{}, state: newState(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.onChange == nil {
		s.onChange = func() {}
	}
	for _, app := range cfg.Apps {
		if app.ID == "" || app.Secret == "" {
			return nil, errors.New("wechatsim: an app needs ID and Secret")
		}
		if _, twice := s.known[app.ID]; twice {
			return nil, fmt.Errorf("wechatsim: app %s is named twice", app.ID)
		}
		s.known[app.ID] = app
		s.state.Apps[app.ID] = newAccount()
	}
	return s, nil
}

// endpoint is one path of WeChat's.
type endpoint struct {
	method string
	// serve works under the lock and answers with fields of a JSON object, or refuses.
	serve func(*Sim, *request) (fields, *refusal)
}

func endpoints(path string) (endpoint, bool) {
	e, ok := map[string]endpoint{
		PathToken:        {http.MethodGet, (*Sim).serveClassic},
		PathStableToken:  {http.MethodPost, (*Sim).serveStable},
		PathTicket:       {http.MethodGet, (*Sim).serveTicket},
		PathCallbackIPs:  {http.MethodGet, (*Sim).serveAddresses},
		PathDomainIPs:    {http.MethodGet, (*Sim).serveAddresses},
		PathClearQuota:   {http.MethodPost, (*Sim).serveClearQuota},
		PathClearQuotaV2: {http.MethodPost, (*Sim).serveClearQuotaV2},
	}[path]
	return e, ok
}

// The paths there are.
const (
	PathToken        = "/cgi-bin/token"
	PathStableToken  = "/cgi-bin/stable_token"
	PathTicket       = "/cgi-bin/ticket/getticket"
	PathCallbackIPs  = "/cgi-bin/getcallbackip"
	PathDomainIPs    = "/cgi-bin/get_api_domain_ip"
	PathClearQuota   = "/cgi-bin/clear_quota"
	PathClearQuotaV2 = "/cgi-bin/clear_quota/v2"
)

// handle takes one request through counting, faults and its endpoint. The error is the context's,
// or errDropped where a fault cuts the connection.
func (s *Sim) handle(ctx context.Context, hr *http.Request) (answer, error) {
	e, ok := endpoints(hr.URL.Path)
	if !ok {
		return plain(http.StatusNotFound, "no such path"), nil
	}
	r, err := parse(hr)
	if err != nil {
		return plain(http.StatusBadRequest, err.Error()), nil
	}
	f := s.arrive(r)
	if f.DropBefore {
		return answer{}, errDropped
	}
	if err := wait(ctx, f.Delay); err != nil {
		return answer{}, err
	}
	a, refused := f.refuse(s, r)
	if !refused {
		a = s.serve(e, r)
	}
	a.stall = f.BodyDelay
	if f.DropAfter {
		return answer{}, errDropped
	}
	return a, wait(ctx, f.AnswerDelay)
}

// serve runs the endpoint under the lock, at the clock's time.
func (s *Sim) serve(e endpoint, r *request) answer {
	s.mu.Lock()
	r.now = s.now()
	before := s.state.Revision
	f, no := e.check(r)
	if no == nil {
		f, no = e.serve(s, r)
	}
	a := s.render(f, no, r.now)
	changed := s.state.Revision != before
	s.mu.Unlock()
	if changed {
		s.onChange()
	}
	return a
}

func (e endpoint) check(r *request) (fields, *refusal) {
	switch {
	case r.method == e.method:
		return nil, nil
	case e.method == http.MethodPost:
		return nil, refuse(43002, "require POST method")
	default:
		return nil, unknown("this call is a GET")
	}
}

// wait lets d pass or the context end, whichever is first.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

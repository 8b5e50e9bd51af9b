// Package wechatsim simulates WeChat as far as an account's global credentials go (access tokens,
// tickets, whitelists, quotas, faults: Sim), the logins of its users (authorize pages, codes, user
// tokens, profiles: Sim too), mini-programs with what WeChat's app does for them on the user's side
// (MiniLogin, MiniUserData, PhoneCode ...). Package push sends its pushes to a server URL. Sim keeps state
// as WeChat does and lives by an injected clock, so that a test can live through a month in a moment,
// and `make dev` can run with no account anywhere.
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
	// Kind is OfficialAccount (the default), Website or MiniProgram. It decides which authorize
	// page the app may use.
	Kind string
	// OAuthDomain is the host that logins may return to, in full and without a scheme; "" means any.
	OAuthDomain string
	// Scopes are what logins may ask for; nil means all that the kind has.
	Scopes []string
	// OpenPlatform names the Open Platform account that the app is linked to: apps with the same
	// name see the same unionid of a user. "" means that it is linked to none.
	OpenPlatform string
}

// Config makes a simulator.
type Config struct {
	Apps     []App
	Now      func() time.Time // nil: time.Now
	Seed     string           // tokens and tickets are derived from it, so equal seeds repeat them
	Quotas   Quotas
	Switches Switches
	// Users are the people who can log in; nil means a few made-up ones. The first is who uses a
	// browser unless it says otherwise.
	Users []User
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
	users    []User
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
	if s.users, err = checkUsers(cfg.Users); err != nil {
		return nil, err
	}
	for _, app := range cfg.Apps {
		if err := s.add(app); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Sim) add(app App) error {
	if app.ID == "" || app.Secret == "" {
		return errors.New("wechatsim: an app needs ID and Secret")
	}
	if _, twice := s.known[app.ID]; twice {
		return fmt.Errorf("wechatsim: app %s is named twice", app.ID)
	}
	if err := app.complete(); err != nil {
		return err
	}
	s.known[app.ID] = app
	s.state.Apps[app.ID] = newAccount()
	return nil
}

// endpoint is one path of WeChat's.
type endpoint struct {
	method string
	// serve works under the lock and answers with fields of a JSON object, or refuses.
	serve func(*Sim, *request) (fields, *refusal)
	// page works likewise, for a browser.
	page func(*Sim, *request) answer
	// anyOrigin lets pages of every origin read the answer.
	anyOrigin bool
}

func endpoints(path string) (endpoint, bool) {
	e, ok := map[string]endpoint{
		PathToken:        {method: http.MethodGet, serve: (*Sim).serveClassic},
		PathStableToken:  {method: http.MethodPost, serve: (*Sim).serveStable},
		PathTicket:       {method: http.MethodGet, serve: (*Sim).serveTicket},
		PathCallbackIPs:  {method: http.MethodGet, serve: (*Sim).serveAddresses},
		PathDomainIPs:    {method: http.MethodGet, serve: (*Sim).serveAddresses},
		PathClearQuota:   {method: http.MethodPost, serve: (*Sim).serveClearQuota},
		PathClearQuotaV2: {method: http.MethodPost, serve: (*Sim).serveClearQuotaV2},
		PathAuthorize:    {method: http.MethodGet, page: (*Sim).serveAuthorize},
		PathQRConnect:    {method: http.MethodGet, page: (*Sim).serveAuthorize},
		PathExchange:     {method: http.MethodGet, serve: (*Sim).serveExchange},
		PathRefreshUser:  {method: http.MethodGet, serve: (*Sim).serveRefreshUser},
		PathUserInfo:     {method: http.MethodGet, serve: (*Sim).serveUserInfo},
		PathCheckUser:    {method: http.MethodGet, serve: (*Sim).serveCheckUser},

		PathCodeToSession: {method: http.MethodGet, serve: (*Sim).serveCodeToSession},
		PathPhoneNumber:   {method: http.MethodPost, serve: (*Sim).servePhoneNumber},
		PathCheckSession:  {method: http.MethodGet, serve: (*Sim).serveCheckSession},
		PathResetSession:  {method: http.MethodGet, serve: (*Sim).serveResetSession},
		PathScript:        {method: http.MethodGet, page: (*Sim).serveScript},
		PathPreVerify:     {method: http.MethodGet, serve: (*Sim).servePreVerify, anyOrigin: true},
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

	PathAuthorize   = "/connect/oauth2/authorize" // a page, for official accounts
	PathQRConnect   = "/connect/qrconnect"        // a page, for websites
	PathExchange    = "/sns/oauth2/access_token"
	PathRefreshUser = "/sns/oauth2/refresh_token"
	PathUserInfo    = "/sns/userinfo"
	PathCheckUser   = "/sns/auth"

	PathCodeToSession = "/sns/jscode2session"
	PathPhoneNumber   = "/wxa/business/getuserphonenumber"
	PathCheckSession  = "/wxa/checksession"
	PathResetSession  = "/wxa/resetusersessionkey"
	PathScript        = "/open/js/jweixin-1.6.0.js" // of res.wx.qq.com
	PathPreVerify     = "/_jweixin/verify"          // our own; WeChat's client has a way of its own
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
	if e.anyOrigin {
		a.header = http.Header{"Access-Control-Allow-Origin": {"*"}}
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
	a := s.answer(e, r)
	changed := s.state.Revision != before
	s.mu.Unlock()
	if changed {
		s.onChange()
	}
	return a
}

func (s *Sim) answer(e endpoint, r *request) answer {
	if no := e.check(r); no != nil {
		return s.render(nil, no, r.now)
	}
	if e.page != nil {
		return e.page(s, r)
	}
	f, no := e.serve(s, r)
	return s.render(f, no, r.now)
}

func (e endpoint) check(r *request) *refusal {
	switch {
	case r.method == e.method:
		return nil
	case e.method == http.MethodPost:
		return refuse(43002, "require POST method")
	default:
		return unknown("this call is a GET")
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

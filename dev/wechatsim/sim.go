// Package wechatsim simulates WeChat. Sim covers an account's credentials (access tokens, tickets,
// whitelists, quotas, faults), the logins of users (login pages, codes, user tokens, profiles), and
// mini-programs, with what WeChat's app does on the user's phone (MiniLogin, MiniUserData,
// PhoneCode ...). Package push sends pushes to a server URL. Sim keeps state as WeChat does. Its clock
// is injected, so that a test can run through a month in a moment, and `make dev` needs no account.
//
// docs/protocol.md says what is known of WeChat. What is not known is a switch (see Switches), so
// that code can be tested with each possible behaviour. Requests that WeChat's pages do not describe
// are answered with HTTP 400 and a text that starts with "wechatsim:".
//
// To add a call: write an endpoint in its own file and list it in endpoints.
package wechatsim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"wechatfn/dev/wechatsim/wait"
)

// App is an account that the simulator knows.
type App struct {
	ID, Secret string
	// JSDomains are the hosts whose pages may use JS-SDK (VerifySignature); none means any.
	JSDomains []string
	// Kind is OfficialAccount (the default), Website or MiniProgram. It decides which authorize
	// page the app may use.
	Kind string
	// OAuthDomain is the host that logins may redirect to, without a scheme; "" means any host.
	OAuthDomain string
	// Scopes are the scopes that logins may request; nil means all scopes of the kind.
	Scopes []string
	// OpenPlatform names the Open Platform account that the app is linked to. Apps with the same
	// name get the same unionid of a user. "" means not linked.
	OpenPlatform string
}

// Config makes a simulator.
type Config struct {
	Apps     []App
	Now      func() time.Time // nil: time.Now
	Seed     string           // tokens and tickets are derived from it; equal seeds give equal values
	Quotas   Quotas
	Switches Switches
	// Users can log in; nil means a few made-up users. The first one is the default user of a
	// browser.
	Users []User
	// CallbackIPs and APIDomainIPs are the answers of the calls that list addresses; nil means
	// addresses of RFC 5737. A callback entry can be CIDR.
	CallbackIPs, APIDomainIPs []string
	// OnChange is called after each change of the state that Snapshot holds, in the goroutine of
	// the change and without a lock.
	OnChange func()
}

// Sim is the simulator: an http.Handler for a socket, with Client for calls in-process. It is safe
// for concurrent use. It waits only if a Fault says so.
type Sim struct {
	now       func() time.Time
	seed      string
	quotas    Quotas
	switches  Switches
	addresses map[string][]string // path to addresses
	users     []User
	onChange  func()

	mu     sync.Mutex
	state  state
	apps   map[string]App
	calls  map[Call]int
	faults []*Fault
}

// New checks cfg and makes a simulator without tokens and tickets.
func New(cfg Config) (*Sim, error) {
	sw, err := cfg.Switches.complete()
	if err != nil {
		return nil, err
	}
	s := &Sim{
		now: cfg.Now, seed: cfg.Seed, quotas: cfg.Quotas.complete(), switches: sw,
		addresses: addressLists(cfg), onChange: cfg.OnChange,
		apps: map[string]App{}, calls: map[Call]int{}, state: newState(),
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
	if _, twice := s.apps[app.ID]; twice {
		return fmt.Errorf("wechatsim: app %s is named twice", app.ID)
	}
	if err := app.complete(); err != nil {
		return err
	}
	s.apps[app.ID] = app
	s.state.Apps[app.ID] = newAccount()
	return nil
}

// endpoint handles one of WeChat's paths.
type endpoint struct {
	method string
	// serve runs with the lock held. It answers the fields of a JSON object, or refuses.
	serve func(*Sim, *request) (fields, *refusal)
	// page runs with the lock held, and answers a browser.
	page func(*Sim, *request) answer
	// anyOrigin lets pages of any origin read the answer.
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

// The paths.
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
	PathPreVerify     = "/_jweixin/verify"          // ours; WeChat's client uses another protocol
)

// handle counts a request, applies its fault and calls its endpoint. The error is the context's, or
// errDropped if a fault breaks the connection.
func (s *Sim) handle(ctx context.Context, hr *http.Request) (answer, error) {
	e, ok := endpoints(hr.URL.Path)
	if !ok {
		return plainText(http.StatusNotFound, "no such path"), nil
	}
	r, err := parse(hr)
	if err != nil {
		return plainText(http.StatusBadRequest, err.Error()), nil
	}
	f := s.countCall(r)
	if f.DropBefore {
		return answer{}, errDropped
	}
	if err := wait.For(ctx, f.Delay); err != nil {
		return answer{}, err
	}
	a, refused := f.answer(s, r)
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
	return a, wait.For(ctx, f.AnswerDelay)
}

// serve runs the endpoint with the lock held, at the time of the clock.
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

package wechatsim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Group is a set of paths that a whitelist protects. It is known that WeChat protects the token
// calls; for the others its pages disagree (docs/protocol.md#whitelist).
type Group string

// The groups there are.
const (
	GroupToken Group = "token" // calls that send the AppSecret
	GroupAPI   Group = "api"   // calls that send an access token
	GroupSNS   Group = "sns"   // calls about a user's login; reported to be open to all
)

// Whitelist switches an account's whitelist on for a group of paths. Only callers in ips may call;
// others get Switches.WhitelistCode with their address.
func (s *Sim) Whitelist(appID string, g Group, ips ...string) error {
	list := make([]netip.Addr, len(ips))
	for i, ip := range ips {
		a, err := netip.ParseAddr(ip)
		if err != nil {
			return fmt.Errorf("wechatsim: whitelist: %w", err)
		}
		list[i] = a.Unmap()
	}
	return s.change(appID, func(a *account, _ time.Time) { a.Allowed[g] = list })
}

// WhitelistOff opens a group to all callers, which is the initial state.
func (s *Sim) WhitelistOff(appID string, g Group) error {
	return s.change(appID, func(a *account, _ time.Time) { delete(a.Allowed, g) })
}

func (s *Sim) allowed(a *account, g Group, caller netip.Addr) *refusal {
	list, on := a.Allowed[g]
	if !on || slices.Contains(list, caller) {
		return nil
	}
	six := netip.AddrFrom16(caller.As16())
	return refuse(s.switches.WhitelistCode, fmt.Sprintf("invalid ip %s ipv6 %s, not in whitelist", caller, six))
}

// SetSecret replaces an account's AppSecret. The old one is refused from now on. Snapshot does not
// hold the secret.
func (s *Sim) SetSecret(appID, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	app, ok := s.apps[appID]
	if !ok {
		return fmt.Errorf("wechatsim: no app %q", appID)
	}
	app.Secret = secret
	s.apps[appID] = app
	return nil
}

// authenticate checks a token call: parameters first, then the account, then the caller.
func (s *Sim) authenticate(r *request) (*account, *refusal) {
	switch {
	case r.notJSON || r.body.AppID == "": // a form instead of JSON has no appid
		return nil, refuse(41002, "appid missing")
	case r.body.Secret == "":
		return nil, refuse(41004, "appsecret missing")
	case r.body.GrantType != "client_credential":
		return nil, refuse(40002, "invalid grant_type")
	}
	return s.bySecret(r, r.body.Secret, GroupToken)
}

func (s *Sim) bySecret(r *request, secret string, g Group) (*account, *refusal) {
	app, ok := s.apps[r.body.AppID]
	if !ok {
		return nil, refuse(40013, "invalid appid")
	}
	if app.Secret != secret {
		return nil, refuse(s.switches.WrongSecretCode, "invalid appsecret, view more at http://t.cn/RAEkdVq")
	}
	a := s.state.Apps[app.ID]
	return a, s.allowed(a, g, r.caller)
}

// byToken checks a call that sends an access token.
func (s *Sim) byToken(r *request) (string, *account, *refusal) {
	if r.token == "" {
		return "", nil, refuse(41001, "access_token missing")
	}
	appID, t, found := s.owner(r.token)
	switch {
	case !found && s.switches.UnknownTokenCode == 40014:
		return "", nil, refuse(40014, "invalid access_token")
	case !found, t.Replaced && !t.valid(r.now):
		return "", nil, refuse(40001, "invalid credential, access_token is invalid or not latest")
	case !t.valid(r.now):
		return "", nil, refuse(s.switches.ExpiredTokenCode, "access_token expired")
	}
	a := s.state.Apps[appID]
	return appID, a, s.allowed(a, GroupAPI, r.caller)
}

// owner returns the account and the state of a token, valid or not.
func (s *Sim) owner(value string) (appID string, t token, found bool) {
	for id, a := range s.state.Apps {
		for _, past := range [][]token{a.Stable, a.Classic} {
			if i := slices.IndexFunc(past, func(t token) bool { return t.Value == value }); i >= 0 {
				return id, past[i], true
			}
		}
	}
	return "", token{}, false
}

func (a *account) holds(value string) bool {
	is := func(t token) bool { return t.Value == value }
	return slices.ContainsFunc(a.Stable, is) || slices.ContainsFunc(a.Classic, is)
}

package wechatsim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	codeLength      = 32
	refreshTokenLifetime     = 30 * 24 * time.Hour
	maxPastUserTokens = 8    // access tokens that a login went through
	maxLogins = 4096 // codes, and logins, of an account
)

// loginCode is what a user's yes yields, for one exchange.
type loginCode struct {
	Value    string    `json:"value"`
	User     string    `json:"user"`
	Scope    string    `json:"scope,omitempty"` // "" for those of mini-programs
	Snapshot bool      `json:"snapshot,omitempty"`
	Used     bool      `json:"used,omitempty"`
	Ends     time.Time `json:"ends"`
}

// grant is a login: a user's token at an app, through all its refreshes. The logins of a user do not
// touch each other.
type grant struct {
	User        string    `json:"user"`
	Scope       string    `json:"scope"`
	Snapshot    bool      `json:"snapshot,omitempty"`
	Access      string    `json:"access"`
	AccessEnds  time.Time `json:"accessEnds"`
	Past        []string  `json:"past,omitempty"` // access tokens before this one
	Refresh     string    `json:"refresh"`
	RefreshEnds time.Time `json:"refreshEnds"`

	// Errcodes that the tokens were ended with, ahead of their time.
	AccessCode  int  `json:"accessCode,omitempty"`
	RefreshCode int  `json:"refreshCode,omitempty"`
	Void        bool `json:"void,omitempty"` // the user changed the password
}

func (g *grant) valid(now time.Time) bool {
	return !g.Void && g.AccessCode == 0 && now.Before(g.AccessEnds)
}

// tellsProfile: the user was asked, and agreed to more than the openid.
func (g *grant) includesProfile() bool { return g.Scope != scopeBase }

// IssueCode makes the code of a login that user agreed to, with no browser. user is a User's ID or
// an openid at this app; snapshot makes it the login of a snapshot user.
func (s *Sim) IssueCode(appID, user, scope string, snapshot bool) (code string, err error) {
	if !slices.Contains([]string{scopeBase, scopeUserInfo, scopeLogin}, scope) {
		return "", fmt.Errorf("wechatsim: unknown scope %q", scope)
	}
	u, ok := s.user(appID, user)
	if !ok {
		return "", fmt.Errorf("wechatsim: no user %q", user)
	}
	err = s.change(appID, func(a *account, now time.Time) { code = s.newCode(appID, a, u.ID, scope, snapshot, now) })
	return code, err
}

func (s *Sim) newCode(appID string, a *account, user, scope string, snapshot bool, now time.Time) string {
	c := loginCode{
		Value: s.credential("code", appID, a, codeLength), User: user, Scope: scope, Snapshot: snapshot,
		Ends: now.Add(s.switches.CodeLifetime),
	}
	a.Codes = appendLogin(a.Codes, c)
	s.state.Revision++
	return c.Value
}

// spendCode takes one of the codes once. used and expired are what it is refused with otherwise.
func (s *Sim) useCode(codes []loginCode, value string, now time.Time, used, expired int) (loginCode, *refusal) {
	c := latest(codes, func(c *loginCode) bool { return c.Value == value })
	switch {
	case c == nil:
		return loginCode{}, refuse(40029, "invalid code")
	case c.Used:
		return loginCode{}, refuse(used, "code been used")
	case !now.Before(c.Ends):
		return loginCode{}, refuse(expired, "code expired")
	}
	c.Used = true
	s.state.Revision++
	return *c, nil
}

func (s *Sim) newGrant(appID string, a *account, c loginCode, now time.Time) *grant {
	a.Grants = appendLogin(a.Grants, grant{
		User: c.User, Scope: c.Scope, Snapshot: c.Snapshot,
		Access: s.newToken(appID, a, now).Value, AccessEnds: now.Add(lifetime),
		Refresh: s.newToken(appID, a, now).Value, RefreshEnds: now.Add(refreshTokenLifetime),
	})
	return &a.Grants[len(a.Grants)-1]
}

// renew prolongs a live access token and replaces a dead one.
func (s *Sim) renew(appID string, a *account, g *grant, now time.Time) {
	if !g.valid(now) {
		past := append(g.Past, g.Access)
		g.Past = past[max(0, len(past)-maxPastUserTokens):]
		g.Access, g.AccessCode = s.newToken(appID, a, now).Value, 0
	}
	g.AccessEnds = now.Add(lifetime)
	if s.switches.RefreshRestarts {
		g.RefreshEnds = now.Add(refreshTokenLifetime)
	}
	s.state.Revision++
}

// grantOf finds a login by an access token, dead or alive.
func (s *Sim) grantOf(access string) (appID string, g *grant) {
	if access == "" {
		return "", nil
	}
	for id, a := range s.state.Apps {
		g := latest(a.Grants, func(g *grant) bool { return g.Access == access || slices.Contains(g.Past, access) })
		if g != nil {
			return id, g
		}
	}
	return "", nil
}

// VoidUserTokens is a user changing the password: all tokens of the user at the app are refused with
// 42007 from now on. user is a User's ID or an openid.
func (s *Sim) VoidUserTokens(appID, user string) error {
	return s.eachGrant(appID, user, func(g *grant) { g.Void = true })
}

// EndUserTokens ends a user's access tokens at an app ahead of their time, with errcode 42001 or
// 40014; a refresh yields a new one.
func (s *Sim) EndUserTokens(appID, user string, errcode int) error {
	if errcode != 42001 && errcode != 40014 {
		return errors.New("wechatsim: an access token ends with 42001 or 40014")
	}
	return s.eachGrant(appID, user, func(g *grant) { g.AccessCode = errcode })
}

// EndRefreshTokens ends a user's refresh tokens at an app ahead of their time, with errcode 42002 or
// 40030; access tokens live on.
func (s *Sim) EndRefreshTokens(appID, user string, errcode int) error {
	if errcode != 42002 && errcode != 40030 {
		return errors.New("wechatsim: a refresh token ends with 42002 or 40030")
	}
	return s.eachGrant(appID, user, func(g *grant) { g.RefreshCode = errcode })
}

func (s *Sim) eachGrant(appID, user string, f func(*grant)) error {
	u, ok := s.user(appID, user)
	if !ok {
		return fmt.Errorf("wechatsim: no user %q", user)
	}
	return s.change(appID, func(a *account, _ time.Time) {
		for i := range a.Grants {
			if a.Grants[i].User == u.ID {
				f(&a.Grants[i])
			}
		}
	})
}

// UserTokenAlive tells whether WeChat would accept a user's access token now.
func (s *Sim) UserTokenValid(accessToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, g := s.grantOf(accessToken)
	return g != nil && g.Access == accessToken && g.valid(s.now())
}

// latest finds the last element for which is holds; what is asked for is mostly new.
func latest[T any](past []T, is func(*T) bool) *T {
	for i := len(past) - 1; i >= 0; i-- {
		if is(&past[i]) {
			return &past[i]
		}
	}
	return nil
}

// remember appends, and now and then forgets the oldest.
func appendLogin[T any](past []T, v T) []T {
	past = append(past, v)
	if len(past) >= 2*maxLogins {
		past = slices.Clone(past[len(past)-maxLogins:])
	}
	return past
}

// has tells whether a comma list holds a word.
func has(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }

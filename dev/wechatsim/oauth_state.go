package wechatsim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	codeLength           = 32
	refreshTokenLifetime = 30 * 24 * time.Hour
	maxPastUserTokens    = 8    // previous access tokens of a login
	maxLogins            = 4096 // codes, and logins, of an account
)

// loginCode is the result of a user's consent, for one exchange.
type loginCode struct {
	Value    string    `json:"value"`
	User     string    `json:"user"`
	Scope    string    `json:"scope,omitempty"` // "" for those of mini-programs
	Snapshot bool      `json:"snapshot,omitempty"`
	Used     bool      `json:"used,omitempty"`
	Ends     time.Time `json:"ends"`
}

// grant is a login: a user's token at an app, with all its refreshes. The logins of a user are
// independent.
type grant struct {
	User        string    `json:"user"`
	Scope       string    `json:"scope"`
	Snapshot    bool      `json:"snapshot,omitempty"`
	Access      string    `json:"access"`
	AccessEnds  time.Time `json:"accessEnds"`
	Past        []string  `json:"past,omitempty"` // access tokens before this one
	Refresh     string    `json:"refresh"`
	RefreshEnds time.Time `json:"refreshEnds"`

	// Errcodes of tokens that were ended early.
	AccessCode  int  `json:"accessCode,omitempty"`
	RefreshCode int  `json:"refreshCode,omitempty"`
	Void        bool `json:"void,omitempty"` // the user changed the password
}

func (g *grant) valid(now time.Time) bool {
	return !g.Void && g.AccessCode == 0 && now.Before(g.AccessEnds)
}

// includesProfile reports whether the user agreed to more than the openid.
func (g *grant) includesProfile() bool { return g.Scope != scopeBase }

// IssueCode makes the code of a login without a browser. user is a User's ID or an openid at this
// app. With snapshot it is the login of a snapshot user.
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

// useCode uses one of the codes, once. used and expired are the errcodes of a code that was used
// before or is expired.
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

// renew extends the lifetime of a valid access token, or replaces an expired one.
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

// grantOf returns the login of an access token, valid or not.
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

// VoidUserTokens is a change of the user's password: all tokens of the user at the app are refused
// with 42007 from now on. user is a User's ID or an openid.
func (s *Sim) VoidUserTokens(appID, user string) error {
	return s.eachGrant(appID, user, func(g *grant) { g.Void = true })
}

// EndUserTokens ends a user's access tokens at an app early, with errcode 42001 or 40014. A refresh
// gives a new one.
func (s *Sim) EndUserTokens(appID, user string, errcode int) error {
	if errcode != 42001 && errcode != 40014 {
		return errors.New("wechatsim: an access token ends with 42001 or 40014")
	}
	return s.eachGrant(appID, user, func(g *grant) { g.AccessCode = errcode })
}

// EndRefreshTokens ends a user's refresh tokens at an app early, with errcode 42002 or 40030. Access
// tokens stay valid.
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

// UserTokenValid reports whether WeChat accepts a user's access token now.
func (s *Sim) UserTokenValid(accessToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, g := s.grantOf(accessToken)
	return g != nil && g.Access == accessToken && g.valid(s.now())
}

// latest returns the last element for which is is true. It searches from the end, since most
// requests are about new elements.
func latest[T any](past []T, is func(*T) bool) *T {
	for i := len(past) - 1; i >= 0; i-- {
		if is(&past[i]) {
			return &past[i]
		}
	}
	return nil
}

// appendLogin appends v. It drops the oldest elements when there are twice maxLogins.
func appendLogin[T any](past []T, v T) []T {
	past = append(past, v)
	if len(past) >= 2*maxLogins {
		past = slices.Clone(past[len(past)-maxLogins:])
	}
	return past
}

// has reports whether a comma list holds a word.
func has(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }

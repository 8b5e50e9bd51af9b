package wechatsim

import (
	"encoding/base64"
	"fmt"
	"time"
)

// SessionKeyStyle is when a mini-program's user gets a new session key. WeChat's pages say that
// wx.login may replace it, but not when.
type SessionKeyStyle string

// The styles there are.
const (
	SessionKeyAtLogin    SessionKeyStyle = ""         // wx.login replaces it at once, before the exchange
	SessionKeyAtExchange SessionKeyStyle = "exchange" // jscode2session replaces it
	SessionKeyReused     SessionKeyStyle = "reused"   // a valid one is reused
)

// miniState is what WeChat knows of a mini-program's users.
type miniState struct {
	Codes      []loginCode           `json:"codes,omitempty"`      // of wx.login
	PhoneCodes []loginCode           `json:"phoneCodes,omitempty"` // of the getPhoneNumber button
	Keys       map[string]sessionKey `json:"keys,omitempty"`       // by User.ID
	Blocked    map[string]bool       `json:"blocked,omitempty"`    // by User.ID
}

// sessionKey is a user's only valid session key. A zero Ends means that it does not expire.
type sessionKey struct {
	Value string    `json:"value"`
	Ends  time.Time `json:"ends"`
}

func (k sessionKey) valid(now time.Time) bool {
	return k.Value != "" && (k.Ends.IsZero() || now.Before(k.Ends))
}

// sessionKey returns the user's valid key, or a new one if there is none.
func (s *Sim) sessionKey(appID string, a *account, user string, now time.Time) string {
	if k := a.Mini.Keys[user]; k.valid(now) {
		return k.Value
	}
	var ends time.Time
	if s.switches.SessionKeyLifetime > 0 {
		ends = now.Add(s.switches.SessionKeyLifetime)
	}
	return s.setSessionKey(appID, a, user, ends)
}

// replaceSessionKey replaces the user's key, if there is one. The new key has its full lifetime.
func (s *Sim) replaceSessionKey(appID string, a *account, user string, now time.Time) string {
	delete(a.Mini.Keys, user)
	return s.sessionKey(appID, a, user, now)
}

func (s *Sim) setSessionKey(appID string, a *account, user string, ends time.Time) string {
	if a.Mini.Keys == nil {
		a.Mini.Keys = map[string]sessionKey{}
	}
	a.Issued++
	s.state.Revision++
	k := sessionKey{base64.StdEncoding.EncodeToString(s.derive("session key", appID, a.Issued)[:16]), ends}
	a.Mini.Keys[user] = k
	return k.Value
}

// miniUser returns a mini-program's user by User.ID or openid.
func (s *Sim) miniUser(appID, user string) (User, error) {
	s.mu.Lock()
	app, ok := s.apps[appID]
	s.mu.Unlock()
	if !ok {
		return User{}, fmt.Errorf("wechatsim: no app %q", appID)
	}
	if app.Kind != MiniProgram {
		return User{}, fmt.Errorf("wechatsim: app %s is of kind %s, not %s", appID, app.Kind, MiniProgram)
	}
	u, ok := s.user(appID, user)
	if !ok {
		return User{}, fmt.Errorf("wechatsim: no user %q", user)
	}
	return u, nil
}

// changeMini runs f with the lock held, for a mini-program's user, and then calls OnChange.
func (s *Sim) changeMini(appID, user string, f func(*account, User, time.Time)) error {
	u, err := s.miniUser(appID, user)
	if err != nil {
		return err
	}
	return s.change(appID, func(a *account, now time.Time) { f(a, u, now) })
}

// MiniLogin is a user's wx.login. It returns the code for jscode2session. user is a User's ID or an
// openid at this mini-program.
func (s *Sim) MiniLogin(appID, user string) (code string, err error) {
	err = s.changeMini(appID, user, func(a *account, u User, now time.Time) {
		if s.switches.SessionKey == SessionKeyAtLogin {
			s.replaceSessionKey(appID, a, u.ID, now)
		}
		c := loginCode{Value: s.credential("mini code", appID, a, codeLength), User: u.ID, Ends: now.Add(s.switches.CodeLifetime)}
		a.Mini.Codes, code = appendLogin(a.Mini.Codes, c), c.Value
	})
	return code, err
}

// PhoneCode is a user's consent to the getPhoneNumber button. It returns the code for
// getuserphonenumber.
func (s *Sim) PhoneCode(appID, user string) (code string, err error) {
	err = s.changeMini(appID, user, func(a *account, u User, now time.Time) {
		c := loginCode{Value: s.credential("phone code", appID, a, 2*codeLength), User: u.ID, Ends: now.Add(phoneCodeLifetime)}
		a.Mini.PhoneCodes, code = appendLogin(a.Mini.PhoneCodes, c), c.Value
	})
	return code, err
}

// SessionKey is the user's valid session key, "" if there is none. WeChat gives it to the server
// alone; tests search for it where it must not be.
func (s *Sim) SessionKey(appID, user string) (string, error) {
	u, err := s.miniUser(appID, user)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.state.Apps[appID].Mini.Keys[u.ID]; k.valid(s.now()) {
		return k.Value, nil
	}
	return "", nil
}

// ReplaceSessionKey gives the user a new session key without wx.login, as a data prefetch or time
// may do. The key that the server has stored is invalid from now on.
func (s *Sim) ReplaceSessionKey(appID, user string) error {
	return s.changeMini(appID, user, func(a *account, u User, now time.Time) { s.replaceSessionKey(appID, a, u.ID, now) })
}

// BlockUser sets whether WeChat blocks a user as a risk. For a blocked user, jscode2session answers
// 40226.
func (s *Sim) BlockUser(appID, user string, blocked bool) error {
	return s.changeMini(appID, user, func(a *account, u User, _ time.Time) {
		if a.Mini.Blocked == nil {
			a.Mini.Blocked = map[string]bool{}
		}
		a.Mini.Blocked[u.ID] = blocked
	})
}

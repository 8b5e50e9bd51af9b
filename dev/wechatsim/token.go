package wechatsim

import (
	"fmt"
	"time"
)

// Times on the pages of the token calls:
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html
const (
	lifetime      = 7200 * time.Second // of a token or a ticket
	overlap       = 300 * time.Second  // between a token and its regular successor
	forceInterval = 30 * time.Second
)

// token is an access token. After its end, Replaced tells "not latest" from "expired".
type token struct {
	Value    string    `json:"value"`
	Ends     time.Time `json:"ends"`
	Replaced bool      `json:"replaced,omitempty"`
}

func (t token) valid(now time.Time) bool { return now.Before(t.Ends) }

// endWithin shortens the lifetime of tokens to d from now.
func endWithin(tokens []token, now time.Time, d time.Duration) {
	for i := range tokens {
		if t := &tokens[i]; t.Ends.After(now.Add(d)) {
			t.Ends, t.Replaced = now.Add(d), true
		}
	}
}

// serveClassic makes a new token for each call. The replaced one is valid for 300 s more.
func (s *Sim) serveClassic(r *request) (fields, *refusal) {
	a, no := s.authenticate(r)
	if no == nil {
		no = s.takeQuota(a, r, limit{"token", minute, s.quotas.ClassicMinute}, limit{"token", day, s.quotas.ClassicDay})
	}
	if no != nil {
		return nil, no
	}
	return granted(s.newClassic(r.body.AppID, a, r.now), r.now), nil
}

func (s *Sim) newClassic(appID string, a *account, now time.Time) token {
	endWithin(a.Classic, now, overlap)
	a.Classic = appendRecent(a.Classic, s.newToken(appID, a, now))
	return a.Classic[len(a.Classic)-1]
}

// serveStable answers the same token until 300 s are left, or a new one by force.
func (s *Sim) serveStable(r *request) (fields, *refusal) {
	a, no := s.authenticate(r)
	if no == nil {
		no = s.takeQuota(a, r, limit{"stable_token", minute, s.quotas.StableMinute}, limit{"stable_token", day, s.quotas.StableDay})
	}
	if no != nil {
		return nil, no
	}
	if r.body.Force {
		return s.serveForced(r, a)
	}
	return granted(s.currentStable(r.body.AppID, a, r.now), r.now), nil
}

// serveForced refreshes the token, unless the last forced call was less than 30 s ago. Such a call
// does not count as one of the 20 a day.
func (s *Sim) serveForced(r *request, a *account) (fields, *refusal) {
	if r.now.Before(a.LastForce.Add(forceInterval)) {
		if code := s.switches.EarlyForceCode; code != 0 {
			return nil, refuse(code, "force_refresh too frequent")
		}
		return granted(s.currentStable(r.body.AppID, a, r.now), r.now), nil
	}
	if no := s.takeQuota(a, r, limit{"force", day, s.quotas.ForceDay}); no != nil {
		return nil, no
	}
	return granted(s.forceStable(r.body.AppID, a, r.now), r.now), nil
}

func (s *Sim) currentStable(appID string, a *account, now time.Time) token {
	if n := len(a.Stable); n > 0 && a.Stable[n-1].Ends.Sub(now) > overlap {
		return a.Stable[n-1]
	}
	a.Stable = appendRecent(a.Stable, s.newToken(appID, a, now))
	return a.Stable[len(a.Stable)-1]
}

func (s *Sim) forceStable(appID string, a *account, now time.Time) token {
	a.LastForce = now
	endWithin(a.Stable, now, s.switches.ForceOverlap)
	a.Stable = appendRecent(a.Stable, s.newToken(appID, a, now))
	return a.Stable[len(a.Stable)-1]
}

func (s *Sim) newToken(appID string, a *account, now time.Time) token {
	s.state.Revision++
	prefix := fmt.Sprintf("%d_", 60+a.Issued%40) // WeChat's start with a number and an underscore
	value := prefix + s.credential("token", appID, a, s.switches.TokenLength-len(prefix))
	return token{Value: value, Ends: now.Add(lifetime)}
}

// granted is the answer of a successful token call. It has no errcode.
func granted(t token, now time.Time) fields {
	return fields{"access_token": t.Value, "expires_in": int(t.Ends.Sub(now) / time.Second)}
}

// ForeignRefresh is a forced refresh by another system that has the AppSecret. The current token ends
// now (or after Switches.ForceOverlap). It uses one of the 20 forced refreshes of the day even if
// none is left, ignores the 30 s, and is not counted in Calls.
func (s *Sim) ForeignRefresh(appID string) error {
	return s.change(appID, func(a *account, now time.Time) {
		a.count(limit{"force", day, 0}, now)
		s.forceStable(appID, a, now)
	})
}

// ForeignClassic is a classic token call by another system. The current token is valid for 300 s
// more at most.
func (s *Sim) ForeignClassic(appID string) error {
	return s.change(appID, func(a *account, now time.Time) {
		a.count(limit{"token", day, 0}, now)
		s.newClassic(appID, a, now)
	})
}

// TokenValid reports whether WeChat accepts the access token now.
func (s *Sim) TokenValid(appID, accessToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, t, found := s.owner(accessToken)
	a := s.state.Apps[appID]
	return found && a != nil && a.holds(accessToken) && t.valid(s.now())
}

package wechatsim

import (
	"fmt"
	"time"
)

// Times of the token pages:
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html
const (
	lifetime          = 7200 * time.Second
	overlap       = 300 * time.Second // between a token and its regular successor
	forceInterval = 30 * time.Second
)

// token is an access token. Replaced tells "not latest" from "expired" once it has ended.
type token struct {
	Value    string    `json:"value"`
	Ends     time.Time `json:"ends"`
	Replaced bool      `json:"replaced,omitempty"`
}

func (t token) valid(now time.Time) bool { return now.Before(t.Ends) }

// cut lets what lives end within d.
func endWithin(tokens []token, now time.Time, d time.Duration) {
	for i := range tokens {
		if t := &tokens[i]; t.Ends.After(now.Add(d)) {
			t.Ends, t.Replaced = now.Add(d), true
		}
	}
}

// serveClassic: every call makes a new token; the one before lives 300 s more.
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

// serveStable: the same token until 300 s are left, or a new one by force.
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

// serveForced: within 30 s of the last forced call nothing is refreshed, and nothing is counted
// against the day's twenty.
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
	prefix := fmt.Sprintf("%d_", 60+a.Issued%40) // WeChat's start with a number and a dash below
	value := prefix + s.credential("token", appID, a, s.switches.TokenLength-len(prefix))
	return token{Value: value, Ends: now.Add(lifetime)}
}

// granted is a token call's success, which has no errcode.
func granted(t token, now time.Time) fields {
	return fields{"access_token": t.Value, "expires_in": int(t.Ends.Sub(now) / time.Second)}
}

// ForeignRefresh is somebody else forcing a stable token, with the AppSecret, from elsewhere: ours
// ends now (or after Switches.ForceOverlap). It spends one of the day's twenty even when there is
// none left, waits for no 30 s, and is not among Calls.
func (s *Sim) ForeignRefresh(appID string) error {
	return s.change(appID, func(a *account, now time.Time) {
		a.count(limit{"force", day, 0}, now)
		s.forceStable(appID, a, now)
	})
}

// ForeignClassic is somebody else asking for a classic token: ours lives 300 s more at most.
func (s *Sim) ForeignClassic(appID string) error {
	return s.change(appID, func(a *account, now time.Time) {
		a.count(limit{"token", day, 0}, now)
		s.newClassic(appID, a, now)
	})
}

// TokenAlive tells whether WeChat would accept the access token now.
func (s *Sim) TokenValid(appID, accessToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, t, found := s.owner(accessToken)
	a := s.state.Apps[appID]
	return found && a != nil && a.holds(accessToken) && t.valid(s.now())
}

package wechatsim

import "maps"

// Call is a kind of request to count: by account, path, and whether a token was forced. AppID is
// as the request named it, or the access token's owner; "" when neither is known.
type Call struct {
	AppID, Path string
	Forced      bool
}

// arrive counts a request and finds its fault.
func (s *Sim) countCall(r *request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Call{AppID: r.body.AppID, Path: r.path, Forced: r.body.Force}
	if c.AppID == "" {
		c.AppID, _, _ = s.owner(r.token)
	}
	if c.AppID == "" {
		c.AppID, _ = s.grantOf(r.token)
	}
	s.calls[c]++
	return s.match(c)
}

// Calls is how many requests for a path there were, of all accounts. Refused and dropped ones
// count: what matters is how often WeChat was asked.
func (s *Sim) Calls(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for c, k := range s.calls {
		if c.Path == path {
			n += k
		}
	}
	return n
}

// Counts is the number of requests of each kind.
func (s *Sim) Counts() map[Call]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// ResetCounts starts counting anew; quotas are not touched.
func (s *Sim) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
}

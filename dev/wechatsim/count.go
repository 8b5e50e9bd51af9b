package wechatsim

import "maps"

// Call is a kind of request, by which requests are counted: account, path, and whether a token was
// forced. AppID is that of the request, or that of the access token; "" when neither is known.
type Call struct {
	AppID, Path string
	Forced      bool
}

// countCall counts a request and returns the fault that matches it.
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

// Calls is the number of requests for a path, of all accounts. Refused and dropped requests count,
// since they were sent to WeChat.
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

// ResetCounts sets all counts to zero. Quotas do not change.
func (s *Sim) ResetCounts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.calls)
}

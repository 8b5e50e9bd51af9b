package wechatsim

import (
	"net/http"
	"time"
)

// Fault makes the requests that it matches fail. Several of its parts may be set; they act in the
// order of the fields. ErrCode, Status and Body answer without a change of WeChat's state; of these,
// only Status and Body can be set together.
type Fault struct {
	Path  string // "" matches every path
	AppID string // "" matches every account
	Skip  int    // this many matching requests pass first
	Times int    // this many requests fail; 0 means all until ClearFaults

	DropBefore  bool          // the connection breaks before WeChat handles the request
	Delay       time.Duration // WeChat waits that long before it handles the request
	ErrCode     int           // refused with this errcode: -1, 45009, 40001 for a valid token, 10009 on a page ...
	ErrMsg      string        // default "wechatsim fault"
	Status      int           // another HTTP status
	Body        string        // another body, such as an HTML page; then Status defaults to 200
	DropAfter   bool          // WeChat's state has changed, but the answer is lost
	AnswerDelay time.Duration // WeChat's state has changed, but the answer is delayed
	BodyDelay   time.Duration // the second half of the body is delayed
}

// Fail adds a fault. If several match a request, the one that was added first applies.
func (s *Sim) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times <= 0 {
		f.Times = -1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all faults.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// match returns the first fault for a call, or the zero Fault.
func (s *Sim) match(c Call) Fault {
	for _, f := range s.faults {
		if f.Times == 0 || f.Path != "" && f.Path != c.Path || f.AppID != "" && f.AppID != c.AppID {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return *f
	}
	return Fault{}
}

// answer is the fault's own answer, if it has one.
func (f Fault) answer(s *Sim, r *request) (answer, bool) {
	if f.ErrCode != 0 {
		text := f.ErrMsg
		if text == "" {
			text = "wechatsim fault"
		}
		if e, _ := endpoints(r.path); e.page != nil {
			return errorPage(refuse(f.ErrCode, text)), true
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.render(nil, refuse(f.ErrCode, text), s.now()), true
	}
	if f.Status == 0 && f.Body == "" {
		return answer{}, false
	}
	a := answer{status: f.Status, contentType: "text/html; charset=utf-8", body: []byte(f.Body)}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a, true
}

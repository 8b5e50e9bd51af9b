package wechatsim

import (
	"net/http"
	"time"
)

// Fault is trouble for the requests it matches. Its parts work in the order they stand in; several
// may be set. Of the answers ErrCode, Status and Body, which leave WeChat's state as it is, Body
// may go along with Status.
type Fault struct {
	Path  string // "" matches every path
	AppID string // "" matches every account
	Skip  int    // so many matching requests pass unharmed first
	Times int    // so many are hit; 0 means all until ClearFaults

	DropBefore  bool          // the connection breaks before WeChat did anything
	Delay       time.Duration // WeChat takes that long before it does anything
	ErrCode     int           // refused with this errcode: -1, 45009, 40001 on a live token, 10009 on a page ...
	ErrMsg      string        // default "wechatsim fault"
	Status      int           // another HTTP status
	Body        string        // another body, such as an HTML page; Status defaults to 200 then
	DropAfter   bool          // WeChat's state has changed, but the answer is lost
	AnswerDelay time.Duration // WeChat's state has changed, but the answer comes late
	BodyDelay   time.Duration // the second half of the body comes late
}

// Fail adds a fault. Of several that match a request, the one that was added first is taken.
func (s *Sim) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times <= 0 {
		f.Times = -1
	}
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// match takes the first fault for a call, or none.
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

// refuse makes the fault's own answer, if it has one.
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

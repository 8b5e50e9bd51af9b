package page

import (
	"encoding/json"
	"mime"
	"net/http"
	"time"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

// Sample is a push that the page can send.
type Sample string

// The samples.
const (
	SampleText      Sample = "text"
	SampleEvent     Sample = "event"
	SampleDuplicate Sample = "duplicate" // one text, delivered three times
	SampleTampered  Sample = "tampered"  // in many ways; each must be refused
)

// actions are the requests that change something.
func (p *Page) actions() map[string]web.HandlerFunc {
	return map[string]web.HandlerFunc{
		"/_dev/fault": p.actFault,
		"/_dev/clear": p.actClear,
		"/_dev/clock": p.actClock,
		"/_dev/push":  p.actPush,
		"/_dev/mini":  p.actMini,
	}
}

// sameOrigin refuses requests that another site's page makes.
func sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := guard.Check(r); err != nil {
			web.WriteProblem(w, problem.OriginRefused.New("only the page of make dev may do this"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// read decodes a small JSON object into v. It requires the type application/json,
// which a form of another site cannot have.
func read(r *http.Request, v any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return problem.NotJSON.New("the body must be application/json")
	}
	body, err := web.ReadBody(r, 4<<10)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, v) != nil {
		return problem.BodyMalformed.New("the body is not the JSON object that this takes")
	}
	return nil
}

func done(w http.ResponseWriter) error {
	return web.JSON(w, http.StatusOK, map[string]bool{"done": true})
}

const (
	maxOutage = 24 * 60             // minutes
	maxAhead  = 30 * 24 * time.Hour // of the clock
)

func (p *Page) actFault(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		What    string `json:"what"`
		Minutes int    `json:"minutes"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Minutes < 0 || in.Minutes > maxOutage {
		return problem.MinutesInvalid.New("minutes is a number from 0 to 1440")
	}
	if err := p.startFault(in.What, in.Minutes); err != nil {
		return err
	}
	p.save()
	return done(w)
}

func (p *Page) actClear(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		What string `json:"what"` // all faults, if it is left out
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if err := p.clearFault(in.What); err != nil {
		return err
	}
	p.save()
	return done(w)
}

// actClock moves the clock forward. With the real WeChat the clock cannot be moved.
func (p *Page) actClock(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Minutes int `json:"minutes"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	switch {
	case p.cfg.Simulator == nil:
		return errNoSimulator
	case in.Minutes < 1 || in.Minutes > 180:
		return problem.MinutesInvalid.New("minutes is a number from 1 to 180")
	case p.cfg.Clock.Ahead() > maxAhead:
		return problem.ClockFarAhead.New("the clock is a month ahead; delete the store's files to start again")
	}
	if err := p.forward(r.Context(), in.Minutes); err != nil {
		return err
	}
	return done(w)
}

func (p *Page) actPush(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Sample Sample `json:"sample"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if p.cfg.Push == nil {
		return errNoSimulator
	}
	switch in.Sample {
	case SampleText, SampleEvent, SampleDuplicate, SampleTampered:
	default:
		return problem.SampleUnknown.New("the samples are text, event, duplicate and tampered")
	}
	report, err := p.cfg.Push(r.Context(), in.Sample)
	answer := struct {
		Report string `json:"report"`
		Failed string `json:"failed,omitempty"`
	}{Report: report}
	if err != nil {
		answer.Failed = err.Error()
	}
	return web.JSON(w, http.StatusOK, answer)
}

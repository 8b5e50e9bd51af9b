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

// The samples there are.
const (
	SampleText      Sample = "text"
	SampleEvent     Sample = "event"
	SampleDuplicate Sample = "duplicate" // one text, delivered three times
	SampleTampered  Sample = "tampered"  // in many ways; each must be refused
)

// actions are the requests that change something.
func (d *Page) actions() map[string]web.HandlerFunc {
	return map[string]web.HandlerFunc{
		"/_dev/break": d.actBreak,
		"/_dev/mend":  d.actMend,
		"/_dev/clock": d.actClock,
		"/_dev/push":  d.actPush,
		"/_dev/mini":  d.actMini,
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

// read decodes a small JSON object into v, and wants it labelled so: a form of
// another site cannot be.
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

// longest is how long an outage may be told to last, and mostAhead how far the
// clock may get.
const (
	longest   = 24 * 60 // minutes
	mostAhead = 30 * 24 * time.Hour
)

func (d *Page) actBreak(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		What    string `json:"what"`
		Minutes int    `json:"minutes"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Minutes < 0 || in.Minutes > longest {
		return problem.MinutesInvalid.New("minutes is a number from 0 to 1440")
	}
	if err := d.makeTrouble(in.What, in.Minutes); err != nil {
		return err
	}
	d.keep()
	return done(w)
}

func (d *Page) actMend(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		What string `json:"what"` // all, where it is left out
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if err := d.mend(in.What); err != nil {
		return err
	}
	d.keep()
	return done(w)
}

// actClock moves the clock forward, minute by minute. With the real WeChat there
// is no clock to move.
func (d *Page) actClock(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Minutes int `json:"minutes"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	switch {
	case d.Simulator == nil:
		return errNoSimulator
	case in.Minutes < 1 || in.Minutes > 180:
		return problem.MinutesInvalid.New("minutes is a number from 1 to 180")
	case d.Clock.Ahead() > mostAhead:
		return problem.ClockFarAhead.New("the clock is a month ahead; delete the store's files to start anew")
	}
	if err := d.forward(r.Context(), in.Minutes); err != nil {
		return err
	}
	return done(w)
}

func (d *Page) actPush(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Sample Sample `json:"sample"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	if d.Push == nil {
		return errNoSimulator
	}
	switch in.Sample {
	case SampleText, SampleEvent, SampleDuplicate, SampleTampered:
	default:
		return problem.SampleUnknown.New("there are text, event, duplicate and tampered")
	}
	report, err := d.Push(r.Context(), in.Sample)
	answer := struct {
		Report string `json:"report"`
		Failed string `json:"failed,omitempty"`
	}{Report: report}
	if err != nil {
		answer.Failed = err.Error()
	}
	return web.JSON(w, http.StatusOK, answer)
}

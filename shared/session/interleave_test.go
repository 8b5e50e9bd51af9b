package session

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// scene is a user with two sessions, of the tokens a and b. Token a was rotated from old.
type scene struct {
	*fixture
	old, a, b string
}

// action is what a process does. It may fail only because a session was revoked before.
type action struct {
	name string
	all  bool // a logout of all devices
	do   func(sc scene, p *process) error
}

var actions = []action{
	{name: "login", do: func(sc scene, p *process) error { return issued(p.Issue(sc.Context(), login())) }},
	{name: "repeated login", do: func(sc scene, p *process) error { return issued(p.Issue(sc.Context(), seeded(login()))) }},
	{name: "touch", do: func(sc scene, p *process) error { _, err := p.Touch(sc.Context(), sc.a); return err }},
	{name: "rotate", do: func(sc scene, p *process) error { _, _, err := p.Rotate(sc.Context(), sc.a); return err }},
	{name: "reuse", do: func(sc scene, p *process) error { _, err := p.Check(sc.Context(), sc.old); return err }},
	{name: "revoke", do: func(sc scene, p *process) error { return p.Revoke(sc.Context(), sc.a) }},
	{name: "revoke other", do: func(sc scene, p *process) error { return p.Revoke(sc.Context(), sc.b) }},
	{name: "revoke all", all: true, do: func(sc scene, p *process) error { return p.RevokeAll(sc.Context(), sc.a, "") }},
}

func issued(_ string, _ Session, _ bool, err error) error { return err }

// Of any two actions, one runs before each call of the other. Afterwards all valid sessions
// are listed, there are not too many, and a logout of all devices has revoked all sessions
// that were listed when it began.
func TestInterleavedActionsBreakNoRule(t *testing.T) {
	for _, outer := range actions {
		t.Run(outer.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{MaxDevices: 2}, func(w *fixture) {
				for _, inner := range actions {
					for call, ran := 1, true; ran; call++ {
						ran = w.interleave(outer, inner, call)
						if w.deleteAll(); w.Failed() {
							w.Fatalf("%s before call %d", inner.name, call)
						}
					}
				}
			})
		})
	}
}

func (w *fixture) interleave(outer, inner action, call int) (ran bool) {
	sc := scene{fixture: w, old: w.issue(login())}
	time.Sleep(4 * day)
	sc.a, sc.b = w.rotate(sc.old), w.issue(login())
	time.Sleep(4 * day) // less than half of the idle timeout is left

	p, start := w.process(), w.stored().Devices
	p.beforeCall(call, func() {
		ran = true
		listed := w.stored().Devices
		w.wantResult(inner, inner.do(sc, w.process()), listed)
	})
	w.wantResult(outer, outer.do(sc, p), start)
	w.wantListed("after both")
	if valid, listed := w.validIDs(), w.stored().Devices; len(valid) > 2 || len(listed) > 2 {
		w.Errorf("%d are valid, %d are listed", len(valid), len(listed))
	}
	return ran
}

// wantResult checks that the action succeeded, or that its session was revoked before. If a
// logout of all devices succeeded, no session that was listed when it began is valid.
func (w *fixture) wantResult(a action, err error, listed []Device) {
	w.Helper()
	if _, late := errors.AsType[*RevokedError](err); err != nil && !late {
		w.Errorf("%s: %v", a.name, err)
	}
	for _, d := range listed {
		if a.all && err == nil && slices.Contains(w.validIDs(), d.ID) {
			w.Errorf("a session is valid after %s", a.name)
		}
	}
}

package session

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// scene is a user with two devices; that of a was rotated once.
type scene struct {
	*world
	old, a, b string
}

// action is what a process does to the user. It may fail only for being late.
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

// Any two actions, one of them run whole before each call of the other: what
// lives is listed, nobody has too many, and whatever was listed when a logout of
// all devices began is dead after it.
func TestInterleaved(t *testing.T) {
	for _, outer := range actions {
		t.Run(outer.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, Config{MaxDevices: 2}, func(w *world) {
				for _, inner := range actions {
					for call, ran := 1, true; ran; call++ {
						ran = w.interleave(outer, inner, call)
						if w.clear(); w.Failed() {
							w.Fatalf("%s before call %d", inner.name, call)
						}
					}
				}
			})
		})
	}
}

func (w *world) interleave(outer, inner action, call int) (ran bool) {
	sc := scene{world: w, old: w.issue(login())}
	time.Sleep(4 * day)
	sc.a, sc.b = w.rotate(sc.old), w.issue(login())
	time.Sleep(4 * day) // both are due to be touched

	p, begun := w.process(), w.stored().Devices
	p.beforeCall(call, func() {
		ran = true
		listed := w.stored().Devices
		w.wantDone(inner, inner.do(sc, w.process()), listed)
	})
	w.wantDone(outer, outer.do(sc, p), begun)
	w.wantListed("after both")
	if alive, listed := w.alive(), w.stored().Devices; len(alive) > 2 || len(listed) > 2 {
		w.Errorf("%d live, %d are listed", len(alive), len(listed))
	}
	return ran
}

// wantDone: the action went well or came too late. Where it was a logout of all
// devices that went well, none lives of those that were listed when it began.
func (w *world) wantDone(a action, err error, listed []Device) {
	w.Helper()
	if _, late := errors.AsType[*RevokedError](err); err != nil && !late {
		w.Errorf("%s: %v", a.name, err)
	}
	for _, d := range listed {
		if a.all && err == nil && slices.Contains(w.alive(), d.ID) {
			w.Errorf("a session outlived %s", a.name)
		}
	}
}

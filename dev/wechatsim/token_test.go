package wechatsim

import (
	"net/url"
	"regexp"
	"testing"
	"time"
)

// TestClassicToken: each call a new value; the one before lives 300 s more.
func TestClassicToken(t *testing.T) {
	w := newFixture(t)
	first := w.classic()
	if first.expiresIn != 7200 || first.code != 0 {
		t.Fatalf("%+v", first)
	}
	w.advance(time.Hour)
	second := w.classic()
	if second.token == first.token || second.expiresIn != 7200 {
		t.Errorf("%+v", second)
	}
	w.advance(300*time.Second - 1)
	w.expectToken(first.token, true)
	w.advance(1)
	w.expectToken(first.token, false)
	w.expectToken(second.token, true)
}

// TestClassicOverlapNeverProlongs: a token in its last minute does not live five more.
func TestClassicOverlapNeverProlongs(t *testing.T) {
	w := newFixture(t)
	first := w.classic()
	w.advance(7140 * time.Second)
	w.classic()
	w.advance(60*time.Second - 1)
	w.expectToken(first.token, true)
	w.advance(1)
	w.expectToken(first.token, false)
}

// TestThirdClassicToken: the grace of the first does not start anew with a third.
func TestThirdClassicToken(t *testing.T) {
	w := newFixture(t)
	first := w.classic()
	second := w.classic()
	w.advance(200 * time.Second)
	w.classic()
	w.advance(100 * time.Second)
	w.expectToken(first.token, false)
	w.expectToken(second.token, true)
	w.advance(200 * time.Second)
	w.expectToken(second.token, false)
}

// TestStableToken: one value until 300 s are left, then another; both live until the first ends.
func TestStableToken(t *testing.T) {
	w := newFixture(t)
	first := w.stable(false)
	if first.expiresIn != 7200 {
		t.Fatalf("%+v", first)
	}
	w.advance(6899 * time.Second)
	if r := w.stable(false); r.token != first.token || r.expiresIn != 301 {
		t.Errorf("with 301 s left: %+v", r)
	}
	w.advance(time.Second - 1)
	if r := w.stable(false); r.token != first.token || r.expiresIn != 300 {
		t.Errorf("just before the last 300 s: %+v", r)
	}
	w.advance(1)
	second := w.stable(false)
	if second.token == first.token || second.expiresIn != 7200 {
		t.Errorf("with 300 s left: %+v", second)
	}
	w.advance(300*time.Second - 1)
	w.expectToken(first.token, true)
	w.expectToken(second.token, true)
	w.advance(1)
	w.expectToken(first.token, false)
	w.expectToken(second.token, true)
	if r := w.stable(false); r.token != second.token || r.expiresIn != 6900 {
		t.Errorf("%+v", r)
	}
}

// TestStableTokenAfterSilence: nobody asked in the last 300 s, so there was no overlap.
func TestStableTokenAfterSilence(t *testing.T) {
	w := newFixture(t)
	first := w.stable(false)
	w.advance(7200*time.Second - 1)
	w.expectToken(first.token, true)
	w.advance(1)
	w.expectToken(first.token, false)
	if r := w.stable(false); r.token == first.token || r.expiresIn != 7200 {
		t.Errorf("%+v", r)
	}
}

func TestForce(t *testing.T) {
	for _, overlap := range []time.Duration{0, 300 * time.Second} {
		w := newFixture(t, with(func(s *Switches) { s.ForceOverlap = overlap }))
		first := w.stable(false)
		w.advance(time.Minute)
		second := w.stable(true)
		if second.token == first.token || second.expiresIn != 7200 {
			t.Errorf("%+v", second)
		}
		if overlap > 0 {
			w.advance(overlap - 1)
			w.expectToken(first.token, true)
			w.advance(1)
		}
		w.expectToken(first.token, false)
		w.expectToken(second.token, true)
		if r := w.stable(false); r.token != second.token {
			t.Errorf("normal mode after force: %+v", r)
		}
	}
}

// TestForceWithinOverlap: both tokens that live in the last 300 s die.
func TestForceWithinOverlap(t *testing.T) {
	w := newFixture(t)
	first := w.stable(false)
	w.advance(6900 * time.Second)
	second := w.stable(false)
	third := w.stable(true)
	w.expectToken(first.token, false)
	w.expectToken(second.token, false)
	w.expectToken(third.token, true)
}

func TestEarlyForce(t *testing.T) {
	for _, code := range []int{0, 45011} {
		w := newFixture(t, with(func(s *Switches) { s.EarlyForceCode = code }))
		first := w.stable(true)
		w.advance(30*time.Second - 1)
		early := w.stable(true)
		early.expect(t, code)
		if code == 0 && (early.token != first.token || early.expiresIn != 7170) {
			t.Errorf("%+v", early)
		}
		w.expectToken(first.token, true)
		w.advance(1)
		if r := w.stable(true); r.token == "" || r.token == first.token {
			t.Errorf("after 30 s: %+v", r)
		}
	}
}

// TestForceBudget: twenty a day of China's; early calls are not among them.
func TestForceBudget(t *testing.T) {
	w := newFixture(t)
	for range 20 {
		w.stable(true).expect(t, 0)
		w.stable(true).expect(t, 0)
		w.advance(30 * time.Second)
	}
	w.stable(true).expect(t, 45009)
	w.stable(false).expect(t, 0)
	w.advanceTo(start.Add(12*time.Hour - 1))
	w.stable(true).expect(t, 45009)
	w.advance(1)
	w.stable(true).expect(t, 0)
}

// TestIsolation: classic and stable tokens do not touch each other.
func TestIsolation(t *testing.T) {
	w := newFixture(t)
	stable, classic := w.stable(false), w.classic()
	w.classic()
	w.stable(true)
	w.expectToken(classic.token, true)
	w.expectToken(stable.token, false)
	w.advance(300 * time.Second)
	w.expectToken(classic.token, false)

	w = newFixture(t)
	stable = w.stable(false)
	w.classic()
	w.classic()
	w.advance(time.Hour)
	w.expectToken(stable.token, true)
}

func TestForeignRefresh(t *testing.T) {
	w := newFixture(t)
	ours := w.stable(false)
	must(t, w.ForeignRefresh(appID))
	w.expectToken(ours.token, false)
	if r := w.stable(false); r.token == ours.token || r.token == "" {
		t.Errorf("%+v", r)
	}
	for range 20 {
		must(t, w.ForeignRefresh(appID)) // at once, and past the budget
	}
	w.advance(30 * time.Second)
	w.stable(true).expect(t, 45009)
	if n := w.Calls(PathStableToken); n != 3 {
		t.Errorf("foreign calls were counted as ours: %d", n)
	}
}

func TestForeignClassic(t *testing.T) {
	w := newFixture(t, func(c *Config) { c.Quotas.ClassicDay = 2 })
	ours := w.classic()
	must(t, w.ForeignClassic(appID))
	w.advance(300*time.Second - 1)
	w.expectToken(ours.token, true)
	w.advance(1)
	w.expectToken(ours.token, false)
	w.classic().expect(t, 45009) // they spend the same quota
}

func TestUnknownApp(t *testing.T) {
	w := newFixture(t)
	mustContain(t, w.ForeignRefresh("wx9"), "no app")
	mustContain(t, w.ForeignClassic("wx9"), "no app")
	mustContain(t, w.SetSecret("wx9", "x"), "no app")
	mustContain(t, w.Whitelist("wx9", GroupToken), "no app")
	if w.TokenValid("wx9", "x") || w.TicketValid("wx9", "jsapi", "x") {
		t.Error("alive without an account")
	}
	if w.TokenValid(other, w.stable(false).token) {
		t.Error("alive for another account")
	}
}

func TestLooks(t *testing.T) {
	urlSafe := regexp.MustCompile(`^[0-9]+_[A-Za-z0-9_-]+$`)
	for _, length := range []int{32, 157, 512, 2048} {
		w := newFixture(t, with(func(s *Switches) { s.TokenLength = length }))
		r := w.stable(false)
		if len(r.token) != length || !urlSafe.MatchString(r.token) {
			t.Errorf("%d: %q", len(r.token), r.token)
		}
		if v := w.ticket(); len(v) != 86 || url.QueryEscape(v) != v {
			t.Errorf("%q", v)
		}
	}
}

// TestSeed: the same seed repeats the same values, another one does not; accounts and kinds differ.
func TestSeed(t *testing.T) {
	values := func(seed string) string {
		w := newFixture(t, func(c *Config) { c.Seed = seed })
		return w.stable(false).token + w.classic().token + w.ticket()
	}
	a, again, b := values("a"), values("a"), values("b")
	if a != again || a == b {
		t.Error("values do not follow the seed")
	}
	w := newFixture(t)
	token := w.stable(false).token
	jsapi, card := w.fetchTicket(token, "jsapi"), w.fetchTicket(token, "wx_card")
	must(t, w.ForeignRefresh(other))
	if jsapi.ticket == card.ticket || token == w.classic().token || token == w.state.Apps[other].Stable[0].Value {
		t.Error("values repeat")
	}
}

package wechatsim

import (
	"fmt"
	"net/url"
	"regexp"
	"testing"
	"time"
)

// Each classic call makes a new token; the replaced one is valid for 300 s more.
func TestClassicTokenIsReplaced(t *testing.T) {
	f := newFixture(t)
	first := f.classic()
	if first.expiresIn != 7200 || first.code != 0 {
		t.Fatalf("%+v", first)
	}
	f.advance(time.Hour)
	second := f.classic()
	if second.token == first.token || second.expiresIn != 7200 {
		t.Errorf("%+v", second)
	}
	f.advance(300*time.Second - 1)
	f.expectToken(first.token, true)
	f.advance(1)
	f.expectToken(first.token, false)
	f.expectToken(second.token, true)
}

// Replacing a token in its last minute does not extend its lifetime.
func TestClassicOverlapDoesNotExtend(t *testing.T) {
	f := newFixture(t)
	first := f.classic()
	f.advance(7140 * time.Second)
	f.classic()
	f.advance(60*time.Second - 1)
	f.expectToken(first.token, true)
	f.advance(1)
	f.expectToken(first.token, false)
}

// A third token does not restart the 300 s of the first.
func TestThirdClassicTokenDoesNotExtendTheFirst(t *testing.T) {
	f := newFixture(t)
	first := f.classic()
	second := f.classic()
	f.advance(200 * time.Second)
	f.classic()
	f.advance(100 * time.Second)
	f.expectToken(first.token, false)
	f.expectToken(second.token, true)
	f.advance(200 * time.Second)
	f.expectToken(second.token, false)
}

// A stable token is repeated until 300 s are left. Then a new one is issued, and both are valid
// until the first expires.
func TestStableTokenIsRepeated(t *testing.T) {
	f := newFixture(t)
	first := f.stable(false)
	if first.expiresIn != 7200 {
		t.Fatalf("%+v", first)
	}
	f.advance(6899 * time.Second)
	if r := f.stable(false); r.token != first.token || r.expiresIn != 301 {
		t.Errorf("with 301 s left: %+v", r)
	}
	f.advance(time.Second - 1)
	if r := f.stable(false); r.token != first.token || r.expiresIn != 300 {
		t.Errorf("just before the last 300 s: %+v", r)
	}
	f.advance(1)
	second := f.stable(false)
	if second.token == first.token || second.expiresIn != 7200 {
		t.Errorf("with 300 s left: %+v", second)
	}
	f.advance(300*time.Second - 1)
	f.expectToken(first.token, true)
	f.expectToken(second.token, true)
	f.advance(1)
	f.expectToken(first.token, false)
	f.expectToken(second.token, true)
	if r := f.stable(false); r.token != second.token || r.expiresIn != 6900 {
		t.Errorf("%+v", r)
	}
}

// Without a call in the last 300 s, the token expires without an overlap.
func TestStableTokenExpires(t *testing.T) {
	f := newFixture(t)
	first := f.stable(false)
	f.advance(7200*time.Second - 1)
	f.expectToken(first.token, true)
	f.advance(1)
	f.expectToken(first.token, false)
	if r := f.stable(false); r.token == first.token || r.expiresIn != 7200 {
		t.Errorf("%+v", r)
	}
}

func TestForcedRefresh(t *testing.T) {
	for _, overlap := range []time.Duration{0, 300 * time.Second} {
		t.Run(fmt.Sprintf("ForceOverlap=%v", overlap), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.ForceOverlap = overlap }))
			first := f.stable(false)
			f.advance(time.Minute)
			second := f.stable(true)
			if second.token == first.token || second.expiresIn != 7200 {
				t.Errorf("%+v", second)
			}
			if overlap > 0 {
				f.advance(overlap - 1)
				f.expectToken(first.token, true)
				f.advance(1)
			}
			f.expectToken(first.token, false)
			f.expectToken(second.token, true)
			if r := f.stable(false); r.token != second.token {
				t.Errorf("normal mode after force: %+v", r)
			}
		})
	}
}

// A forced refresh ends both tokens that are valid in the last 300 s.
func TestForcedRefreshEndsBothTokens(t *testing.T) {
	f := newFixture(t)
	first := f.stable(false)
	f.advance(6900 * time.Second)
	second := f.stable(false)
	third := f.stable(true)
	f.expectToken(first.token, false)
	f.expectToken(second.token, false)
	f.expectToken(third.token, true)
}

func TestForcedRefreshWithin30Seconds(t *testing.T) {
	for _, code := range []int{0, 45011} {
		t.Run(fmt.Sprintf("EarlyForceCode=%d", code), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.EarlyForceCode = code }))
			first := f.stable(true)
			f.advance(30*time.Second - 1)
			early := f.stable(true)
			early.expect(t, code)
			if code == 0 && (early.token != first.token || early.expiresIn != 7170) {
				t.Errorf("%+v", early)
			}
			f.expectToken(first.token, true)
			f.advance(1)
			if r := f.stable(true); r.token == "" || r.token == first.token {
				t.Errorf("after 30 s: %+v", r)
			}
		})
	}
}

// 20 forced refreshes are allowed a day, in China's time. Calls that are too early do not count.
func TestForcedRefreshQuota(t *testing.T) {
	f := newFixture(t)
	for range 20 {
		f.stable(true).expect(t, 0)
		f.stable(true).expect(t, 0)
		f.advance(30 * time.Second)
	}
	f.stable(true).expect(t, 45009)
	f.stable(false).expect(t, 0)
	f.advanceTo(start.Add(12*time.Hour - 1))
	f.stable(true).expect(t, 45009)
	f.advance(1)
	f.stable(true).expect(t, 0)
}

// Classic and stable tokens do not affect each other.
func TestClassicAndStableTokensAreIndependent(t *testing.T) {
	f := newFixture(t)
	stable, classic := f.stable(false), f.classic()
	f.classic()
	f.stable(true)
	f.expectToken(classic.token, true)
	f.expectToken(stable.token, false)
	f.advance(300 * time.Second)
	f.expectToken(classic.token, false)

	f = newFixture(t)
	stable = f.stable(false)
	f.classic()
	f.classic()
	f.advance(time.Hour)
	f.expectToken(stable.token, true)
}

func TestForeignRefresh(t *testing.T) {
	f := newFixture(t)
	ours := f.stable(false)
	must(t, f.ForeignRefresh(appID))
	f.expectToken(ours.token, false)
	if r := f.stable(false); r.token == ours.token || r.token == "" {
		t.Errorf("%+v", r)
	}
	for range 20 {
		must(t, f.ForeignRefresh(appID)) // without a pause, and past the quota
	}
	f.advance(30 * time.Second)
	f.stable(true).expect(t, 45009)
	if n := f.Calls(PathStableToken); n != 3 {
		t.Errorf("foreign calls were counted as ours: %d", n)
	}
}

func TestForeignClassic(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Quotas.ClassicDay = 2 })
	ours := f.classic()
	must(t, f.ForeignClassic(appID))
	f.advance(300*time.Second - 1)
	f.expectToken(ours.token, true)
	f.advance(1)
	f.expectToken(ours.token, false)
	f.classic().expect(t, 45009) // they use the same quota
}

func TestUnknownApp(t *testing.T) {
	f := newFixture(t)
	mustContain(t, f.ForeignRefresh("wx9"), "no app")
	mustContain(t, f.ForeignClassic("wx9"), "no app")
	mustContain(t, f.SetSecret("wx9", "x"), "no app")
	mustContain(t, f.Whitelist("wx9", GroupToken), "no app")
	if f.TokenValid("wx9", "x") || f.TicketValid("wx9", "jsapi", "x") {
		t.Error("valid without an account")
	}
	if f.TokenValid(other, f.stable(false).token) {
		t.Error("valid for another account")
	}
}

func TestFormOfTokensAndTickets(t *testing.T) {
	urlSafe := regexp.MustCompile(`^[0-9]+_[A-Za-z0-9_-]+$`)
	for _, length := range []int{32, 157, 512, 2048} {
		t.Run(fmt.Sprintf("TokenLength=%d", length), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.TokenLength = length }))
			r := f.stable(false)
			if len(r.token) != length || !urlSafe.MatchString(r.token) {
				t.Errorf("%d: %q", len(r.token), r.token)
			}
			if v := f.ticket(); len(v) != 86 || url.QueryEscape(v) != v {
				t.Errorf("%q", v)
			}
		})
	}
}

// Equal seeds give equal values, different seeds do not. Values differ by account and by kind.
func TestSeedDecidesValues(t *testing.T) {
	values := func(seed string) string {
		f := newFixture(t, func(c *Config) { c.Seed = seed })
		return f.stable(false).token + f.classic().token + f.ticket()
	}
	a, again, b := values("a"), values("a"), values("b")
	if a != again || a == b {
		t.Error("values do not follow the seed")
	}
	f := newFixture(t)
	token := f.stable(false).token
	jsapi, card := f.fetchTicket(token, "jsapi"), f.fetchTicket(token, "wx_card")
	must(t, f.ForeignRefresh(other))
	if jsapi.ticket == card.ticket || token == f.classic().token || token == f.state.Apps[other].Stable[0].Value {
		t.Error("values repeat")
	}
}

package wechatsim

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRestart: what WeChat would remember survives, and nothing repeats.
func TestRestart(t *testing.T) {
	w := newFixture(t, func(c *Config) { c.Quotas.ForceDay = 1 })
	stable, classic, ticket := w.stable(true).token, w.classic().token, w.ticket()
	must(t, w.Whitelist(appID, GroupToken, "203.0.113.5"))
	snapshot, err := w.Snapshot()
	must(t, err)
	if strings.Contains(string(snapshot), secret) {
		t.Error("the snapshot holds the AppSecret")
	}

	v := newFixture(t, func(c *Config) { c.Quotas.ForceDay = 1 })
	v.advance(time.Hour)
	must(t, v.Restore(snapshot))
	v.expectToken(stable, true)
	v.expectToken(classic, true)
	v.expectTicket(ticket, true)
	v.stable(false).expect(t, 40164)
	must(t, v.WhitelistOff(appID, GroupToken))
	if r := v.stable(false); r.token != stable || r.expiresIn != 3600 {
		t.Errorf("%+v", r)
	}
	v.stable(true).expect(t, 45009)
	if again := v.classic().token; again == classic || again == stable {
		t.Error("a token repeats after the restart")
	}
	if v.ticket() != ticket {
		t.Error("another ticket after the restart")
	}
}

func TestRestoreOtherApps(t *testing.T) {
	w := newFixture(t)
	token := w.stable(false).token
	snapshot, err := w.Snapshot()
	must(t, err)
	s, err := New(Config{Apps: []App{{ID: "wx3", Secret: "x"}}})
	must(t, err)
	must(t, s.Restore(snapshot))
	if s.TokenValid(appID, token) {
		t.Error("an account that is not configured came back")
	}
	must(t, s.ForeignRefresh("wx3"))
}

func TestRestoreRefuses(t *testing.T) {
	w := newFixture(t)
	token := w.stable(false).token
	for _, text := range []string{"", "null", "{}", `{"apps":7}`, `{"tokens":{}}`, "[]"} {
		if w.Restore([]byte(text)) == nil {
			t.Errorf("took %q", text)
		}
	}
	w.expectToken(token, true)
	must(t, w.Restore([]byte(`{"apps":{"`+appID+`":{}}}`)))
	w.stable(false).expect(t, 0)
}

func TestOnChange(t *testing.T) {
	var changes atomic.Int32
	var w *fixture
	w = newFixture(t, func(c *Config) {
		c.OnChange = func() {
			changes.Add(1)
			if _, err := w.Snapshot(); err != nil { // the lock is free
				t.Error(err)
			}
		}
	})
	for _, c := range []struct {
		name string
		want int32
		do   func()
	}{
		{"token", 1, func() { w.stable(false) }},
		{"refused", 0, func() { w.fetchTicket("x", "jsapi") }},
		{"classic", 1, func() { w.classic() }},
		{"foreign", 1, func() { must(t, w.ForeignRefresh(appID)) }},
		{"whitelist", 1, func() { must(t, w.Whitelist(appID, GroupAPI)) }},
		{"looking", 0, func() { w.CurrentTicket(appID, "jsapi") }},
	} {
		before := changes.Load()
		c.do()
		if n := changes.Load() - before; n != c.want {
			t.Errorf("%s: %d changes, want %d", c.name, n, c.want)
		}
	}
}

// TestPastIsBounded: weeks of tokens do not pile up.
func TestPastIsBounded(t *testing.T) {
	w := newFixture(t)
	for range 300 {
		w.classic()
		w.stable(false)
		w.ticket()
		w.advance(2 * time.Hour)
	}
	a := w.state.Apps[appID]
	if len(a.Classic) != maxPast || len(a.Stable) != maxPast || len(a.Tickets["jsapi"]) != maxPast {
		t.Errorf("%d %d %d", len(a.Classic), len(a.Stable), len(a.Tickets["jsapi"]))
	}
}

// TestConcurrent: many at once see one token and one ticket, and the counts add up.
func TestConcurrent(t *testing.T) {
	w := newFixture(t)
	var tokens, tickets sync.Map
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			token := w.stable(false).token
			tokens.Store(token, true)
			tickets.Store(w.fetchTicket(token, "jsapi").ticket, true)
			w.TokenValid(appID, token)
			w.CurrentTicket(appID, "jsapi")
			w.Fail(Fault{Path: PathDomainIPs, ErrCode: -1, Times: 1})
			_, _ = w.Snapshot()
			w.Counts()
		})
	}
	wg.Wait()
	if size(&tokens) != 1 || size(&tickets) != 1 || w.Calls(PathStableToken) != 100 || w.Calls(PathTicket) != 100 {
		t.Errorf("%d tokens, %d tickets, %v", size(&tokens), size(&tickets), w.Counts())
	}
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

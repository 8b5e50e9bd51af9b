package wechatsim

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Tokens, tickets, quotas and whitelists are restored, and new values do not repeat old ones.
func TestRestore(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Quotas.ForceDay = 1 })
	stable, classic, ticket := f.stable(true).token, f.classic().token, f.ticket()
	must(t, f.Whitelist(appID, GroupToken, "203.0.113.5"))
	snapshot, err := f.Snapshot()
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

func TestRestoreSkipsUnknownApps(t *testing.T) {
	f := newFixture(t)
	token := f.stable(false).token
	snapshot, err := f.Snapshot()
	must(t, err)
	s, err := New(Config{Apps: []App{{ID: "wx3", Secret: "x"}}})
	must(t, err)
	must(t, s.Restore(snapshot))
	if s.TokenValid(appID, token) {
		t.Error("an account that is not configured was restored")
	}
	must(t, s.ForeignRefresh("wx3"))
}

func TestRestoreChecksTheSnapshot(t *testing.T) {
	f := newFixture(t)
	token := f.stable(false).token
	for _, c := range []struct{ name, snapshot string }{
		{"nothing", ""},
		{"null", "null"},
		{"empty object", "{}"},
		{"apps is a number", `{"apps":7}`},
		{"tokens and no apps", `{"tokens":{}}`},
		{"array", "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if f.Restore([]byte(c.snapshot)) == nil {
				t.Errorf("%q was accepted", c.snapshot)
			}
		})
	}
	f.expectToken(token, true)
	must(t, f.Restore([]byte(`{"apps":{"`+appID+`":{}}}`)))
	f.stable(false).expect(t, 0)
}

func TestOnChange(t *testing.T) {
	var changes atomic.Int32
	var f *fixture
	f = newFixture(t, func(c *Config) {
		c.OnChange = func() {
			changes.Add(1)
			if _, err := f.Snapshot(); err != nil { // which needs the lock
				t.Error(err)
			}
		}
	})
	for _, c := range []struct {
		name string
		want int32
		do   func()
	}{
		{"token", 1, func() { f.stable(false) }},
		{"refused", 0, func() { f.fetchTicket("x", "jsapi") }},
		{"classic", 1, func() { f.classic() }},
		{"foreign", 1, func() { must(t, f.ForeignRefresh(appID)) }},
		{"whitelist", 1, func() { must(t, f.Whitelist(appID, GroupAPI)) }},
		{"reading", 0, func() { f.CurrentTicket(appID, "jsapi") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := changes.Load()
			c.do()
			if n := changes.Load() - before; n != c.want {
				t.Errorf("%d changes, want %d", n, c.want)
			}
		})
	}
}

// The state holds a bounded number of past tokens and tickets.
func TestPastIsBounded(t *testing.T) {
	f := newFixture(t)
	for range 300 {
		f.classic()
		f.stable(false)
		f.ticket()
		f.advance(2 * time.Hour)
	}
	a := f.state.Apps[appID]
	if len(a.Classic) != maxPast || len(a.Stable) != maxPast || len(a.Tickets["jsapi"]) != maxPast {
		t.Errorf("%d %d %d", len(a.Classic), len(a.Stable), len(a.Tickets["jsapi"]))
	}
}

// Concurrent calls get one token and one ticket, and all are counted.
func TestConcurrentCalls(t *testing.T) {
	f := newFixture(t)
	var tokens, tickets sync.Map
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			token := f.stable(false).token
			tokens.Store(token, true)
			tickets.Store(f.fetchTicket(token, "jsapi").ticket, true)
			f.TokenValid(appID, token)
			f.CurrentTicket(appID, "jsapi")
			f.Fail(Fault{Path: PathDomainIPs, ErrCode: -1, Times: 1})
			_, _ = f.Snapshot()
			f.Counts()
		})
	}
	wg.Wait()
	if size(&tokens) != 1 || size(&tickets) != 1 || f.Calls(PathStableToken) != 100 || f.Calls(PathTicket) != 100 {
		t.Errorf("%d tokens, %d tickets, %v", size(&tokens), size(&tickets), f.Counts())
	}
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

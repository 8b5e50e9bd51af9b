package page

import (
	"cmp"
	"context"
	"html/template"
	"slices"
	"time"

	"wechatfn/shared/credential"
	"wechatfn/shared/refresher"
)

// Tones of the state line.
const (
	toneGood = "good" // nothing to do
	toneWarn = "warn" // something is wrong, and pages are signed all the same
	toneBad  = "bad"  // pages are not signed
)

// State is how everything stands, in one language, for the page to show.
type State struct {
	Tone   string        `json:"tone"`
	Line   string        `json:"line"`
	Clock  string        `json:"clock"`
	Ahead  string        `json:"ahead"` // empty when the clock is not
	By     string        `json:"by"`    // the same for --ahead of wechatfn trigger
	Broken []string      `json:"broken"`
	Ends   bool          `json:"ends"` // the outage, by itself
	Life   template.HTML `json:"life"` // the picture, its legend and its tables
}

// state looks at the table and at the troubles that stand. Errors: the store's.
func (d *Page) state(ctx context.Context, w words, width int) (State, error) {
	d.settle()
	report, err := d.Refresher.Status(ctx)
	if err != nil {
		return State{}, err
	}
	now := d.Clock.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	s := State{Clock: now.Format(time.DateTime), Broken: sorted(d.troubles.since), Ends: !d.troubles.until.IsZero()}
	if ahead := d.Clock.Ahead(); ahead > 0 {
		s.By = ahead.Round(time.Minute).String()
		s.Ahead = w.say("clock.ahead", "by", s.By)
	}
	s.Tone, s.Line = d.line(w, report, now)
	s.Life, err = d.history.render(w, report, now, width)
	return s, err
}

// line says in a few sentences what is wrong and what comes of it.
func (d *Page) line(w words, report refresher.Report, now time.Time) (tone, line string) {
	account := d.reportOn(report)
	ticket := now.Add(time.Duration(account.Tickets["jsapi"].SecondsLeft) * time.Second)
	alive := ticket.Sub(now) > credential.Margin
	said := d.wrong(w, account)
	switch {
	case !alive:
		return toneBad, said + w.say("state.dead")
	case said != "":
		return toneWarn, said + w.say("state.ticket", "until", shortTime(ticket))
	default:
		token := now.Add(time.Duration(account.Token.SecondsLeft) * time.Second)
		return toneGood, w.say("state.well", "from", shortTime(token.Add(-5*time.Minute)))
	}
}

func (d *Page) wrong(w words, account refresher.AccountReport) (said string) {
	for _, what := range sorted(d.troubles.since) {
		switch {
		case what == troubleDown && !d.troubles.until.IsZero():
			said += w.say("state.down.until", "until", shortTime(d.troubles.until))
		default:
			said += w.say("state." + what)
		}
	}
	if f := firstFailure(account); f != nil && (said == "" || len(d.troubles.since) == 1 && d.troubles.stands(troubleToken)) {
		said += w.say("state.failing", "op", f.Op, "why", reason(f), "at", shortTime(time.Unix(f.Until, 0)))
	}
	return said
}

// reportOn is what the report says of the account that the page is about.
func (d *Page) reportOn(report refresher.Report) refresher.AccountReport {
	i := slices.IndexFunc(report.Accounts, func(a refresher.AccountReport) bool { return a.App == d.account.Name })
	if i < 0 {
		return refresher.AccountReport{} // of a kick for another account
	}
	return report.Accounts[i]
}

func firstFailure(account refresher.AccountReport) *credential.Failure {
	if account.Token.Failure != nil {
		return account.Token.Failure
	}
	for _, kind := range sorted(account.Tickets) {
		if f := account.Tickets[kind].Failure; f != nil {
			return f
		}
	}
	return nil
}

func shortTime(t time.Time) string { return t.Local().Format("15:04") }

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

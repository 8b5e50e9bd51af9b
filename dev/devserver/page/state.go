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
	toneWarn = "warn" // something is wrong, but pages are signed
	toneBad  = "bad"  // pages are not signed
)

// State is the state of the page, in one language.
type State struct {
	Tone       string        `json:"tone"`
	Line       string        `json:"line"`
	Clock      string        `json:"clock"`
	Ahead      string        `json:"ahead"` // empty if the clock is not ahead
	By         string        `json:"by"`    // the same for --ahead of wechatfn trigger
	Faults     []string      `json:"faults"`
	OutageEnds bool          `json:"outageEnds"` // by itself
	History    template.HTML `json:"history"`    // the chart, its legend and its tables
}

// state reads the table and the current faults. Errors: the store's.
func (p *Page) state(ctx context.Context, w words, width int) (State, error) {
	p.endOutage()
	report, err := p.cfg.Refresher.Status(ctx)
	if err != nil {
		return State{}, err
	}
	now := p.cfg.Clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Clock: now.Format(time.DateTime), Faults: sorted(p.faults.since), OutageEnds: !p.faults.until.IsZero()}
	if ahead := p.cfg.Clock.Ahead(); ahead > 0 {
		s.By = ahead.Round(time.Minute).String()
		s.Ahead = w.say("clock.ahead", "by", s.By)
	}
	s.Tone, s.Line = p.line(w, report, now)
	s.History, err = p.history.render(w, report, now, width)
	return s, err
}

// line says in a few sentences what is wrong, and what follows from it.
func (p *Page) line(w words, report refresher.Report, now time.Time) (tone, line string) {
	account := p.reportOn(report)
	ticket := now.Add(time.Duration(account.Tickets["jsapi"].SecondsLeft) * time.Second)
	valid := ticket.Sub(now) > credential.Margin
	said := p.problems(w, account)
	switch {
	case !valid:
		return toneBad, said + w.say("state.unsigned")
	case said != "":
		return toneWarn, said + w.say("state.ticket", "until", shortTime(ticket))
	default:
		token := now.Add(time.Duration(account.Token.SecondsLeft) * time.Second)
		return toneGood, w.say("state.well", "from", shortTime(token.Add(-5*time.Minute)))
	}
}

func (p *Page) problems(w words, account refresher.AccountReport) (said string) {
	for _, what := range sorted(p.faults.since) {
		switch {
		case what == faultDown && !p.faults.until.IsZero():
			said += w.say("state.down.until", "until", shortTime(p.faults.until))
		default:
			said += w.say("state." + what)
		}
	}
	if f := firstFailure(account); f != nil && (said == "" || len(p.faults.since) == 1 && p.faults.active(faultToken)) {
		said += w.say("state.failing", "op", f.Op, "why", reason(f), "at", shortTime(time.Unix(f.Until, 0)))
	}
	return said
}

// reportOn is the report of the account that the page shows.
func (p *Page) reportOn(report refresher.Report) refresher.AccountReport {
	i := slices.IndexFunc(report.Accounts, func(a refresher.AccountReport) bool { return a.App == p.account.Name })
	if i < 0 {
		return refresher.AccountReport{} // of a refresh request for another account
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

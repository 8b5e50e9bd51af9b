package page

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"wechatfn/shared/refresher"
)

// event is an entry of the table below the chart.
type event struct {
	At   int64
	When string
	What string
}

// maxEvents is how many events the table shows.
const maxEvents = 40

func (h *history) events(w words) (all []event) {
	for _, t := range h.Timelines {
		for i, s := range t.Spans {
			if t.renewed(i) {
				all = append(all, event{s.From, clock(s.From), w.say("event.renewed", "what", w.credential(t), "until", clock(s.End))})
			}
			if s.Failure != "" {
				all = append(all, event{s.From, during(s.From, s.To), w.say("event.failure", "what", w.credential(t), "why", s.Failure)})
			}
		}
	}
	for _, f := range h.Faults {
		all = append(all, event{f.From, during(f.From, f.To), w.say("period." + f.What)})
	}
	for _, r := range refusalPeriods(h.Refused) {
		all = append(all, event{r.from, during(r.from, r.to), w.say("event.refused", "times", fmt.Sprint(r.times))})
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(b.At, a.At) })
	return all[:min(maxEvents, len(all))]
}

// refusalPeriod is a time in which signatures were refused in each minute.
type refusalPeriod struct {
	from, to int64
	times    int
}

// refusalPeriods joins minutes that follow one another.
func refusalPeriods(all []refusal) (out []refusalPeriod) {
	for _, r := range all {
		if n := len(out); n > 0 && r.At-out[n-1].to <= 60 {
			out[n-1].to, out[n-1].times = r.At, out[n-1].times+r.Times
			continue
		}
		out = append(out, refusalPeriod{r.At, r.At, r.Times})
	}
	return out
}

// describe is the text of the chart.
func (h *history) describe(w words, from int64) string {
	var said []string
	for _, t := range h.Timelines {
		n := 0
		for i, s := range t.Spans {
			if s.From >= from && t.renewed(i) {
				n++
			}
		}
		said = append(said, w.say("history.desc", "what", w.credential(t), "times", fmt.Sprint(n)))
	}
	return strings.Join(said, " ")
}

func (w words) credential(t timeline) string {
	if t.Kind == "token" {
		return w.say("history.token", "app", t.App)
	}
	return w.say("history.ticket", "app", t.App, "kind", t.Kind)
}

// left is a remaining lifetime.
func (w words) left(seconds int64) string {
	if seconds <= 0 {
		return w.say("history.none")
	}
	return w.say("history.left", "left", fmt.Sprintf("%d:%02d", seconds/3600, seconds/60%60))
}

// row is the current state of one credential.
type row struct{ What, Left, Until, Failure string }

func rows(w words, report refresher.Report, now time.Time) (all []row) {
	add := func(t timeline, c refresher.CredentialReport) {
		r := row{What: w.credential(t), Left: w.left(c.SecondsLeft), Until: "–", Failure: cmp.Or(failure(c), "–")}
		if c.SecondsLeft > 0 {
			r.Until = shortTime(now.Add(time.Duration(c.SecondsLeft) * time.Second))
		}
		all = append(all, r)
	}
	for _, account := range report.Accounts {
		add(timeline{App: account.App, Kind: "token"}, account.Token)
		for _, kind := range sorted(account.Tickets) {
			add(timeline{App: account.App, Kind: kind}, account.Tickets[kind])
		}
	}
	return all
}

// render is the chart with its tables, as HTML.
func (h *history) render(w words, report refresher.Report, now time.Time, width int) (template.HTML, error) {
	var out strings.Builder
	err := pages.ExecuteTemplate(&out, "history.html", map[string]any{
		"T": w.say, "Chart": template.HTML(h.draw(w, now, width)),
		"Rows": rows(w, report, now), "Events": h.events(w),
	})
	return template.HTML(out.String()), err
}

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

// event is something that happened, for the table beside the picture.
type event struct {
	At   int64
	When string
	What string
}

// listed is how many events the table shows.
const listed = 40

func (h *history) events(w words) (all []event) {
	for _, l := range h.Lives {
		for i, s := range l.Spans {
			if l.renewed(i) {
				all = append(all, event{s.From, clock(s.From), w.say("event.renewed", "what", w.credential(l), "until", clock(s.End))})
			}
			if s.Trouble != "" {
				all = append(all, event{s.From, during(s.From, s.To), w.say("event.trouble", "what", w.credential(l), "why", s.Trouble)})
			}
		}
	}
	for _, b := range h.Bands {
		all = append(all, event{b.From, during(b.From, b.To), w.say("band." + b.What)})
	}
	for _, r := range runs(h.Refused) {
		all = append(all, event{r.from, during(r.from, r.to), w.say("event.refused", "times", fmt.Sprint(r.times))})
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(b.At, a.At) })
	return all[:min(listed, len(all))]
}

// run is a time in which signatures were refused again and again.
type run struct {
	from, to int64
	times    int
}

// runs joins minutes that follow one another.
func runs(all []refusal) (out []run) {
	for _, r := range all {
		if n := len(out); n > 0 && r.At-out[n-1].to <= 60 {
			out[n-1].to, out[n-1].times = r.At, out[n-1].times+r.Times
			continue
		}
		out = append(out, run{r.At, r.At, r.Times})
	}
	return out
}

// describe tells the picture in words.
func (h *history) describe(w words, from int64) string {
	var said []string
	for _, l := range h.Lives {
		n := 0
		for i, s := range l.Spans {
			if s.From >= from && l.renewed(i) {
				n++
			}
		}
		said = append(said, w.say("life.desc", "what", w.credential(l), "times", fmt.Sprint(n)))
	}
	return strings.Join(said, " ")
}

func (w words) credential(l life) string {
	if l.Kind == "token" {
		return w.say("life.token", "app", l.App)
	}
	return w.say("life.ticket", "app", l.App, "kind", l.Kind)
}

// left is a remaining life.
func (w words) left(seconds int64) string {
	if seconds <= 0 {
		return w.say("life.none")
	}
	return w.say("life.left", "left", fmt.Sprintf("%d:%02d", seconds/3600, seconds/60%60))
}

// row is one credential as it stands.
type row struct{ What, Left, Until, Trouble string }

func rows(w words, report refresher.Report, now time.Time) (all []row) {
	add := func(l life, c refresher.CredentialReport) {
		r := row{What: w.credential(l), Left: w.left(c.SecondsLeft), Until: "–", Trouble: cmp.Or(trouble(c), "–")}
		if c.SecondsLeft > 0 {
			r.Until = shortTime(now.Add(time.Duration(c.SecondsLeft) * time.Second))
		}
		all = append(all, r)
	}
	for _, account := range report.Accounts {
		add(life{App: account.App, Kind: "token"}, account.Token)
		for _, kind := range sorted(account.Tickets) {
			add(life{App: account.App, Kind: kind}, account.Tickets[kind])
		}
	}
	return all
}

// render is the picture with its tables, as HTML.
func (h *history) render(w words, report refresher.Report, now time.Time, width int) (template.HTML, error) {
	var out strings.Builder
	err := pages.ExecuteTemplate(&out, "life.html", map[string]any{
		"T": w.say, "Chart": template.HTML(h.draw(w, now, width)),
		"Rows": rows(w, report, now), "Events": h.events(w),
	})
	return template.HTML(out.String()), err
}

package page

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"wechatfn/shared/credential"
	"wechatfn/shared/refresher"
)

// historyWindow is how far back the chart can reach.
const historyWindow = 8 * time.Hour

const (
	// endTolerance is the difference of ends that counts as the same end, in seconds:
	// a report has whole seconds.
	endTolerance = 2
	// maxGap is the longest time between two reports of one span, in seconds. A longer
	// gap means that the server did not run.
	maxGap = 3 * 60
	// maxEntries limits the entries of each kind.
	maxEntries = 600
)

// history has the events of the last hours. Times are Unix seconds.
type history struct {
	Timelines []timeline    `json:"timelines"`
	Faults    []faultPeriod `json:"faults"`
	Refused   []refusal     `json:"refused"`
}

// timeline is the history of one credential.
type timeline struct {
	App   string `json:"app"`
	Kind  string `json:"kind"` // "token", or the ticket's type
	Spans []span `json:"spans"`
}

// span is a time in which a credential had the same end and the same failure.
type span struct {
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	End     int64  `json:"end"` // not after From without a valid value
	Failure string `json:"failure,omitempty"`
}

// faultPeriod is a fault from its start to its end. To is 0 while it lasts.
type faultPeriod struct {
	What string `json:"what"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

// refusal counts the 503s of a minute.
type refusal struct {
	At    int64 `json:"at"`
	Times int   `json:"times"`
}

func (h *history) record(now time.Time, report refresher.Report) {
	for _, account := range report.Accounts {
		h.timeline(account.App, "token").record(now.Unix(), account.Token)
		for _, kind := range sorted(account.Tickets) {
			h.timeline(account.App, kind).record(now.Unix(), account.Tickets[kind])
		}
	}
	h.dropOlder(now.Add(-historyWindow).Unix())
}

func (h *history) timeline(app, kind string) *timeline {
	i := slices.IndexFunc(h.Timelines, func(t timeline) bool { return t.App == app && t.Kind == kind })
	if i < 0 {
		i = len(h.Timelines)
		h.Timelines = append(h.Timelines, timeline{App: app, Kind: kind})
	}
	return &h.Timelines[i]
}

func (t *timeline) record(now int64, c refresher.CredentialReport) {
	next := span{From: now, To: now, End: now + c.SecondsLeft, Failure: failure(c)}
	n := len(t.Spans)
	if n == 0 {
		t.Spans = []span{next}
		return
	}
	last := &t.Spans[n-1]
	gap := now-last.To > maxGap
	if c.SecondsLeft == 0 {
		next.End = min(last.End, now) // not later than it was known to end
	}
	if !gap { // the change was between the two reports
		last.To = now
	}
	if gap || last.Failure != next.Failure || next.End > last.End+endTolerance || next.End < last.End-endTolerance {
		t.Spans = append(t.Spans, next)
	}
}

// failure is the reason of a failed call to WeChat.
func failure(c refresher.CredentialReport) string {
	if c.Failure == nil {
		return ""
	}
	return reason(c.Failure)
}

func reason(f *credential.Failure) string {
	if f.Code == 0 {
		return f.Class
	}
	return fmt.Sprintf("errcode %d", f.Code)
}

func (h *history) begin(what string, now time.Time) {
	if i := h.current(what); i < 0 {
		h.Faults = append(h.Faults, faultPeriod{What: what, From: now.Unix()})
	}
}

// end ends the periods of faults that are not in active.
func (h *history) end(active map[string]int64, now time.Time) {
	for i := range h.Faults {
		if f := &h.Faults[i]; f.To == 0 && active[f.What] == 0 {
			f.To = max(now.Unix(), f.From)
		}
	}
}

func (h *history) current(what string) int {
	return slices.IndexFunc(h.Faults, func(f faultPeriod) bool { return f.What == what && f.To == 0 })
}

func (h *history) addRefusal(now time.Time) {
	minute := now.Truncate(time.Minute).Unix()
	if n := len(h.Refused); n > 0 && h.Refused[n-1].At == minute {
		h.Refused[n-1].Times++
		return
	}
	h.Refused = append(h.Refused, refusal{At: minute, Times: 1})
}

func (h *history) dropOlder(before int64) {
	for i := range h.Timelines {
		t := &h.Timelines[i]
		t.Spans = latest(t.Spans, func(s span) bool { return s.To < before })
	}
	h.Faults = latest(h.Faults, func(f faultPeriod) bool { return f.To != 0 && f.To < before })
	h.Refused = latest(h.Refused, func(r refusal) bool { return r.At < before })
}

func latest[T any](all []T, old func(T) bool) []T {
	all = slices.DeleteFunc(all, old)
	return all[max(0, len(all)-maxEntries):]
}

// savedState is what a restart restores.
type savedState struct {
	Ahead   time.Duration `json:"ahead"`
	History history       `json:"history"`
}

// restore loads the saved state. A clock that was ahead stays ahead, since the times
// in the store depend on it.
func (p *Page) restore() error {
	if p.cfg.Saved == nil {
		return nil
	}
	var saved savedState
	if err := json.Unmarshal(p.cfg.Saved, &saved); err != nil {
		return fmt.Errorf("page: the saved state cannot be read: %w", err)
	}
	p.history = saved.History
	if p.cfg.Simulator != nil {
		p.cfg.Clock.forward(max(0, saved.Ahead))
	}
	return nil
}

// save saves the state. A failure is only logged, since it loses nothing but the chart.
func (p *Page) save() {
	if p.cfg.Save == nil {
		return
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	p.mu.Lock()
	text, err := json.Marshal(savedState{Ahead: p.cfg.Clock.Ahead(), History: p.history})
	p.mu.Unlock()
	if err == nil {
		err = p.cfg.Save(text)
	}
	if err != nil {
		p.cfg.Logger.Warn("the state of the page was not saved", "error", err)
	}
}

package page

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"wechatfn/shared/credential"
	"wechatfn/shared/refresher"
)

// window is how far back the picture can reach.
const window = 8 * time.Hour

const (
	// slack is how far two sights of one end may differ: a report counts whole
	// seconds.
	slack = 2
	// silence is what parts two spans: nobody ticked, since nothing ran.
	silence = 3 * 60
	// most bounds what is kept, of a kind.
	most = 600
)

// history is what is remembered of the last hours. Times are Unix seconds.
type history struct {
	Lives   []life    `json:"lives"`
	Bands   []band    `json:"bands"`
	Refused []refusal `json:"refused"`
}

// life is what is known of one credential.
type life struct {
	App   string `json:"app"`
	Kind  string `json:"kind"` // "token", or the ticket's type
	Spans []span `json:"spans"`
}

// span is a time in which a credential had the same end and the same trouble.
type span struct {
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	End     int64  `json:"end"` // not after From when there is none
	Trouble string `json:"trouble,omitempty"`
}

// band is a trouble from its beginning to its end; 0 while it stands.
type band struct {
	What string `json:"what"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

// refusal counts the 503s of a minute.
type refusal struct {
	At    int64 `json:"at"`
	Times int   `json:"times"`
}

func (h *history) note(now time.Time, report refresher.Report) {
	for _, account := range report.Accounts {
		h.life(account.App, "token").note(now.Unix(), account.Token)
		for _, kind := range sorted(account.Tickets) {
			h.life(account.App, kind).note(now.Unix(), account.Tickets[kind])
		}
	}
	h.forget(now.Add(-window).Unix())
}

func (h *history) life(app, kind string) *life {
	i := slices.IndexFunc(h.Lives, func(l life) bool { return l.App == app && l.Kind == kind })
	if i < 0 {
		i = len(h.Lives)
		h.Lives = append(h.Lives, life{App: app, Kind: kind})
	}
	return &h.Lives[i]
}

func (l *life) note(now int64, c refresher.CredentialReport) {
	next := span{From: now, To: now, End: now + c.SecondsLeft, Trouble: trouble(c)}
	n := len(l.Spans)
	if n == 0 {
		l.Spans = []span{next}
		return
	}
	last := &l.Spans[n-1]
	gap := now-last.To > silence
	if c.SecondsLeft == 0 {
		next.End = min(last.End, now) // it ended when it ended
	}
	if !gap { // nothing happened in between but what is seen now
		last.To = now
	}
	if gap || last.Trouble != next.Trouble || next.End > last.End+slack || next.End < last.End-slack {
		l.Spans = append(l.Spans, next)
	}
}

// trouble says why WeChat was of no use.
func trouble(c refresher.CredentialReport) string {
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
	if i := h.standing(what); i < 0 {
		h.Bands = append(h.Bands, band{What: what, From: now.Unix()})
	}
}

// end ends the bands of troubles that do not stand any more.
func (h *history) end(stand map[string]int64, now time.Time) {
	for i := range h.Bands {
		if b := &h.Bands[i]; b.To == 0 && stand[b.What] == 0 {
			b.To = max(now.Unix(), b.From)
		}
	}
}

func (h *history) standing(what string) int {
	return slices.IndexFunc(h.Bands, func(b band) bool { return b.What == what && b.To == 0 })
}

func (h *history) refuse(now time.Time) {
	minute := now.Truncate(time.Minute).Unix()
	if n := len(h.Refused); n > 0 && h.Refused[n-1].At == minute {
		h.Refused[n-1].Times++
		return
	}
	h.Refused = append(h.Refused, refusal{At: minute, Times: 1})
}

func (h *history) forget(before int64) {
	for i := range h.Lives {
		l := &h.Lives[i]
		l.Spans = latest(l.Spans, func(s span) bool { return s.To < before })
	}
	h.Bands = latest(h.Bands, func(b band) bool { return b.To != 0 && b.To < before })
	h.Refused = latest(h.Refused, func(r refusal) bool { return r.At < before })
}

func latest[T any](all []T, old func(T) bool) []T {
	all = slices.DeleteFunc(all, old)
	return all[max(0, len(all)-most):]
}

// memory is what outlives a restart.
type memory struct {
	Ahead   time.Duration `json:"ahead"`
	History history       `json:"history"`
}

// recall takes up what was saved. A clock that was ahead stays ahead: what is in
// the store was written by it.
func (d *Page) recall() error {
	if d.Memory == nil {
		return nil
	}
	var m memory
	if err := json.Unmarshal(d.Memory, &m); err != nil {
		return fmt.Errorf("page: what was remembered cannot be read: %w", err)
	}
	d.history = m.History
	if d.Simulator != nil {
		d.Clock.forward(max(0, m.Ahead))
	}
	return nil
}

// keep saves. Losing it costs the picture, so it is no reason to fail.
func (d *Page) keep() {
	if d.Save == nil {
		return
	}
	d.saving.Lock()
	defer d.saving.Unlock()
	d.mu.Lock()
	text, err := json.Marshal(memory{Ahead: d.Clock.Ahead(), History: d.history})
	d.mu.Unlock()
	if err == nil {
		err = d.Save(text)
	}
	if err != nil {
		d.Logger.Warn("the picture's memory was not saved", "error", err)
	}
}

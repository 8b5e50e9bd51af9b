package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"wechatfn/shared/app"
)

// lifeline prints the lives of tokens and tickets when they change.
type lifeline struct {
	out  io.Writer
	now  func() time.Time
	ends map[string]int64 // Unix seconds
}

// slack is how far two accounts of one end may differ: a report counts whole
// seconds.
const slack = 2

func (l *lifeline) show(report app.Report, err error) {
	if err != nil {
		fmt.Fprintf(l.out, "%s  refresher: %v\n", clock(l.now()), err)
	}
	for _, account := range report.Accounts {
		l.line(account.App, "access token", account.Token)
		for _, typ := range slices.Sorted(maps.Keys(account.Tickets)) {
			l.line(account.App, typ+" ticket", account.Tickets[typ])
		}
	}
}

func (l *lifeline) line(account, what string, c app.CredentialReport) {
	if l.ends == nil {
		l.ends = map[string]int64{}
	}
	now := l.now()
	end, key := now.Unix()+c.SecondsLeft, account+" "+what
	before, known := l.ends[key]
	switch {
	case c.SecondsLeft == 0 && known && before == 0:
	case c.SecondsLeft == 0:
		l.ends[key] = 0
		fmt.Fprintf(l.out, "%s  %s %-14s none alive%s\n", clock(now), account, what, reason(c))
	case end < before-slack || end > before+slack:
		l.ends[key] = end
		fmt.Fprintf(l.out, "%s  %s %-14s alive until %s, %v left\n", clock(now), account, what, clock(time.Unix(end, 0)), time.Duration(c.SecondsLeft)*time.Second)
	}
}

func reason(c app.CredentialReport) string {
	if c.Failure == nil {
		return ""
	}
	if c.Failure.Code == 0 {
		return fmt.Sprintf(": %s got no answer (%s)", c.Failure.Op, c.Failure.Class)
	}
	return fmt.Sprintf(": %s was refused, errcode %d (%s)", c.Failure.Op, c.Failure.Code, c.Failure.Class)
}

func clock(t time.Time) string { return t.Format(time.TimeOnly) }

package devserver

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"wechatfn/dev/local"
	"wechatfn/shared/refresher"
)

// statusPrinter prints until when tokens and tickets are valid, when that changes.
type statusPrinter struct {
	out  io.Writer
	now  func() time.Time
	ends map[string]int64 // Unix seconds
}

// endTolerance is the difference of ends that counts as the same end, in seconds: a
// report has whole seconds.
const endTolerance = 2

func (p *statusPrinter) show(report refresher.Report, err error) {
	if err != nil {
		fmt.Fprintf(p.out, "%s  refresher: %v\n", local.Clock(p.now()), err)
	}
	for _, account := range report.Accounts {
		p.line(account.App, "access token", account.Token)
		for _, typ := range slices.Sorted(maps.Keys(account.Tickets)) {
			p.line(account.App, typ+" ticket", account.Tickets[typ])
		}
	}
}

func (p *statusPrinter) line(account, what string, c refresher.CredentialReport) {
	if p.ends == nil {
		p.ends = map[string]int64{}
	}
	now := p.now()
	end, key := now.Unix()+c.SecondsLeft, account+" "+what
	before, known := p.ends[key]
	switch {
	case c.SecondsLeft == 0 && known && before == 0:
	case c.SecondsLeft == 0:
		p.ends[key] = 0
		fmt.Fprintf(p.out, "%s  %s %-14s none valid%s\n", local.Clock(now), account, what, reason(c))
	case end < before-endTolerance || end > before+endTolerance:
		p.ends[key] = end
		fmt.Fprintf(p.out, "%s  %s %-14s valid until %s, %v left\n", local.Clock(now), account, what, local.Clock(time.Unix(end, 0)), time.Duration(c.SecondsLeft)*time.Second)
	}
}

func reason(c refresher.CredentialReport) string {
	if c.Failure == nil {
		return ""
	}
	if c.Failure.Code == 0 {
		return fmt.Sprintf(": %s got no answer (%s)", c.Failure.Op, c.Failure.Class)
	}
	return fmt.Sprintf(": %s was refused, errcode %d (%s)", c.Failure.Op, c.Failure.Code, c.Failure.Class)
}

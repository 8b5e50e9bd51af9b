package refresher

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/credential"
	"wechatfn/shared/metrics"
	"wechatfn/shared/wechat"
)

// measurements collects what one invocation measures. It is safe for concurrent use.
type measurements struct {
	metrics *metrics.Recorder
	mu      sync.Mutex
	readings
}

type readings struct {
	tokens, tickets            []int64 // seconds left
	refreshed, failed, refused int64
}

// observe counts renewals. It implements credential.RenewerConfig.Observe.
func (m *measurements) observe(_ account.Account, failure credential.Failure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if failure == (credential.Failure{}) {
		m.refreshed++
	} else {
		m.failed++
	}
}

// add takes the state of an account after a tick. A ticket that does not exist yet has 0
// seconds left.
func (m *measurements) add(a account.Account, record credential.Record, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	refused := whitelistRefused(record.Token.Failure)
	m.tokens = append(m.tokens, tokenLeft(record.Token, now))
	for _, typ := range a.Tickets {
		m.tickets = append(m.tickets, secondsLeft(record.Tickets[typ], now))
		refused = refused || whitelistRefused(record.Tickets[typ].Failure)
	}
	if refused {
		m.refused++
	}
}

func whitelistRefused(failure credential.Failure) bool {
	return failure.Code == wechat.CodeNotInWhitelist || failure.Code == wechat.CodeClientIPRefused
}

// write writes the measurements as one line, and clears them. It ignores LOG_LEVEL,
// because alarms depend on the line.
func (m *measurements) write(ctx context.Context, logger *slog.Logger) {
	attr := m.metrics.Attr(m.take().values()...)
	if attr.Equal(slog.Attr{}) {
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "metrics", 0)
	line.AddAttrs(attr)
	_ = logger.Handler().Handle(ctx, line) // the error of standard output: there is no other place to log it
}

func (m *measurements) take() readings {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.readings
	m.readings = readings{}
	return taken
}

// values lists the metrics: all of them after a tick, and the counts alone after a
// refresh request or a forced refresh that renewed something or failed to.
func (r readings) values() (values []metrics.Value) {
	add := func(name metrics.Name, value int64) {
		values = append(values, metrics.Value{Name: name, Value: value})
	}
	ticked := len(r.tokens) > 0
	if ticked {
		add(metrics.TokenSecondsLeft, slices.Min(r.tokens))
		add(metrics.WhitelistRefused, r.refused)
	}
	if len(r.tickets) > 0 {
		add(metrics.TicketSecondsLeft, slices.Min(r.tickets))
	}
	if ticked || r.refreshed+r.failed > 0 {
		add(metrics.Refreshed, r.refreshed)
		add(metrics.RefreshFailed, r.failed)
	}
	return values
}

package app

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/metrics"
	"wechatfn/shared/wechat"
)

// outcomes counts the requests of a method in their own log line, as good or bad
// by their status. Questions about health are neither.
func outcomes(c *config.Config, method string, good, bad metrics.Name) func(*http.Request, int) slog.Attr {
	m := metrics.New(c.FunctionName, nil)
	return func(r *http.Request, status int) slog.Attr {
		switch {
		case r.Method != method || strings.HasSuffix(r.URL.Path, "/health"):
			return slog.Attr{}
		case status < 400:
			return m.Count(good)
		}
		return m.Count(bad)
	}
}

// gauges collects what an invocation of the refresher measures. Accounts are
// looked after side by side, so it is safe for concurrent use.
type gauges struct {
	metrics *metrics.Recorder
	mu      sync.Mutex
	readings
}

type readings struct {
	tokens, tickets            []int64 // seconds left
	refreshed, failed, refused int64
}

// observe implements credential.KeeperConfig.Observe.
func (g *gauges) observe(_ account.Account, failure credential.Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if failure == (credential.Failure{}) {
		g.refreshed++
	} else {
		g.failed++
	}
}

// read takes how an account stands after a tick. A token that WeChat refuses has
// no life left, whatever its end; neither has a ticket that there has never been.
func (g *gauges) read(account account.Account, record credential.Record, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	left := func(end int64) int64 { return max(0, end-now.Unix()) }
	token, refused := left(record.Token.ExpiresAt), whitelist(record.Token.Failure)
	if record.Token.Invalid {
		token = 0
	}
	g.tokens = append(g.tokens, token)
	for _, typ := range account.Tickets {
		g.tickets = append(g.tickets, left(record.Tickets[typ].ExpiresAt))
		refused = refused || whitelist(record.Tickets[typ].Failure)
	}
	if refused {
		g.refused++
	}
}

func whitelist(failure credential.Failure) bool {
	return failure.Code == wechat.CodeNotInWhitelist || failure.Code == wechat.CodeClientIPRefused
}

// write writes what was measured, as one line, and begins anew. It does so
// whatever LOG_LEVEL is: alarms hang on it.
func (g *gauges) write(ctx context.Context, logger *slog.Logger) {
	attr := g.metrics.Attr(g.take().values()...)
	if attr.Equal(slog.Attr{}) {
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "metrics", 0)
	line.AddAttrs(attr)
	_ = logger.Handler().Handle(ctx, line) // standard output; there is nowhere else to say that it failed
}

func (g *gauges) take() readings {
	g.mu.Lock()
	defer g.mu.Unlock()
	taken := g.readings
	g.readings = readings{}
	return taken
}

// values lists the metrics: all after a tick, the counts alone after a kick or a
// forced refresh that did something.
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

// Package app puts the functions together: one constructor a function. Each takes the
// configuration and what it cannot make from the configuration alone, as Deps.
package app

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/metrics"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// Deps is what the functions need beside the configuration. OnRefreshRequest, Insecure
// and Now stay zero in deployed functions; they are for make dev and tests.
type Deps struct {
	Store    store.Store          // required by all
	WeChat   *wechat.Client       // required by OAuth and Refresher; NewWeChat makes it
	Secrets  account.SecretSource // the AppSecrets; required by OAuth and Refresher
	PushKeys message.KeySource    // what verifies and decrypts pushes; required by Verify
	Sink     message.Sink         // takes the messages; required by Verify

	// OnRefreshRequest is called by Signature and OAuth after they have written a
	// refresh request to the store. Nil: nothing is called. In the cloud the table's
	// stream invokes the refresher.
	OnRefreshRequest func(appID string)
	// Insecure lets OAuth work on plain http, for a local server.
	Insecure bool

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default()
}

// NewWeChat makes the client of WeChat's API that the configuration asks for.
func NewWeChat(c *config.Config) (*wechat.Client, error) {
	return wechat.New(wechat.Config{BaseURL: c.APIBase, ProxyURL: c.ProxyURL.Reveal(), Classic: c.TokenMode == config.ModeClassic})
}

// logger is the logger to use.
func (d Deps) logger() *slog.Logger {
	if d.Logger == nil {
		return slog.Default()
	}
	return d.Logger
}

// countByStatus adds a metric to the log line of each request of a method: good if it
// was answered with a status below 400, else bad. It does not count health checks.
func countByStatus(c *config.Config, d Deps, method string, good, bad metrics.Name) func(*http.Request, int) slog.Attr {
	m := metrics.New(c.FunctionName, d.Now)
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

package e2e_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/aws/eventbus"
	"wechatfn/shared/aws/replyfunc"
	"wechatfn/shared/aws/secrets/appsecrets"
	"wechatfn/shared/aws/secrets/pushsecrets"
	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
	"wechatfn/shared/web/logtest"
)

// driver is the way to a function. The tests of routes run with each driver.
type driver interface {
	http.RoundTripper
	Logs() []string // the lines that the function has logged so far
	Close()         // ends the function; it may be called more than once
}

// invoker is a driver that also takes events, such as those of operators, of the
// schedule and of an authorizer. A function behind an HTTP server gets none.
type invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// launcher starts a function, with the services of a fixture and the table at that
// endpoint, and returns the way to it. There are two: runtimeAPI and httpServer.
type launcher func(fx *fixture, m manifest.Function, table string, processes int) driver

// runtimeAPI starts the compiled function on a simulated Lambda Runtime API. Requests
// reach it as events of API Gateway.
func runtimeAPI(fx *fixture, m manifest.Function, table string, processes int) driver {
	fx.Helper()
	return lambdatest.Start(fx, lambdatest.Config{
		Binary:      lambdatest.Build(fx, "../functions/"+m.Name),
		Name:        m.Name,
		Env:         append(fx.environment(m), fx.endpoints(m, table)...),
		Timeout:     cmp.Or(fx.timeout, m.Timeout),
		MemoryMB:    m.MemoryMB,
		Concurrency: processes,
	})
}

// httpServer starts the handler of a function behind an HTTP server in this process. It
// changes the environment, so a test that uses it cannot be parallel. A function without
// routes is started by runtimeAPI.
func httpServer(fx *fixture, m manifest.Function, table string, processes int) driver {
	fx.Helper()
	if len(m.Routes) == 0 {
		return runtimeAPI(fx, m, table, processes)
	}
	for _, setting := range append(fx.endpoints(m, table), "AWS_REGION=us-east-1") {
		name, value, _ := strings.Cut(setting, "=")
		fx.Setenv(name, value)
	}
	log := new(logtest.Buffer)
	handler, err := newHandler(fx, m, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		fx.Fatalf("%s: %v", m.Name, err)
	}
	server := httptest.NewServer(handler)
	fx.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		fx.Fatal(err)
	}
	return &httpDriver{base: base, log: log, close: server.Close}
}

// newHandler does what the main of the function does.
func newHandler(fx *fixture, m manifest.Function, logger *slog.Logger) (http.Handler, error) {
	settings := map[string]string{}
	for _, setting := range fx.environment(m) {
		name, value, _ := strings.Cut(setting, "=")
		settings[name] = value
	}
	c, err := config.Load(func(name string) string { return settings[name] }, config.Table)
	if err != nil {
		return nil, err
	}
	deps := app.Deps{Secrets: appsecrets.Source(c.SecretsARN, c.Secret), Logger: logger}
	if deps.Store, err = awsconfig.DynamoStore(c.Table, app.OAuthReadBack); err != nil {
		return nil, err
	}
	switch m.Name {
	case "signature":
		return app.Signature(c, deps)
	case "oauth":
		if deps.WeChat, err = app.NewWeChat(c); err != nil {
			return nil, err
		}
		return app.OAuth(c, deps)
	case "verify":
		deps.Sink = replyfunc.New(c.ReplyFunction, eventbus.New(c.EventBus), logger)
		if deps.PushKeys, err = pushsecrets.Source(c.PushSecretsARN, c.Accounts, c.PushSecretsOf, logger); err != nil {
			return nil, err
		}
		return app.Verify(c, deps)
	}
	return nil, fmt.Errorf("no handler for the function %s", m.Name)
}

// httpDriver sends requests to a server at a base URL. The server sees the host that the
// request is for, as behind a proxy.
type httpDriver struct {
	base  *url.URL
	log   *logtest.Buffer
	close func()
}

// RoundTrip implements http.RoundTripper.
func (d *httpDriver) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	if sent.Host == "" {
		sent.Host = r.URL.Host
	}
	sent.URL.Scheme, sent.URL.Host, sent.RequestURI = d.base.Scheme, d.base.Host, ""
	return http.DefaultTransport.RoundTrip(sent)
}

func (d *httpDriver) Logs() []string {
	return strings.FieldsFunc(d.log.String(), func(r rune) bool { return r == '\n' })
}

func (d *httpDriver) Close() { d.close() }

// onEachDriver runs a test of routes with each driver. With httpServer a test calls
// handlers as any HTTP server of the handlers would, so nothing in it may depend on
// Lambda.
func onEachDriver(t *testing.T, test func(*testing.T, launcher)) {
	t.Helper()
	for _, d := range []struct {
		name   string
		launch launcher
	}{{"runtime API", runtimeAPI}, {"HTTP", httpServer}} {
		t.Run(d.name, func(t *testing.T) { test(t, d.launch) })
	}
}

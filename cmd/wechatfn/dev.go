package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"wechatfn/cmd/wechatfn/demo"
	"wechatfn/shared/account"
	"wechatfn/shared/app"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// dev is `wechatfn dev`: all functions in one process.
type dev struct {
	Addr  string `default:"127.0.0.1:8080" help:"Address to listen on."`
	Store string `default:".wechatfn/dev.db" help:"SQLite file, or the URL of a DynamoDB engine (its table is made when it is missing)."`
	Sim   bool   `help:"Use the simulated WeChat even though WECHAT_APP_ID is set."`

	Forward string `placeholder:"URL" help:"Post each message that WeChat pushes to a local program, as JSON; a JSON object in its answer is the reply."`

	out    io.Writer                              // nil: standard output
	getenv func(string) string                    // nil: os.Getenv
	ready  func(url string, handler http.Handler) // told when requests are answered; may be nil
}

// Run serves until ctx ends.
func (d *dev) Run(ctx context.Context) error {
	if d.out == nil {
		d.out = os.Stdout
	}
	if d.getenv == nil {
		d.getenv = os.Getenv
	}
	listener, err := net.Listen("tcp", d.Addr)
	if err != nil {
		return fmt.Errorf("%w (choose another address with --addr)", err)
	}
	defer listener.Close()
	stack, err := d.build(ctx, listener.Addr().(*net.TCPAddr))
	if err != nil {
		return err
	}
	defer stack.close()
	return d.serve(ctx, listener, stack)
}

// stack is everything that runs.
type stack struct {
	config    *config.Config
	url       string
	phone     string     // the address that a phone reaches; empty on loopback
	origins   []string   // under which a browser may reach this server
	simulator *simulator // nil with the real WeChat
	clock     *demo.Clock
	desk      *demo.Desk
	inbox     *inbox
	handler   http.Handler
	ended     chan struct{} // closed when the server shuts down
	close     func()
}

func (d *dev) build(ctx context.Context, addr *net.TCPAddr) (*stack, error) {
	forward, err := newForward(d.Forward)
	if err != nil {
		return nil, err
	}
	s := &stack{url: pageURL(addr), phone: phoneURL(addr), clock: new(demo.Clock), ended: make(chan struct{})}
	s.inbox = newInbox(d.out, forward, s.clock.Now)
	simulated := d.Sim || (d.getenv("WECHAT_APP_ID") == "" && d.getenv("WECHAT_APPS") == "")
	getenv := withDefaults(d.getenv, simulated, addr)
	s.origins = ownOrigins(addr)
	if s.config, err = config.Load(getenv, app.SignatureNeeds|app.RefresherNeeds); err != nil {
		return nil, err
	}
	s.config.Now = s.clock.Now
	opened, closeStore, err := openStore(ctx, d.Store, s.clock.Now)
	if err != nil {
		return nil, err
	}
	s.close = closeStore
	if err = s.wire(d, opened, simulated); err != nil {
		closeStore()
		return nil, err
	}
	return s, nil
}

// wire builds the functions as their mains do; a kick is a message to the loop
// that ticks, where the cloud has the table's stream.
func (s *stack) wire(d *dev, opened store.Store, simulated bool) error {
	logger := textLogger(s.config.LogLevel)
	client, err := s.client(d.Store, simulated)
	if err != nil {
		return err
	}
	if err = s.newDesk(d, opened, client, logger); err != nil {
		return err
	}
	signature, err := app.Signature(s.config, opened, s.desk.Kick, logger)
	if err != nil {
		return err
	}
	quiet, err := app.Signature(s.config, opened, s.desk.Kick, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	s.desk.Visit(quiet)
	rings, err := message.NewKeyrings(s.config.Accounts, s.config.PushSecretsOf)
	if err != nil {
		return err
	}
	verify, err := app.Verify(s.config, opened, rings.Source, s.inbox, logger)
	if err != nil {
		return err
	}
	logins, err := app.OAuth(s.config, opened, client, s.config.Secret, true, s.desk.Kick, logger)
	if err != nil {
		return err
	}
	s.handler = routes(s, map[string]http.Handler{"signature": s.desk.Watch(signature), "verify": verify, "oauth": logins}, logger)
	return nil
}

func textLogger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

func (s *stack) client(storePath string, simulated bool) (*wechat.Client, error) {
	if !simulated {
		return app.WeChat(s.config)
	}
	var err error
	if s.simulator, err = newSimulator(s.config, besideStore(storePath, ".sim.json"), s.clock.Now); err != nil {
		return nil, err
	}
	return s.simulator.client()
}

func (d *dev) serve(ctx context.Context, listener net.Listener, s *stack) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.desk.Tick(ctx) // so that the first request finds a ticket
	ticking := make(chan struct{})
	go func() {
		defer close(ticking)
		s.desk.Run(ctx)
	}()
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	server.RegisterOnShutdown(func() { close(s.ended) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.banner(d)
	if d.ready != nil {
		d.ready(s.url, s.handler)
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = shutDown(server)
	}
	cancel()
	<-ticking
	fmt.Fprintln(d.out, "stopped")
	return err
}

func shutDown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close() // a browser holds a connection open
}

func (s *stack) banner(d *dev) {
	out := d.out
	weChat := "the real WeChat at " + s.config.APIBase
	if s.simulator != nil {
		weChat = "a simulated WeChat (set WECHAT_APP_ID and WECHAT_APP_SECRET for the real one)"
	}
	fmt.Fprintf(out, `
wechatfn dev, with %s
  account      %s (%s)
  page         %s
  signature    %ssignature?url=...
  health       %ssignature/health
  login        %soauth/authorize?scope=snsapi_userinfo
  server URL   %s
  also at      %s%s

  curl -G %ssignature --data-urlencode 'url=%s'
%s%s
`, weChat, s.config.Accounts[0].Name, s.config.Accounts[0].AppID, s.url, s.url, s.url, s.url, s.serverURLs(), strings.Join(s.origins, " "), s.clockLine(), s.url, s.url, s.triggerLine(), s.phoneCode())
	if s.simulator != nil && d.getenv("WECHAT_TOKEN") != "" {
		fmt.Fprint(out, "  WECHAT_TOKEN is not used: without WECHAT_APP_ID the simulated account is.\n\n")
	}
}

// serverURLs are the addresses at which accounts take pushes.
func (s *stack) serverURLs() string {
	var urls []string
	for i, a := range s.config.Accounts {
		switch {
		case !s.takesPushes(a):
		case i == 0:
			urls = append(urls, s.url+"verify")
		default:
			urls = append(urls, s.url+"verify/"+a.Name)
		}
	}
	if urls == nil {
		return "none: set WECHAT_TOKEN (and WECHAT_ENCODING_AES_KEY)"
	}
	return strings.Join(urls, " ")
}

func (s *stack) takesPushes(a account.Account) bool {
	_, ok := s.config.PushSecretsOf(a)
	return ok
}

// triggerLine works where trigger knows the account: the simulated one, or that of
// the environment.
func (s *stack) triggerLine() string {
	if !s.takesPushes(s.config.Accounts[0]) {
		return ""
	}
	return "  build/wechatfn trigger text --url " + s.url + "verify\n"
}

// clockLine tells of a clock that the page has moved.
func (s *stack) clockLine() string {
	if s.clock.Ahead() < time.Minute {
		return ""
	}
	return "\n  clock        " + s.clock.Ahead().Round(time.Minute).String() + " ahead, as the page moved it"
}

// phoneCode is a QR code of the page, where a phone can reach it.
func (s *stack) phoneCode() string {
	if s.phone == "" {
		return ""
	}
	return "\n  on a phone   " + s.phone + "\n\n" + demo.Terminal(s.phone)
}

func pageURL(addr *net.TCPAddr) string {
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port)) + "/"
}

// withDefaults is the environment of a desk: pages of this server may be signed
// for, and the simulated account is there when there is no other.
func withDefaults(getenv func(string) string, simulated bool, addr *net.TCPAddr) func(string) string {
	return func(name string) string {
		value := getenv(name)
		switch name {
		case "ALLOWED_ORIGINS":
			return strings.Join(append(ownOrigins(addr), value), ",")
		case "WECHAT_APP_ID", "WECHAT_APPS", "WECHAT_APP_SECRET", "WECHAT_APP_SECRETS", "WECHAT_SECRETS_ARN", "WECHAT_TICKETS",
			"WECHAT_TOKEN", "WECHAT_ENCODING_AES_KEY", "WECHAT_TOKEN_PREVIOUS", "WECHAT_ENCODING_AES_KEY_PREVIOUS", "WECHAT_PUSH_SECRETS", "WECHAT_PUSH_SECRETS_ARN":
			if simulated {
				return simulatedEnv()[name]
			}
		case "WECHAT_OPEN_BASE":
			if simulated {
				return strings.TrimSuffix(cmp.Or(phoneURL(addr), pageURL(addr)), "/") // for a phone too
			}
		}
		return value
	}
}

// ownOrigins are the origins under which a browser may reach this server.
func ownOrigins(addr *net.TCPAddr) []string {
	hosts := []string{"localhost", addr.IP.String()}
	if addr.IP.IsUnspecified() {
		hosts = []string{"localhost", "127.0.0.1"}
		if addrs, err := net.InterfaceAddrs(); err == nil {
			for _, a := range addrs {
				if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
					hosts = append(hosts, ip.IP.String())
				}
			}
		}
	}
	origins := make([]string, len(hosts))
	for i, host := range hosts {
		origins[i] = "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
	}
	return origins
}

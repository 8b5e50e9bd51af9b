// Package devserver runs everything on this machine in one process: all functions, the
// schedule, a clock that can be moved, and a page. Without WECHAT_APP_ID, WeChat is
// simulated.
package devserver

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"wechatfn/dev/devserver/page"
	"wechatfn/dev/local"
	"wechatfn/shared/account"
	"wechatfn/shared/app"
	"wechatfn/shared/config"
	"wechatfn/shared/forward"
	"wechatfn/shared/message"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// Config says where to listen, and what runs.
type Config struct {
	Addr    string // to listen on
	Store   string // a SQLite file, :memory:, or the URL of a DynamoDB engine
	Sim     bool   // the simulated WeChat, even where WECHAT_APP_ID is set
	Forward string // the URL of a local program that gets each message; may be empty

	phone string // for tests: instead of the address that is found for a phone

	Out    io.Writer           // nil: standard output
	Getenv func(string) string // nil: os.Getenv
	Ready  func(url string)    // called when requests are answered; may be nil
}

// Server is a dev server.
type Server struct {
	Simulator *local.Simulator // nil with the real WeChat

	options  Config
	listener net.Listener
	config   *config.Config
	url      string
	phone    string   // the address that a phone reaches; empty on loopback
	origins  []string // under which a browser may reach this server
	clock    *page.Clock
	page     *page.Page
	inbox    *inbox
	handler  http.Handler
	ended    chan struct{} // closed when the server shuts down
	close    func()        // closes the store
}

// New listens, opens the store and builds the functions. Run must follow, which
// closes all of it.
func New(ctx context.Context, c Config) (*Server, error) {
	if c.Out == nil {
		c.Out = os.Stdout
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w (choose another address with --addr)", err)
	}
	s := &Server{options: c, listener: listener, clock: new(page.Clock), ended: make(chan struct{})}
	if err := s.build(ctx, listener.Addr().(*net.TCPAddr)); err != nil {
		_ = listener.Close()
		return nil, err
	}
	return s, nil
}

// URL is the address of the page.
func (s *Server) URL() string { return s.url }

func (s *Server) build(ctx context.Context, addr *net.TCPAddr) (err error) {
	c := &s.options
	var program *forward.Program
	if c.Forward != "" {
		if program, err = forward.New(c.Forward); err != nil {
			return fmt.Errorf("--forward: %w", err)
		}
	}
	s.url, s.phone, s.origins = pageURL(addr), cmp.Or(c.phone, phoneURL(addr)), ownOrigins(addr)
	s.inbox = newInbox(c.Out, program, s.clock.Now)
	simulated := c.Sim || (c.Getenv(config.EnvAppID) == "" && c.Getenv(config.EnvApps) == "")
	getenv := withDefaults(c.Getenv, simulated, addr)
	if s.config, err = config.Load(getenv, app.SignatureNeeds|app.RefresherNeeds); err != nil {
		return err
	}
	opened, closeStore, err := openStore(ctx, c.Store, s.clock.Now)
	if err != nil {
		return err
	}
	s.close = closeStore
	if err = s.buildFunctions(opened, simulated); err != nil {
		closeStore()
		return err
	}
	return nil
}

// buildFunctions builds the functions as their mains do. A refresh request is a message
// to the loop that ticks; in the cloud it is an item in the table's stream.
func (s *Server) buildFunctions(opened store.Store, simulated bool) error {
	logger := local.Logger(s.config.LogLevel)
	client, err := s.client(s.options.Store, simulated)
	if err != nil {
		return err
	}
	if err = s.newPage(opened, client, logger); err != nil {
		return err
	}
	deps := app.Deps{
		Store: opened, WeChat: client, Secrets: s.config.Secret, Sink: s.inbox, OnRefreshRequest: s.page.RequestRefresh,
		Insecure: true, Now: s.clock.Now, Logger: logger,
	}
	signature, err := app.Signature(s.config, deps)
	if err != nil {
		return err
	}
	withoutLog := deps
	withoutLog.Logger = slog.New(slog.DiscardHandler)
	pageSignature, err := app.Signature(s.config, withoutLog)
	if err != nil {
		return err
	}
	s.page.SignWith(pageSignature)
	keyrings, err := message.NewKeyrings(s.config.Accounts, s.config.PushSecretsOf)
	if err != nil {
		return err
	}
	deps.PushKeys = keyrings.Source
	verify, err := app.Verify(s.config, deps)
	if err != nil {
		return err
	}
	logins, err := app.OAuth(s.config, deps)
	if err != nil {
		return err
	}
	s.handler = routes(s, map[string]http.Handler{"signature": s.page.RecordRefusals(signature), "verify": verify, "oauth": logins}, logger)
	return nil
}

func (s *Server) client(storePath string, simulated bool) (*wechat.Client, error) {
	if !simulated {
		return app.NewWeChat(s.config)
	}
	var err error
	if s.Simulator, err = local.NewSimulator(s.config, besideStore(storePath, ".sim.json"), s.clock.Now); err != nil {
		return nil, err
	}
	return s.Simulator.WeChat()
}

// Run serves until ctx ends, and closes what New opened.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.page.Tick(ctx) // so that the first request finds a ticket
	ticking := make(chan struct{})
	go func() {
		defer close(ticking)
		s.page.Run(ctx)
	}()
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	server.RegisterOnShutdown(func() { close(s.ended) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.listener) }()
	s.banner()
	if s.options.Ready != nil {
		s.options.Ready(s.url)
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = local.ShutDown(server)
	}
	cancel()
	<-ticking
	fmt.Fprintln(s.options.Out, "stopped")
	return err
}

func (s *Server) banner() {
	out := s.options.Out
	weChat := "the real WeChat at " + s.config.APIBase
	if s.Simulator != nil {
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
	if s.Simulator != nil && s.options.Getenv(config.EnvToken) != "" {
		fmt.Fprint(out, "  WECHAT_TOKEN is not used: without WECHAT_APP_ID the account is the simulated one.\n\n")
	}
}

// serverURLs are the addresses at which accounts take pushes.
func (s *Server) serverURLs() string {
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

func (s *Server) takesPushes(a account.Account) bool {
	_, ok := s.config.PushSecretsOf(a)
	return ok
}

// triggerLine is a command that sends a push, if trigger knows the account: the
// simulated one, or that of the environment.
func (s *Server) triggerLine() string {
	if !s.takesPushes(s.config.Accounts[0]) {
		return ""
	}
	return "  build/wechatfn trigger text --url " + s.url + "verify\n"
}

// clockLine says how far the page has moved the clock.
func (s *Server) clockLine() string {
	if s.clock.Ahead() < time.Minute {
		return ""
	}
	return "\n  clock        " + s.clock.Ahead().Round(time.Minute).String() + " ahead, as moved on the page"
}

// phoneCode is a QR code of the page, if a phone can reach it.
func (s *Server) phoneCode() string {
	if s.phone == "" {
		return ""
	}
	return "\n  on a phone   " + s.phone + "\n\n" + page.Terminal(s.phone)
}

func pageURL(addr *net.TCPAddr) string {
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port)) + "/"
}

// withDefaults is the environment of a dev server: pages of this server can be signed,
// and with the simulated WeChat the account is the simulated one.
func withDefaults(getenv func(string) string, simulated bool, addr *net.TCPAddr) func(string) string {
	return func(name string) string {
		value := getenv(name)
		switch name {
		case config.EnvOrigins:
			return strings.Join(append(ownOrigins(addr), value), ",")
		case config.EnvAppID, config.EnvApps, config.EnvAppSecret, config.EnvAppSecrets, config.EnvSecretsARN, config.EnvTickets,
			config.EnvToken, config.EnvAESKey, config.EnvTokenPrevious, config.EnvAESKeyPrevious, config.EnvPushSecrets, config.EnvPushSecretsARN:
			if simulated {
				return local.Environment()[name]
			}
		case config.EnvOpenBase:
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

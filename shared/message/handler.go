package message

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// ErrNoSecrets: the secrets were read, but hold none of that account.
var ErrNoSecrets = errors.New("message: no push secrets are stored for the account")

// Config configures a Handler. Accounts, Keys, Sink, Store and Window are required.
type Config struct {
	Accounts account.List // the first one is served at /verify itself

	Keys   KeySource
	Sink   Sink
	Store  store.Store
	Proofs map[string]string // content of MP_verify_CODE.txt, by CODE

	Window time.Duration // how far a timestamp may be from now
	Budget time.Duration // for a push as a whole; 0: 3.5 s, since WeChat waits for 5 s

	Now    func() time.Time // nil: time.Now
	Rand   io.Reader        // nil: crypto/rand
	Logger *slog.Logger     // nil: slog.Default()
}

const (
	defaultBudget = 3500 * time.Millisecond
	// answerReserve is the time left for storing and sending the answer after delivery.
	answerReserve = 400 * time.Millisecond
	// clockSkew is how far the clocks of two processes may differ.
	clockSkew = 250 * time.Millisecond
	// maxBody is many times the largest push.
	maxBody = 64 << 10
)

// Handler serves the server URL:
//
//	GET  /verify, /verify/{app}     WeChat's check: the echostr
//	POST /verify, /verify/{app}     a push: success, or a passive reply
//	GET  /verify/health             whether the secrets can be read
//	GET  /MP_verify_{code}.txt      proof that the domain is ours
type Handler struct {
	http.Handler
	config Config
	dedupe dedupe
}

// New checks the configuration and builds the routes.
func New(c Config) (*Handler, error) {
	switch {
	case len(c.Accounts) == 0:
		return nil, errors.New("message: no account is configured that takes pushes")
	case c.Keys == nil || c.Sink == nil || c.Store == nil || c.Window <= 0:
		return nil, errors.New("message: Keys, Sink, Store and Window are required")
	}
	if c.Budget == 0 {
		c.Budget = defaultBudget
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	// A push can come from one window before its time to one window after it.
	h := &Handler{config: c, dedupe: dedupe{c.Store, c.Now, 2*c.Window + 5*time.Minute}}
	h.route()
	return h, nil
}

func (h *Handler) route() {
	mux := new(web.Mux)
	for pattern, f := range map[string]web.HandlerFunc{
		"GET /verify":               h.check,
		"GET /verify/{app}":         h.check,
		"POST /verify":              h.push,
		"POST /verify/{app}":        h.push,
		"GET /verify/health":        h.health,
		"GET /MP_verify_{code}.txt": h.proof,
	} {
		mux.Handle(pattern, web.Handle(f, h.config.Logger))
	}
	h.Handler = mux
}

// request reads the account and the query.
func (h *Handler) request(r *http.Request) (account.Account, *query, error) {
	parsed, err := web.ParseQuery(r, "signature", "msg_signature", "timestamp", "nonce", "echostr", "app")
	if err != nil {
		return account.Account{}, nil, err
	}
	q := readQuery(&parsed)
	name := r.PathValue("app")
	if name == "" {
		name = q.app
	}
	a, ok := h.config.Accounts.Find(name)
	if !ok {
		return a, nil, errUnknownApp
	}
	return a, q, nil
}

// withKeyring calls try with the keyring of the account. If that fails and there are newer
// secrets, it calls try with those.
func (h *Handler) withKeyring(ctx context.Context, account account.Account, try func(*Keyring) error) error {
	ring, err := h.config.Keys(ctx, account, false)
	if errors.Is(err, ErrNoSecrets) { // perhaps they were stored a moment ago
		ring, err = h.config.Keys(ctx, account, true)
	}
	if err != nil {
		return errNoSecrets.Because(err).RetryIn(2 * time.Second)
	}
	if err = try(ring); err == nil || !errors.As(err, new(refusal)) {
		return err
	}
	if newer, failed := h.config.Keys(ctx, account, true); failed == nil && newer != ring {
		return try(newer)
	}
	return err
}

// check answers WeChat's check of the URL.
func (h *Handler) check(w http.ResponseWriter, r *http.Request) error {
	account, q, err := h.request(r)
	if err != nil {
		return err
	}
	if err := h.withKeyring(r.Context(), account, q.verified); err != nil {
		return h.checkProblem(r.Context(), account, err)
	}
	if q.fresh(h.config.Now(), h.config.Window) != nil {
		return errStale
	}
	if !isEchostr(q.echostr) {
		return errEchostr
	}
	return text(w, q.echostr)
}

func (h *Handler) checkProblem(ctx context.Context, account account.Account, err error) error {
	if !errors.As(err, new(refusal)) {
		return err
	}
	h.config.Logger.WarnContext(ctx, "check refused", "account", account.Name)
	return errSignature
}

// isEchostr limits what is sent back to what WeChat sends and what no browser reads as
// anything but text: the signature does not cover it.
func isEchostr(s string) bool {
	const set = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_=+/"
	return s != "" && len(s) <= 256 && strings.Trim(s, set) == ""
}

// push takes a push.
func (h *Handler) push(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := h.budget(r.Context())
	defer cancel()
	account, q, err := h.request(r)
	if err != nil {
		return err
	}
	body, err := web.ReadBody(r, maxBody)
	if err != nil {
		return err
	}
	p, err := h.open(ctx, account, q, body)
	if err != nil {
		return err
	}
	a, err := h.deliverOnce(ctx, p)
	if err != nil {
		return err
	}
	return a.write(w)
}

// budget ends with the time that is left, not with the connection: what was delivered
// must be stored as done even if WeChat no longer waits for the answer.
func (h *Handler) budget(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), h.config.Budget)
	deadline, ok := parent.Deadline()
	if !ok {
		return ctx, cancel
	}
	ctx, inner := context.WithDeadline(ctx, deadline)
	return ctx, func() { inner(); cancel() }
}

// open verifies a push. It checks the timestamp first: that costs nothing.
func (h *Handler) open(ctx context.Context, account account.Account, q *query, body []byte) (p *push, err error) {
	if err = q.fresh(h.config.Now(), h.config.Window); err == nil {
		err = h.withKeyring(ctx, account, func(ring *Keyring) (err error) {
			p, err = ring.open(account, q, body)
			return err
		})
	}
	if no, ok := errors.AsType[refusal](err); ok {
		h.config.Logger.WarnContext(ctx, "push refused", "account", account.Name, "check", string(no))
	}
	if bad, ok := errors.AsType[malformed](err); ok {
		level := slog.LevelWarn
		if errors.Is(err, errGenuine) {
			level = slog.LevelError // a message is lost
		}
		h.config.Logger.Log(ctx, level, "push malformed", "account", account.Name, "cause", string(bad), "genuine", level == slog.LevelError)
	}
	return p, problemOf(err)
}

// text answers with a text that no browser reads as anything else.
func text(w http.ResponseWriter, body string) error {
	return answer{"text/plain; charset=utf-8", body}.write(w)
}

// write answers a push. To WeChat "success" means: accepted, no reply.
func (a answer) write(w http.ResponseWriter) error {
	if a == (answer{}) {
		return text(w, "success")
	}
	header := w.Header()
	header.Set("Content-Type", a.ContentType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, a.Body) // the client may have closed the connection
	return nil
}

// proof serves the file that WeChat looks for when a domain is entered in its
// console.
func (h *Handler) proof(w http.ResponseWriter, r *http.Request) error {
	content, ok := h.config.Proofs[r.PathValue("code")]
	if !ok {
		return errNoProof
	}
	return text(w, content)
}

// health answers 200 while the secrets of at least one account can be read, else 503,
// and says for each account whether they can.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) error {
	type account struct {
		App   string `json:"app"`
		Ready bool   `json:"ready"`
	}
	answer := struct {
		Status   string    `json:"status"`
		Accounts []account `json:"accounts"`
	}{Status: "no_secrets"}
	status := http.StatusServiceUnavailable
	for _, a := range h.config.Accounts {
		_, err := h.config.Keys(r.Context(), a, false)
		if answer.Accounts = append(answer.Accounts, account{a.Name, err == nil}); err == nil {
			answer.Status, status = "ok", http.StatusOK
		}
	}
	return web.JSON(w, status, answer)
}

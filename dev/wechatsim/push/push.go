// Package push is the simulated WeChat's push sender. It calls a developer's server URL as WeChat
// does: it signs, encrypts, sends, repeats, and checks the answers. It imports nothing of this
// module, so it cannot share a mistake with the code that it tests.
package push

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"wechatfn/dev/wechatsim/wait"
)

// Mode is the encryption mode of an account's pushes. The zero value is plain text.
// https://developers.weixin.qq.com/doc/subscription/guide/dev/push/encryption.html
type Mode int

// The modes.
const (
	Plain      Mode = iota // plain fields
	Compatible             // plain fields and the encrypted message
	Secure                 // the encrypted message alone
)

func (m Mode) String() string {
	switch m {
	case Plain:
		return "plain"
	case Compatible:
		return "compatible"
	case Secure:
		return "secure"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}

// What WeChat's pages say of a push that fails (docs/protocol.md#replies).
const (
	defaultTimeout = 5 * time.Second
	defaultRetries = 3
)

// Config makes a Sender. Its fields from Timeout on choose WeChat's behaviour where its pages say
// nothing or disagree (docs/protocol.md#unknown-behaviour).
type Config struct {
	URL            string // the developer's server URL; WeChat's query follows its own
	Token          string
	EncodingAESKey string // 43 characters; not used in plain mode
	AppID          string // not used in plain mode
	Mode           Mode
	JSON           bool // bodies in JSON, as a mini-program can choose, instead of XML

	HTTPClient *http.Client     // nil: http.DefaultClient; redirects are not followed with either
	Now        func() time.Time // nil: time.Now
	Rand       io.Reader        // nil: crypto/rand

	Timeout  time.Duration // for the whole answer; then WeChat closes the connection; default 5 s
	Retries  int           // repeats after the first delivery: default 3, or 2 in the other reading of the page; negative: none
	RetryGap time.Duration // before each repeat; default none
	// SameNonce repeats the first request unchanged. By default each repeat has a new timestamp, a
	// new nonce and a new encryption.
	SameNonce bool
	// AnyReplyNonce accepts any Nonce in an encrypted reply. By default it must be the nonce of this
	// delivery or of an earlier delivery of the same push.
	AnyReplyNonce bool
	// ContentType of a push; default text/xml or application/json.
	ContentType string
	// XMLLines ends each field of an XML message with a newline, as captured pushes do. The envelope
	// of an encrypted message is one line.
	XMLLines bool
}

// Sender is WeChat's servers that call a developer's server URL: it signs, encrypts, delivers,
// repeats, and checks the answers. It is safe for concurrent use if its Rand is.
type Sender struct {
	cfg    Config
	target *url.URL
	key    []byte // nil in plain mode
}

// New checks cfg.
func New(cfg Config) (*Sender, error) {
	p := &Sender{cfg: cfg}
	var err error
	if p.target, err = url.Parse(cfg.URL); err != nil || p.target.Host == "" || p.target.Scheme != "http" && p.target.Scheme != "https" {
		return nil, errors.New("push: the server URL needs http:// or https:// and a host")
	}
	if cfg.Token == "" {
		return nil, errors.New("push: a push needs a Token, or anybody could sign it")
	}
	if err := p.setKey(); err != nil {
		return nil, err
	}
	p.setDefaults()
	return p, nil
}

func (p *Sender) setKey() (err error) {
	switch {
	case p.cfg.Mode < Plain || p.cfg.Mode > Secure:
		return fmt.Errorf("push: unknown %v", p.cfg.Mode)
	case p.cfg.Mode == Plain:
		return nil
	case p.cfg.AppID == "":
		return fmt.Errorf("push: %v mode needs an AppID", p.cfg.Mode)
	}
	p.key, err = decodeKey(p.cfg.EncodingAESKey)
	return err
}

func (p *Sender) setDefaults() {
	if p.cfg.HTTPClient == nil {
		p.cfg.HTTPClient = http.DefaultClient
	}
	client := *p.cfg.HTTPClient // the caller's client does not change
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.cfg.HTTPClient = &client
	if p.cfg.Now == nil {
		p.cfg.Now = time.Now
	}
	if p.cfg.Rand == nil {
		p.cfg.Rand = rand.Reader
	}
	if p.cfg.Timeout <= 0 {
		p.cfg.Timeout = defaultTimeout
	}
	if p.cfg.Retries == 0 {
		p.cfg.Retries = defaultRetries
	}
	if p.cfg.ContentType == "" && p.cfg.JSON {
		p.cfg.ContentType = "application/json"
	} else if p.cfg.ContentType == "" {
		p.cfg.ContentType = "text/xml"
	}
}

// Verdict is how WeChat reacts to an answer.
type Verdict int

// The verdicts; the zero value is none.
const (
	Accepted Verdict = iota + 1
	Repeat           // WeChat sends the push again
	Refused          // WeChat does not send it again; the user sees a notice
)

func (v Verdict) String() string {
	switch v {
	case Accepted:
		return "accepted"
	case Repeat:
		return "repeat"
	case Refused:
		return "refused"
	}
	return "none"
}

// Delivery is one request of WeChat and its result.
type Delivery struct {
	Timestamp, Nonce string // as sent
	Sent             int    // bytes of the body

	Status      int // 0 without an answer; then Err is the reason
	ContentType string
	Body        string
	Took        time.Duration
	Err         error

	Verdict Verdict
	Reason  string // of a verdict, in a few words
	Reply   *Reply // nil if the answer has none
}

// Outcome is a push with its repeats.
type Outcome struct {
	Deliveries []Delivery // at least one
	Accepted   bool
	Notice     bool // the user sees a notice that the account is out of service
}

// Push delivers m as WeChat does. It repeats after a timeout, a broken connection or a status other
// than 200, until an answer is accepted or refused, or all repeats are used. The error is ctx's or
// that of a message that cannot be written. What WeChat refuses is in the Outcome.
func (p *Sender) Push(ctx context.Context, m Message) (Outcome, error) {
	var o Outcome
	series := p.Series(m)
	for try := 0; try == 0 || try <= p.cfg.Retries; try++ {
		if try > 0 {
			if err := wait.For(ctx, p.cfg.RetryGap); err != nil {
				return o, err
			}
		}
		d, err := series.Deliver(ctx)
		if err != nil {
			return o, err
		}
		o.Deliveries = append(o.Deliveries, d)
		if d.Verdict != Repeat {
			break
		}
	}
	o.Accepted = o.Deliveries[len(o.Deliveries)-1].Verdict == Accepted
	o.Notice = !o.Accepted
	return o, nil
}

// Deliver sends m once.
func (p *Sender) Deliver(ctx context.Context, m Message) (Delivery, error) {
	return p.Series(m).Deliver(ctx)
}

// Series is a push that is sent more than once. A reply can have the nonce of any earlier delivery,
// since a server that stored its reply answers a repeat with it. It is not safe for concurrent use.
type Series struct {
	sender  *Sender
	message Message
	first   *request
	nonces  []string
}

// Series starts a push whose deliveries the caller makes.
func (p *Sender) Series(m Message) *Series { return &Series{sender: p, message: m} }

// Deliver sends the push once more.
func (s *Series) Deliver(ctx context.Context) (Delivery, error) {
	p := s.sender
	r, err := s.next()
	if err != nil {
		return Delivery{}, err
	}
	req, err := r.request(ctx)
	if err != nil {
		return Delivery{}, err
	}
	d, err := p.Send(req)
	if err != nil {
		return d, err
	}
	d.Timestamp, d.Nonce = r.timestamp, r.nonce
	s.nonces = append(s.nonces, r.nonce)
	p.judge(&d, s)
	return d, nil
}

func (s *Series) next() (*request, error) {
	if s.first != nil && s.sender.cfg.SameNonce {
		return s.first, nil
	}
	r, err := s.sender.draft(s.message)
	if s.first == nil {
		s.first = r
	}
	return r, err
}

// judge sets the verdict of a delivery, answered or not.
func (p *Sender) judge(d *Delivery, s *Series) {
	switch {
	case d.Err != nil:
		d.Verdict = Repeat
		d.Reason = p.noAnswerReason(d.Err)
	case d.Status != http.StatusOK:
		d.Verdict = Repeat
		d.Reason = fmt.Sprintf("status %d instead of 200", d.Status)
	default:
		reply, reason, err := p.readReply(d.Body, s)
		d.Verdict, d.Reason, d.Reply = Accepted, reason, reply
		if err != nil {
			d.Verdict, d.Reason = Refused, err.Error()
		}
	}
}

// noAnswerReason says why there was no answer, without the URL that net/http puts first.
func (p *Sender) noAnswerReason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no whole answer within %v", p.cfg.Timeout)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return "no answer: " + err.Error()
}

// bodyLimit is far above any reply. A longer answer is cut off, and so refused.
const bodyLimit = 1 << 20

// Send sends a request of Request, which may have been altered, with WeChat's timeout. The Delivery
// has no verdict. The error is the context's.
func (p *Sender) Send(req *http.Request) (Delivery, error) {
	ctx, cancel := context.WithTimeout(req.Context(), p.cfg.Timeout)
	defer cancel()
	d := Delivery{Sent: int(max(0, req.ContentLength))}
	start := time.Now()
	d.Err = p.exchange(req.WithContext(ctx), &d)
	d.Took = time.Since(start)
	return d, req.Context().Err()
}

func (p *Sender) exchange(req *http.Request, d *Delivery) error {
	res, err := p.cfg.HTTPClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, bodyLimit))
	if err != nil {
		return err
	}
	d.Status, d.ContentType, d.Body = res.StatusCode, res.Header.Get("Content-Type"), string(body)
	return nil
}

// Package trigger makes the calls that WeChat makes to a server URL: it checks the URL,
// pushes messages and events, and tampers with them.
package trigger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"wechatfn/dev/local"
	"wechatfn/dev/wechatsim/push"
)

// Options say what is sent, and to which server. Zero values of From and To are
// made-up ids; with no Token, AESKey and AppID at all, nor WECHAT_TOKEN,
// WECHAT_ENCODING_AES_KEY and WECHAT_APP_ID, the simulated account signs.
type Options struct {
	Type string // check, one of push.SampleTypes, or any other MsgType
	URL  string // the server URL

	Encrypt    *bool // nil: if an AES key is known
	Compatible bool  // plain fields go along with the encrypted message
	JSON       bool

	Repeat int  // how often the same push is sent, each time signed anew
	Tamper bool // send it tampered with in many ways instead

	Token  string
	AESKey string
	AppID  string

	From     string // openid
	To       string // original id of the account
	Event    bool   // Type is the name of an event
	Content  string
	EventKey string
	Field    []string // NAME=VALUE

	Ahead time.Duration // how far the server's clock is ahead
}

// The made-up ids of From and To.
const (
	madeUpUser    = "oSim0penid00000000000000wxfn"
	madeUpAccount = "gh_51a7ed000000"
)

// trigger is one run.
type trigger struct {
	Options
	out    io.Writer
	getenv func(string) string
}

// Run sends the push, or the check, and writes to out what comes of it. getenv reads
// the account that Options leave out. The error is nil if WeChat would accept every
// answer.
func Run(ctx context.Context, o Options, out io.Writer, getenv func(string) string) error {
	o.From, o.To = cmp.Or(o.From, madeUpUser), cmp.Or(o.To, madeUpAccount)
	t := &trigger{Options: o, out: out, getenv: getenv}
	cfg, err := t.config()
	if err != nil {
		return err
	}
	sender, err := push.New(cfg)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "push: "))
	}
	if t.Type == "check" {
		return t.check(ctx, sender)
	}
	message, err := t.message(t.now())
	if err != nil {
		return err
	}
	if t.Tamper {
		return t.tamper(ctx, cfg, message)
	}
	return t.push(ctx, cfg.Mode, sender, message)
}

func (t *trigger) now() time.Time { return time.Now().Add(t.Ahead) }

// account is what a push is signed and encrypted with.
func (t *trigger) account() (token, aesKey, appID string, simulated bool) {
	token = cmp.Or(t.Token, t.getenv("WECHAT_TOKEN"))
	aesKey = cmp.Or(t.AESKey, t.getenv("WECHAT_ENCODING_AES_KEY"))
	appID = cmp.Or(t.AppID, t.getenv("WECHAT_APP_ID"))
	if token+aesKey+appID != "" {
		return token, aesKey, appID, false
	}
	a := local.Account
	return a["WECHAT_TOKEN"], a["WECHAT_ENCODING_AES_KEY"], a["WECHAT_APP_ID"], true
}

func (t *trigger) config() (push.Config, error) {
	token, aesKey, appID, _ := t.account()
	cfg := push.Config{URL: t.URL, Token: token, EncodingAESKey: aesKey, AppID: appID, JSON: t.JSON, Now: t.now}
	encrypt := aesKey != ""
	if t.Encrypt != nil {
		encrypt = *t.Encrypt
	}
	switch {
	case t.Repeat < 1:
		return cfg, errors.New("--repeat takes a number from 1 on")
	case t.Tamper && (t.Repeat > 1 || t.Type == "check"):
		return cfg, errors.New("--tamper goes with a push, and not with --repeat")
	case token == "":
		return cfg, errors.New("no token: give --token, or set WECHAT_TOKEN")
	case t.Compatible && !encrypt:
		return cfg, errors.New("--compatible is a mode with encryption: give --aes-key, or set WECHAT_ENCODING_AES_KEY, and leave --no-encrypt away")
	case !encrypt:
		return cfg, nil
	case aesKey == "":
		return cfg, errors.New("--encrypt needs a key: give --aes-key, or set WECHAT_ENCODING_AES_KEY")
	case appID == "":
		return cfg, errors.New("an encrypted push bears the AppID: give --app-id, or set WECHAT_APP_ID")
	}
	cfg.Mode = push.Secure
	if t.Compatible {
		cfg.Mode = push.Compatible
	}
	return cfg, nil
}

// message is the sample of the type, or a message of one's own, with the fields
// that were asked for.
func (t *trigger) message(now time.Time) (push.Message, error) {
	id := uint64(now.UnixNano())
	m, known := push.SampleMessage(t.Type, t.From, t.To, now, id)
	if !known || t.Event && m.Text("MsgType") != "event" {
		m = push.Message{{Name: "ToUserName", Value: t.To}, {Name: "FromUserName", Value: t.From}, {Name: "CreateTime", Value: now.Unix()}}
		if t.Event {
			m = m.With("MsgType", "event").With("Event", t.Type)
		} else {
			m = m.With("MsgType", t.Type).With("MsgId", id)
		}
		t.noteCapitals()
	}
	if t.Content != "" {
		m = m.With("Content", t.Content)
	}
	if t.EventKey != "" {
		m = m.With("EventKey", t.EventKey)
	}
	for _, field := range t.Field {
		var err error
		if m, err = withField(m, field); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// noteCapitals: click is a MsgType that nobody handles, CLICK was meant.
func (t *trigger) noteCapitals() {
	for _, name := range push.SampleTypes() {
		if name != t.Type && strings.EqualFold(name, t.Type) {
			t.line("note", "%s is a type of WeChat's, %s is not: capitals count", name, t.Type)
		}
	}
}

// withField sets a field of --field. What was a number stays one.
func withField(m push.Message, field string) (push.Message, error) {
	name, value, ok := strings.Cut(field, "=")
	if fits, _ := regexp.MatchString(`^[A-Za-z_][A-Za-z0-9_.-]*$`, name); !ok || !fits {
		return nil, fmt.Errorf("--field takes NAME=VALUE, not %q", field)
	}
	for _, f := range m {
		if f.Name != name {
			continue
		}
		switch f.Value.(type) {
		case string:
		case int, int64, uint64, json.Number:
			if fits, _ := regexp.MatchString(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`, value); !fits {
				return nil, fmt.Errorf("--field %s is a number, not %q", name, value)
			}
			return m.With(name, json.Number(value)), nil
		default:
			return nil, fmt.Errorf("--field cannot set %s, which has fields of its own", name)
		}
	}
	return m.With(name, value), nil
}

func (t *trigger) check(ctx context.Context, p *push.Sender) error {
	t.line("check", "of the server URL, %s", t.target())
	d, err := p.Check(ctx)
	if err == nil {
		err = t.reachable(d)
	}
	if err != nil {
		return err
	}
	t.answer(d)
	if d.Verdict != push.Accepted {
		t.line("wechat", "does not take the URL: %s", d.Reason)
		return errors.New("WeChat would not take this server URL")
	}
	t.line("wechat", "takes the URL: %s", d.Reason)
	return nil
}

func (t *trigger) push(ctx context.Context, mode push.Mode, p *push.Sender, m push.Message) error {
	t.line("push", "%s, %s mode, %s, %s", t.Type, mode, t.format(), t.target())
	series, bad := p.Series(m), 0
	for n := 1; n <= t.Repeat; n++ {
		d, err := series.Deliver(ctx)
		if err == nil {
			err = t.reachable(d)
		}
		if err != nil {
			return err
		}
		if t.Repeat > 1 {
			t.line("", "")
			t.line("delivery", "%d of %d, nonce %s", n, t.Repeat, d.Nonce)
		}
		t.report(d)
		if d.Verdict != push.Accepted {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("WeChat would not accept %d of %d answers", bad, t.Repeat)
	}
	return nil
}

// reachable tells a server that is not there from one that answers badly.
func (t *trigger) reachable(d push.Delivery) error {
	var op *net.OpError
	if d.Err == nil || !errors.As(d.Err, &op) || op.Op != "dial" {
		return nil
	}
	return fmt.Errorf("nothing answers at %s (start it with make dev, or give its address with --url): %w", t.target(), op)
}

// target is the server URL without a password.
func (t *trigger) target() string {
	u, err := url.Parse(t.URL)
	if err != nil {
		return "the server URL"
	}
	return u.Redacted()
}

func (t *trigger) format() string {
	if t.JSON {
		return "JSON"
	}
	return "XML"
}

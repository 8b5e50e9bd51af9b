package trigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wechatfn/dev/local"
	"wechatfn/dev/wechatsim/push"
)

// variant is a push that somebody tampered with.
type variant struct {
	name  string
	build builder
}

type builder func(context.Context) (*http.Request, error)

// tamper sends each variant, and the push itself to see that refusals mean
// something: a server that refuses everything proves nothing.
func (t *trigger) tamper(ctx context.Context, cfg push.Config, m push.Message) error {
	t.line("tamper", "%s, %s mode, %s, %s", t.Type, cfg.Mode, t.format(), t.target())
	sender, err := push.New(cfg)
	if err != nil {
		return err
	}
	d, err := sender.Deliver(ctx, m)
	if err == nil {
		err = t.reachable(d)
	}
	if err != nil {
		return err
	}
	t.row("untouched", d, d.Verdict.String())
	if d.Verdict != push.Accepted {
		t.hint(d)
		return fmt.Errorf("the push is not accepted even when untouched, so that a refusal would prove nothing: %s", d.Reason)
	}
	return t.variants(ctx, sender, variants(cfg, m))
}

func (t *trigger) variants(ctx context.Context, sender *push.Sender, all []variant) error {
	var passed []string
	for _, v := range all {
		req, err := v.build(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		d, err := sender.Send(req)
		if err != nil {
			return err
		}
		verdict := "refused"
		if d.Status < 400 || d.Status > 499 {
			verdict = "NOT REFUSED"
			passed = append(passed, v.name)
		}
		t.row(v.name, d, verdict)
	}
	if len(passed) > 0 {
		return fmt.Errorf("%d of %d were not refused: %s", len(passed), len(all), strings.Join(passed, ", "))
	}
	fmt.Fprintf(t.out, "  all %d were refused\n", len(all))
	return nil
}

func (t *trigger) row(name string, d push.Delivery, verdict string) {
	what := shorten(local.Printable(strings.Join(strings.Fields(d.Body), " ")), 40)
	if p, ok := problemOf(d.Body); ok {
		what = local.Printable(p.Code)
	}
	if d.Err != nil {
		what = "no answer"
	}
	fmt.Fprintln(t.out, strings.TrimRight(fmt.Sprintf("  %-42s %3d  %-11s  %s", name, d.Status, verdict, what), " "))
}

// tamperer makes variants of one push.
type tamperer struct {
	cfg     push.Config
	message push.Message
}

func variants(cfg push.Config, m push.Message) []variant {
	t := &tamperer{cfg, m}
	all := append(t.stamps(), variant{"the body is empty", t.body(func([]byte) []byte { return nil })})
	if cfg.Mode == push.Plain {
		all = append(t.signatures("signature"), all...)
	} else {
		all = append(append(t.signatures("msg_signature"), all...), t.encrypted()...)
	}
	if !cfg.JSON {
		all = append(all, variant{"a DOCTYPE before the body", t.body(doctype)})
	}
	if !cfg.JSON && cfg.Mode != push.Plain {
		all = append(all, variant{"a DOCTYPE within the encryption", t.within(doctype)})
	}
	return all
}

// signatures are for the signature that counts in a mode.
func (t *tamperer) signatures(name string) []variant {
	return []variant{
		{name + " altered", t.query(func(q url.Values) { q.Set(name, otherEnd(q.Get(name))) })},
		{name + " left out", t.query(func(q url.Values) { q.Del(name) })},
		{name + " empty", t.query(func(q url.Values) { q.Set(name, "") })},
		{"signed with another token", t.with(func(c *push.Config) { c.Token += "x" })},
	}
}

// stamps are for timestamp and nonce.
func (t *tamperer) stamps() []variant {
	return []variant{
		{"timestamp altered", t.query(func(q url.Values) { q.Set("timestamp", otherEnd(q.Get("timestamp"))) })},
		{"nonce altered", t.query(func(q url.Values) { q.Set("nonce", otherEnd(q.Get("nonce"))) })},
		{"sent an hour ago, rightly signed", t.with(func(c *push.Config) {
			now := c.Now
			c.Now = func() time.Time { return now().Add(-time.Hour) }
		})},
	}
}

func (t *tamperer) encrypted() []variant {
	return []variant{
		{"signature in place of msg_signature", t.query(func(q url.Values) { q.Set("msg_signature", q.Get("signature")) })},
		{"ciphertext altered", t.body(alterCiphertext)},
		{"encrypted with another key, rightly signed", t.with(func(c *push.Config) {
			c.EncodingAESKey = otherEnd(c.EncodingAESKey[:42]) + "A"
		})},
		{"for another appid, rightly signed", t.with(func(c *push.Config) { c.AppID = otherEnd(c.AppID) })},
		{"plain body in place of the encrypted one", t.plainBody()},
		{"plain push, rightly signed", t.with(func(c *push.Config) { c.Mode = push.Plain })},
	}
}

// with is a push of somebody whose settings differ.
func (t *tamperer) with(change func(*push.Config)) builder {
	return func(ctx context.Context) (*http.Request, error) {
		cfg := t.cfg
		change(&cfg)
		p, err := push.New(cfg)
		if err != nil {
			return nil, err
		}
		return p.Request(ctx, t.message)
	}
}

func (t *tamperer) query(change func(url.Values)) builder {
	return t.alter(func(q url.Values, body []byte) []byte { change(q); return body })
}

func (t *tamperer) body(change func([]byte) []byte) builder {
	return t.alter(func(_ url.Values, body []byte) []byte { return change(body) })
}

// alter changes a push that was rightly made.
func (t *tamperer) alter(change func(url.Values, []byte) []byte) builder {
	return func(ctx context.Context) (*http.Request, error) {
		req, err := t.with(func(*push.Config) {})(ctx)
		if err != nil {
			return nil, err
		}
		before, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		q := req.URL.Query()
		after := change(q, bytes.Clone(before))
		if query := q.Encode(); query == req.URL.Query().Encode() && bytes.Equal(before, after) {
			return nil, errors.New("nothing was altered")
		}
		u := *req.URL
		u.RawQuery = q.Encode()
		altered, err := http.NewRequestWithContext(ctx, req.Method, u.String(), bytes.NewReader(after))
		if err == nil {
			altered.Header = req.Header
		}
		return altered, err
	}
}

// plainBody is what somebody sends who hopes that only the query is looked at.
func (t *tamperer) plainBody() builder {
	return t.body(func(body []byte) []byte {
		cfg := t.cfg
		cfg.Mode = push.Plain
		p, err := push.New(cfg)
		if err != nil {
			return body // and alter says that nothing changed
		}
		plain, _ := p.Write(t.message)
		return plain
	})
}

// within changes the message before it is encrypted and signed.
func (t *tamperer) within(change func([]byte) []byte) builder {
	return func(ctx context.Context) (*http.Request, error) {
		p, err := push.New(t.cfg)
		if err != nil {
			return nil, err
		}
		plain, err := p.Write(t.message)
		if err != nil {
			return nil, err
		}
		return p.RequestRaw(ctx, change(plain), t.message.Text("ToUserName"), t.message.Text("FromUserName"))
	}
}

// doctype declares an entity, as for reading files of the server.
func doctype(body []byte) []byte {
	return append([]byte(`<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>`), body...)
}

// alterCiphertext changes a character in the midst of Encrypt.
func alterCiphertext(body []byte) []byte {
	for _, start := range []string{"<Encrypt><![CDATA[", `"Encrypt":"`} {
		if i := bytes.LastIndex(body, []byte(start)); i >= 0 {
			at := i + len(start) + 40
			body[at] = map[bool]byte{true: 'B', false: 'A'}[body[at] == 'A']
		}
	}
	return body
}

// otherEnd has another last character.
func otherEnd(text string) string {
	if strings.HasSuffix(text, "0") {
		return text[:len(text)-1] + "1"
	}
	return text[:max(0, len(text)-1)] + "0"
}

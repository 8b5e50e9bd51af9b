package push

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Check makes the call with which WeChat checks a server URL before it is saved. There is no
// repeat: the verdict is Accepted or Refused.
func (p *Sender) Check(ctx context.Context) (Delivery, error) {
	req, err := p.CheckRequest(ctx)
	if err != nil {
		return Delivery{}, err
	}
	d, err := p.Send(req)
	if err != nil {
		return d, err
	}
	query := req.URL.Query()
	d.Timestamp, d.Nonce = query.Get("timestamp"), query.Get("nonce")
	d.Verdict = Accepted
	d.Reason = "the echostr came back"
	if err := p.judgeEcho(d, query.Get("echostr")); err != nil {
		d.Verdict, d.Reason = Refused, err.Error()
	}
	return d, nil
}

// CheckRequest is the request of Check. It is signed in the same way in every mode.
func (p *Sender) CheckRequest(ctx context.Context) (*http.Request, error) {
	r, err := p.stamp()
	if err != nil {
		return nil, err
	}
	echo, err := p.random(8)
	if err != nil {
		return nil, err
	}
	q := []string{
		"signature", sign(p.cfg.Token, r.timestamp, r.nonce),
		"echostr", echoString(echo), "timestamp", r.timestamp, "nonce", r.nonce,
	}
	return http.NewRequestWithContext(ctx, http.MethodGet, p.url(q), nil)
}

func (p *Sender) judgeEcho(d Delivery, echo string) error {
	switch {
	case d.Err != nil:
		return fmt.Errorf("%s", p.broken(d.Err))
	case d.Status != http.StatusOK:
		return fmt.Errorf("status %d instead of 200", d.Status)
	case d.Body == echo:
		return nil
	case strings.HasPrefix(d.Body, "\ufeff"):
		return fmt.Errorf("the body starts with a byte order mark")
	case strings.Contains(d.Body, echo):
		return fmt.Errorf("the body has more than the echostr: %s", excerpt(d.Body))
	case d.Body == "":
		return fmt.Errorf("the body is empty instead of the echostr")
	default:
		return fmt.Errorf("the body is not the echostr: %s", excerpt(d.Body))
	}
}

// excerpt shows the start of a body, with quotes, newlines and the like visible.
func excerpt(body string) string {
	const most = 60
	if runes := []rune(body); len(runes) > most {
		body = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", body)
}

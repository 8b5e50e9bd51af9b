package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// errTooLate: the process was held up for so long that another may have taken
// over.
var errTooLate = errors.New("message: out of time")

// once hands a push over unless that has been done, and returns the answer.
// Errors are problems with a 5xx status, which have WeChat send the push again,
// and the store's.
func (h *Handler) once(ctx context.Context, p *push) (answer, error) {
	deadline, _ := ctx.Deadline()
	until := h.Now().Add(time.Until(deadline)).Add(skew)
	item, done, err := h.ledger.claim(ctx, p.ledgerKey(), until)
	switch {
	case errors.Is(err, errInWork):
		return answer{}, pushInProgress()
	case err != nil:
		return answer{}, fmt.Errorf("message: claim: %w", err)
	case done != nil:
		h.log(ctx, p, "push repeated")
		return *done, nil
	}
	a, err := h.handOver(ctx, p, until)
	if err != nil {
		if err := h.ledger.release(ctx, item); err != nil {
			h.Logger.WarnContext(ctx, "claim not released", "account", p.App, "error", err)
		}
		return answer{}, deliveryFailed(err)
	}
	// It is handed over, so WeChat must not send it again, whatever happens now.
	if err := h.ledger.finish(ctx, item, a); err != nil {
		h.Logger.ErrorContext(ctx, "push not marked as done", "account", p.App, "type", p.Type(), "error", err)
	}
	h.log(ctx, p, "push taken")
	return a, nil
}

// log names no sender and no content.
func (h *Handler) log(ctx context.Context, p *push, event string) {
	h.Logger.InfoContext(ctx, event, "account", p.App, "type", p.Type())
}

// handOver gives the message to the sink and makes the answer of its reply.
func (h *Handler) handOver(ctx context.Context, p *push, until time.Time) (answer, error) {
	// By the wall's clock: the one that ctx goes by may have stood still while the
	// process was frozen.
	left := until.Sub(h.Now()) - skew - closing
	if left <= 0 || ctx.Err() != nil {
		return answer{}, errTooLate
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	reply, err := h.Sink.Deliver(ctx, p.Message)
	if err != nil {
		return answer{}, err
	}
	a, err := h.reply(p, reply)
	if err != nil {
		h.Logger.ErrorContext(ctx, "reply not usable", "account", p.App, "type", p.Type(), "error", err)
		return answer{}, nil
	}
	return a, nil
}

// reply renders the sink's reply in the format of the push, encrypted if the push
// was.
func (h *Handler) reply(p *push, reply []byte) (answer, error) {
	r, err := parseReply(reply)
	if r == nil || err != nil {
		return answer{}, err
	}
	if p.FromUserName == "" || p.ToUserName == "" {
		return answer{}, errors.New("the message tells nobody to reply to")
	}
	now := h.Now().Unix()
	text, err := render(r.answerTo(p.Message, now), p.xml)
	if p.seal != nil && err == nil {
		var random [randomSize]byte
		if _, err = io.ReadFull(h.Rand, random[:]); err == nil {
			text, err = render(p.seal.close(text, random[:], now), p.xml)
		}
	}
	if len(text) > maxAnswerBytes && err == nil {
		err = fmt.Errorf("it makes %d bytes, the limit is %d", len(text), maxAnswerBytes)
	}
	if p.xml {
		return answer{"application/xml; charset=utf-8", text}, err
	}
	return answer{"application/json", text}, err
}

// rendered is what can be written in either format.
type rendered interface {
	xml() string
	json() (string, error)
}

func render(r rendered, asXML bool) (string, error) {
	if asXML {
		return r.xml(), nil
	}
	return r.json()
}

package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// errTooLate: this process was paused for so long that another one may have taken
// over.
var errTooLate = errors.New("message: out of time")

// deliverOnce delivers a push to the sink unless that was done before, and returns
// the answer. Errors: *problem.Problem with a 5xx status, or the store's. WeChat sends the
// push again after either.
func (h *Handler) deliverOnce(ctx context.Context, p *push) (answer, error) {
	deadline, _ := ctx.Deadline() // Handler.budget always sets one
	until := h.config.Now().Add(time.Until(deadline)).Add(clockSkew)
	item, done, err := h.dedupe.claim(ctx, p.dedupeKey(), until)
	switch {
	case errors.Is(err, errInProgress):
		return answer{}, errPushInProgress.Because(errInProgress).RetryIn(time.Second)
	case err != nil:
		return answer{}, fmt.Errorf("message: claim: %w", err)
	case done != nil:
		h.log(ctx, p, "push repeated")
		return *done, nil
	}
	a, err := h.deliver(ctx, p, until)
	if err != nil {
		if err := h.dedupe.release(ctx, item); err != nil {
			h.config.Logger.WarnContext(ctx, "claim not released", "account", p.App, "error", err)
		}
		return answer{}, errNotDelivered.Because(err)
	}
	// It is delivered, so WeChat must not send it again, whatever happens now.
	if err := h.dedupe.finish(ctx, item, a); err != nil {
		h.config.Logger.ErrorContext(ctx, "push not marked as done", "account", p.App, "type", p.Type(), "error", err)
	}
	h.log(ctx, p, "push taken")
	return a, nil
}

// log names no sender and no content.
func (h *Handler) log(ctx context.Context, p *push, event string) {
	h.config.Logger.InfoContext(ctx, event, "account", p.App, "type", p.Type())
}

// deliver gives the message to the sink and makes the answer from its reply.
func (h *Handler) deliver(ctx context.Context, p *push, until time.Time) (answer, error) {
	// By the wall clock: the monotonic clock of ctx may not have advanced while Lambda
	// froze the process.
	left := until.Sub(h.config.Now()) - clockSkew - answerReserve
	if left <= 0 || ctx.Err() != nil {
		return answer{}, errTooLate
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	reply, err := h.config.Sink.Deliver(ctx, p.Message)
	if err != nil {
		return answer{}, err
	}
	a, err := h.reply(p, reply)
	if err != nil {
		h.config.Logger.ErrorContext(ctx, "reply not usable", "account", p.App, "type", p.Type(), "error", err)
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
		return answer{}, errors.New("the message names no sender or receiver to reply to")
	}
	now := h.config.Now().Unix()
	text, err := render(r.answerTo(p.Message, now), p.xml)
	if p.seal != nil && err == nil {
		var random [randomSize]byte
		if _, err = io.ReadFull(h.config.Rand, random[:]); err == nil {
			text, err = render(p.seal.encrypt(text, random[:], now), p.xml)
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

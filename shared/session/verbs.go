package session

import (
	"context"
	"errors"
	"slices"

	"wechatfn/shared/store"
)

// held is a session that a token has opened.
type held struct {
	token token
	item  store.Item
	record
}

func (h held) session() Session { return h.record.session(h.token.id()) }

// Check says whose session the token opens. Where products are named, it must be
// a session of one of them.
//
// Store calls: 1 Get; none for a malformed token. A token that was rotated away
// costs a Replace more, which revokes its family, and a Get and a Replace of the
// user, whose list it leaves. Errors: ErrNoSession, *RevokedError, ErrOtherSKU,
// the store's.
func (s *Sessions) Check(ctx context.Context, token string, sku ...string) (Session, error) {
	h, err := s.open(ctx, token, sku)
	if err != nil {
		return Session{}, err
	}
	return h.session(), nil
}

// Touch is Check for a session that is in use: where less than half of the idle
// life is left, it begins anew, though never beyond the absolute end. Of several
// at once one does; the others do not mind.
//
// Store calls: 1 Get; and 1 Replace once in half an idle life. Errors: as Check's.
func (s *Sessions) Touch(ctx context.Context, token string, sku ...string) (Session, error) {
	h, err := s.open(ctx, token, sku)
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	extended := h.record.used(now, s.idle)
	if extended.IdleEnd == h.IdleEnd || 2*(h.IdleEnd-now) >= s.idle {
		return h.session(), nil
	}
	switch _, err := store.Write(ctx, s.cfg.Store, extended.over(h.item)); {
	case crossed(err):
		return h.session(), nil
	case err != nil:
		return Session{}, failed("extend", err)
	}
	return extended.session(h.token.id()), nil
}

// Rotate gives a new token for a current one, which is dead from then on, and
// the idle life begins anew. The absolute end stays. Of two at once one gets a
// token; the other is a token used again, and ends the session. So does one that
// is repeated because its answer was lost: there is no telling it from a thief's.
//
// Store calls: 1 Get, 1 Replace; one Replace more for each Touch that came
// between; what Check costs for a token used again. Errors: as Check's.
func (s *Sessions) Rotate(ctx context.Context, token string, sku ...string) (string, Session, error) {
	h, err := s.open(ctx, token, sku)
	if err != nil {
		return "", Session{}, err
	}
	next, err := s.rotated(h.token)
	if err != nil {
		return "", Session{}, err
	}
	for try := 0; ; try++ {
		r := h.record.used(s.now(), s.idle)
		r.Secret, r.Generation = next.secretHash(), r.Generation+1
		standing, err := store.Write(ctx, s.cfg.Store, r.over(h.item))
		if err == nil {
			return next.text(), r.session(next.id()), nil
		}
		if !crossed(err) {
			return "", Session{}, failed("rotate", err)
		}
		if err := pause(ctx, try); err != nil {
			return "", Session{}, err
		}
		if h, err = s.judge(ctx, h.token, standing, sku); err != nil {
			return "", Session{}, err
		}
	}
}

// Revoke logs this device out. A session that a logout has ended already is no
// error, so a Revoke that failed may be repeated.
//
// Store calls: Get and Replace of the session, Get and Replace of the user.
// Errors: ErrNoSession; *RevokedError where something else has ended the
// session, or this very call because the token was used again; the store's.
func (s *Sessions) Revoke(ctx context.Context, token string) error {
	h, err := s.open(ctx, token, nil)
	if err == nil {
		err = s.bury(ctx, h.item, h.record.revoke(ReasonLogout, s.now()))
	} else if loggedOut(err) {
		err = nil
	}
	if err != nil {
		return err
	}
	return s.unlist(ctx, h.record, h.token.id())
}

func loggedOut(err error) bool {
	var revoked *RevokedError
	return errors.As(err, &revoked) && (revoked.Reason == ReasonLogout || revoked.Reason == ReasonLogoutAll)
}

// gone: another's write came first, and left nothing.
func gone(standing store.Item) error {
	if standing.Key == "" {
		return ErrNoSession
	}
	return nil
}

// read returns the session's item. Errors: ErrNoSession, the store's.
func (s *Sessions) read(ctx context.Context, id string) (store.Item, error) {
	item, err := s.cfg.Store.Get(ctx, sessionKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return item, ErrNoSession
	}
	return item, failed("read", err)
}

// open reads what the token opens and judges it.
func (s *Sessions) open(ctx context.Context, text string, skus []string) (held, error) {
	t, ok := parse(text)
	if !ok {
		return held{}, ErrNoSession
	}
	item, err := s.read(ctx, t.id())
	if err != nil {
		return held{}, err
	}
	return s.judge(ctx, t, item, skus)
}

// judge decides whether the token opens what stands, and revokes a family whose
// token is used again: by one conditional write, or else it decides again on
// what stands then. With a revoked session it returns what is left of it.
func (s *Sessions) judge(ctx context.Context, t token, item store.Item, skus []string) (held, error) {
	for try := 0; ; try++ {
		if err := gone(item); err != nil {
			return held{}, err
		}
		r, err := readRecord(item)
		if err != nil {
			return held{}, err
		}
		switch err := r.verdict(t, s.now()); {
		case err == nil && len(skus) > 0 && !slices.Contains(skus, r.SKU):
			return held{}, ErrOtherSKU
		case !errors.Is(err, errReused):
			return held{t, item, r}, err
		}
		revoked := r.revoke(ReasonReused, s.now())
		if item, err = store.Write(ctx, s.cfg.Store, revoked.over(item)); err == nil {
			// It is dead. That it still takes a place in the list is no reason for another answer.
			_ = s.unlist(ctx, r, t.id())
			return held{}, revoked.revocation()
		}
		if !crossed(err) {
			return held{}, failed("revoke", err)
		}
		if err := pause(ctx, try); err != nil {
			return held{}, err
		}
	}
}

package session

import (
	"context"
	"errors"
	"slices"

	"wechatfn/shared/store"
)

// openSession is a session with the token that opened it.
type openSession struct {
	token token
	item  store.Item
	record
}

func (o openSession) session() Session { return o.record.session(o.token.id()) }

// Check returns the session of a token. If SKUs are given, the session must have one of
// them.
//
// Store calls: 1 Get; none for a malformed token. A token that is used again after its
// rotation needs a Replace, which revokes its family, and a Get and a Replace of the user,
// to remove it from the list. Errors: ErrNoSession, *RevokedError, ErrOtherSKU, the
// store's.
func (s *Sessions) Check(ctx context.Context, token string, sku ...string) (Session, error) {
	o, err := s.open(ctx, token, sku)
	if err != nil {
		return Session{}, err
	}
	return o.session(), nil
}

// Touch is Check for a session that is in use: if less than half of the idle timeout is
// left, the idle timeout begins again, up to the absolute end. Of several calls at the same
// time one writes, and all succeed.
//
// Store calls: 1 Get, and 1 Replace at most once in half of the idle timeout. Errors: as
// Check.
func (s *Sessions) Touch(ctx context.Context, token string, sku ...string) (Session, error) {
	o, err := s.open(ctx, token, sku)
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	extended := o.record.extended(now, s.idleTimeout)
	if extended.IdleEnd == o.IdleEnd || 2*(o.IdleEnd-now) >= s.idleTimeout {
		return o.session(), nil
	}
	switch _, err := store.Write(ctx, s.cfg.Store, extended.into(o.item)); {
	case isConflict(err):
		return o.session(), nil
	case err != nil:
		return Session{}, wrap("extend", err)
	}
	return extended.session(o.token.id()), nil
}

// Rotate returns a new token for a current one, which is invalid from then on. The idle
// timeout begins again; the absolute end does not change. Of two calls at the same time one
// gets a token. The other one uses a token again after its rotation, and so ends the
// session. A call that is repeated because its answer was lost does so too: it looks like
// that of a thief.
//
// Store calls: 1 Get, 1 Replace; one more Replace for each Touch in between; for a token
// that is used again, as Check. Errors: as Check.
func (s *Sessions) Rotate(ctx context.Context, token string, sku ...string) (string, Session, error) {
	o, err := s.open(ctx, token, sku)
	if err != nil {
		return "", Session{}, err
	}
	next, err := s.nextToken(o.token)
	if err != nil {
		return "", Session{}, err
	}
	for try := 0; ; try++ {
		r := o.record.extended(s.now(), s.idleTimeout)
		r.Secret, r.Generation = next.secretHash(), r.Generation+1
		current, err := store.Write(ctx, s.cfg.Store, r.into(o.item))
		if err == nil {
			return next.text(), r.session(next.id()), nil
		}
		if !isConflict(err) {
			return "", Session{}, wrap("rotate", err)
		}
		if err := waitToRetry(ctx, try); err != nil {
			return "", Session{}, err
		}
		if o, err = s.verify(ctx, o.token, current, sku); err != nil {
			return "", Session{}, err
		}
	}
}

// Revoke logs this device out. If a logout has revoked the session before, this is no
// error, so a Revoke that failed can be repeated.
//
// Store calls: Get and Replace of the session, Get and Replace of the user. Errors:
// ErrNoSession; *RevokedError if the session was revoked for another reason, or is by this
// call, because the token is used again after its rotation; the store's.
func (s *Sessions) Revoke(ctx context.Context, token string) error {
	o, err := s.open(ctx, token, nil)
	if err == nil {
		err = s.revokeItem(ctx, o.item, o.record.revoked(ReasonLogout, s.now()))
	} else if loggedOut(err) {
		err = nil
	}
	if err != nil {
		return err
	}
	return s.removeFromList(ctx, o.record, o.token.id())
}

func loggedOut(err error) bool {
	var revoked *RevokedError
	return errors.As(err, &revoked) && (revoked.Reason == ReasonLogout || revoked.Reason == ReasonLogoutAll)
}

// readItem returns the item of a session. Errors: ErrNoSession, the store's.
func (s *Sessions) readItem(ctx context.Context, id string) (store.Item, error) {
	item, err := s.cfg.Store.Get(ctx, sessionKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return item, ErrNoSession
	}
	return item, wrap("read", err)
}

// open reads the session of a token and verifies it.
func (s *Sessions) open(ctx context.Context, text string, skus []string) (openSession, error) {
	t, ok := parse(text)
	if !ok {
		return openSession{}, ErrNoSession
	}
	item, err := s.readItem(ctx, t.id())
	if err != nil {
		return openSession{}, err
	}
	return s.verify(ctx, t, item, skus)
}

// verify checks a token against the stored item. If the token is used again after its
// rotation, it revokes the family in one conditional write; after a conflict it checks
// again. It returns a revoked session together with its error.
func (s *Sessions) verify(ctx context.Context, t token, item store.Item, skus []string) (openSession, error) {
	for try := 0; ; try++ {
		if item.Key == "" { // a conflict, after which nothing is stored
			return openSession{}, ErrNoSession
		}
		r, err := readRecord(item)
		if err != nil {
			return openSession{}, err
		}
		switch err := r.check(t, s.now()); {
		case err == nil && len(skus) > 0 && !slices.Contains(skus, r.SKU):
			return openSession{}, ErrOtherSKU
		case !errors.Is(err, errReused):
			return openSession{t, item, r}, err
		}
		revoked := r.revoked(ReasonReused, s.now())
		if item, err = store.Write(ctx, s.cfg.Store, revoked.into(item)); err == nil {
			// It is revoked. If this fails, it only takes a place in the list.
			_ = s.removeFromList(ctx, r, t.id())
			return openSession{}, revoked.revokedError()
		}
		if !isConflict(err) {
			return openSession{}, wrap("revoke", err)
		}
		if err := waitToRetry(ctx, try); err != nil {
			return openSession{}, err
		}
	}
}

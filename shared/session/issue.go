package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"wechatfn/shared/secret"
	"wechatfn/shared/store"
)

// Login is a user who logs in, as WeChat has confirmed. It prints as [redacted].
type Login struct {
	App     string `json:"app,omitzero"` // name of the account; at most 64 of A-Z a-z 0-9 . _ -
	AppID   string `json:"appId"`
	OpenID  string `json:"openid"`
	UnionID string `json:"unionid,omitzero"` // empty: the stored one does not change
	SKU     string `json:"sku,omitzero"`     // product; at most 64 of A-Z a-z 0-9 . _ -
	Device  string `json:"device,omitzero"`  // a name that the user recognises; at most 128 bytes, no control characters

	Profile *Profile `json:"profile,omitzero"` // what the user consented to share; nil: the stored one does not change
	Tokens  *Tokens  `json:"tokens,omitzero"`  // nil, or tokens that do not Supersede the stored ones: those do not change

	// Began, in Unix milliseconds, is when WeChat was asked who the user is. Zero means
	// now. A login that began before a logout of all devices fails after it.
	Began int64 `json:"began,omitzero"`

	// Seed makes the login repeatable. It is 32 secret bytes, for this login alone. Nil
	// means a random token.
	Seed []byte `json:"-"`
}

// Format implements fmt.Formatter: every verb prints [redacted].
func (Login) Format(f fmt.State, verb rune) { secret.Secret{}.Format(f, verb) }

// LogValue implements slog.LogValuer.
func (Login) LogValue() slog.Value { return secret.Secret{}.LogValue() }

// Issue logs a user in. It returns the token, its session, and whether this is the
// first login of the user to the app. If the user now has more than MaxDevices sessions,
// Issue revokes some: first those that a newer login on the same Device and of the same
// SKU has replaced, then the oldest.
//
// An Issue that fails may have succeeded in the store. With a Seed it can be repeated: by
// a browser that calls twice, or after an error or a crash at any call. The repeated
// Issue returns the same token, session and newUser, and changes nothing that is stored.
// It returns ErrSeedUsed if the token was rotated or the idle timeout has passed, and
// *RevokedError if the session was revoked. A seed must not be used for another login.
//
// Store calls: Create of the user, Create of the session. For a user that exists, a
// Replace of the user between them; one more Replace after a conflict, then a Get and a
// Replace for each further conflict (at most 100 tries). For a new unionid, what OpenIDs
// says. For each device too many, a Get and a Replace of its session, or a Get alone if
// it has ended; then one more Replace of the user. Errors: ErrInvalid, ErrSeedUsed,
// *RevokedError (without a seed: by a logout of all devices since the login began, or by
// newer logins at the same time), the store's.
func (s *Sessions) Issue(ctx context.Context, l Login) (token string, session Session, newUser bool, err error) {
	if err := l.validate(); err != nil {
		return "", Session{}, false, err
	}
	t, err := s.newToken(l)
	if err != nil {
		return "", Session{}, false, err
	}
	u, d, newUser, err := s.registerLogin(ctx, l, t.id())
	if err != nil {
		return "", Session{}, false, err
	}
	session, err = s.createSession(ctx, t, s.newRecord(l, u, t, d))
	if err == nil {
		err = s.finishIssue(ctx, u, d)
	} else if revoked := new(RevokedError); errors.As(err, &revoked) {
		_, _ = s.removeDevices(ctx, u, []Device{d}) // if this fails, it only takes a place in the list
	}
	if err != nil {
		return "", Session{}, false, err
	}
	return t.text(), session, newUser, nil
}

// registerLogin writes the login into the registry and lists its session, which is not
// created yet. If the session is listed already, nothing changes.
func (s *Sessions) registerLogin(ctx context.Context, l Login, id string) (u storedUser, d Device, newUser bool, err error) {
	now := s.now()
	d = Device{ID: id, Device: l.Device, SKU: l.SKU, CreatedAt: now, EndsAt: now + s.ttl}
	u = storedUser{appID: l.AppID, openID: l.OpenID, userRecord: userRecord{FirstSeen: now, Devices: []Device{d}}}
	u.recordLogin(l, now)
	u.item, err = store.Write(ctx, s.cfg.Store, store.Item{Key: userKey(l.AppID, l.OpenID), Value: store.Encode(u.userRecord)})
	if !isConflict(err) {
		return u, d, true, wrap("write the user", err)
	}
	u, err = s.updateUser(ctx, u, func(r *userRecord) error {
		i := slices.IndexFunc(r.Devices, func(d Device) bool { return d.ID == id })
		newUser = i == 0 && r.Devices[0].CreatedAt == r.FirstSeen // this login created the user
		if i >= 0 {
			d = r.Devices[i]
			return nil
		}
		if err := r.refuseLate(l); err != nil {
			return err
		}
		r.recordLogin(l, now)
		r.Devices = append(slices.DeleteFunc(r.Devices, func(d Device) bool { return d.EndsAt <= now }), d)
		return nil
	})
	return u, d, newUser, err
}

func (r *userRecord) recordLogin(l Login, now int64) {
	r.LastLogin = now
	r.setUnionID(l.UnionID)
	if l.Profile != nil {
		r.Profile = l.Profile
	}
	if l.Tokens != nil && l.Tokens.Supersede(Tokens(r.Tokens)) {
		r.Tokens = storedTokens(*l.Tokens)
	}
}

// newRecord is the session of a listed login. Its times follow from the time of the
// listing, not from the present: if the process froze for the idle timeout, others may
// have removed its session from the list, so the session that it creates has ended.
func (s *Sessions) newRecord(l Login, u storedUser, t token, d Device) record {
	r := record{
		Secret: t.secretHash(), App: l.App, AppID: l.AppID, OpenID: l.OpenID, UnionID: u.UnionID,
		SKU: d.SKU, Device: d.Device, CreatedAt: d.CreatedAt, EndsAt: d.EndsAt,
	}
	return r.extended(d.CreatedAt, s.idleTimeout)
}

// createSession creates the session, unless it exists or was revoked before.
func (s *Sessions) createSession(ctx context.Context, t token, r record) (Session, error) {
	item, err := store.Write(ctx, s.cfg.Store, r.newItem(t.id()))
	if isConflict(err) {
		r, err = readRecord(item)
	}
	if err != nil {
		return Session{}, wrap("create the session", err)
	}
	err = r.check(t, s.now())
	if errors.Is(err, errReused) || errors.Is(err, ErrNoSession) {
		err = ErrSeedUsed
	}
	if err != nil {
		return Session{}, err
	}
	return r.session(t.id()), nil
}

// finishIssue does what has to be done after the session was created.
func (s *Sessions) finishIssue(ctx context.Context, u storedUser, d Device) error {
	if u.UnionID != "" && !u.Linked {
		if err := s.linkUnionID(ctx, u); err != nil {
			return err
		}
	}
	return s.enforceMaxDevices(ctx, u, d)
}

// validate refuses what cannot be part of a key, and what is too long for an item.
func (l Login) validate() error {
	switch {
	case !isID(l.AppID):
		return fmt.Errorf("%w AppID", ErrInvalid)
	case !isID(l.OpenID):
		return fmt.Errorf("%w openid", ErrInvalid)
	case l.UnionID != "" && !isID(l.UnionID):
		return fmt.Errorf("%w unionid", ErrInvalid)
	case !isName(l.App):
		return fmt.Errorf("%w app", ErrInvalid)
	case !IsSKU(l.SKU):
		return fmt.Errorf("%w sku", ErrInvalid)
	case !IsDevice(l.Device):
		return fmt.Errorf("%w device", ErrInvalid)
	case l.Seed != nil && len(l.Seed) != seedBytes:
		return fmt.Errorf("%w seed: it has %d bytes", ErrInvalid, seedBytes)
	}
	return nil
}

// IsSKU reports whether s is a valid SKU for Login. "" is one.
func IsSKU(s string) bool { return isName(s) }

// IsDevice reports whether s is a valid Device for Login. "" is one.
func IsDevice(s string) bool {
	return len(s) <= 128 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func isName(s string) bool { return len(s) <= 64 && strings.Trim(s, idLetters+".") == "" }

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

// Login is who logs in, and where: what the caller has had from WeChat. It
// prints as [redacted].
type Login struct {
	App    string `json:"app,omitzero"` // name of the account; at most 64 of A-Z a-z 0-9 . _ -
	AppID  string `json:"appId"`
	OpenID string `json:"openid"`
	// UnionID is kept as it was where it is empty.
	UnionID string `json:"unionid,omitzero"`
	SKU     string `json:"sku,omitzero"`    // product; at most 64 of A-Z a-z 0-9 . _ -
	Device  string `json:"device,omitzero"` // for the user to know it by; at most 128 bytes, no control characters

	Profile *Profile `json:"profile,omitzero"` // what the user consented to show; nil keeps what is stored
	Tokens  *Tokens  `json:"tokens,omitzero"`  // nil keeps what is stored, and so do tokens that do not Supersede it

	// Began, in Unix milliseconds, is when WeChat was asked who it is; zero means now.
	// A login that began before a logout of all devices opens nothing after it.
	Began int64 `json:"began,omitzero"`

	// Seed makes the login repeatable: 32 secret bytes, of this login alone. Nil
	// means a random token.
	Seed []byte `json:"-"`
}

// Format implements fmt.Formatter: every verb prints [redacted].
func (Login) Format(f fmt.State, verb rune) { secret.Secret{}.Format(f, verb) }

// LogValue implements slog.LogValuer.
func (Login) LogValue() slog.Value { return secret.Secret{}.LogValue() }

// Issue logs a user in: it returns the token, the session that it opens, and
// whether this is the user's first login to the app. Sessions beyond MaxDevices are
// revoked: first those that a newer login on the same Device (of the same SKU) has
// made needless, then the oldest.
//
// An Issue that failed may have gone through. With a Seed it can be repeated: by
// a browser that calls twice, or after a failure or a death at any point. It
// returns the same token, session and newUser then, and changes nothing that
// stands. ErrSeedUsed tells that the token was rotated since or an idle life has
// passed, *RevokedError that the session was revoked. A seed must not be used
// for another login.
//
// Store calls: Create of the user, Create of the session. For a user who is
// known already, a Replace of the user between them; one more where another's
// write comes first, then a Get and a Replace for each that does (100 tries).
// For a new unionid, what OpenIDs says. For each device too many: a Get and a
// Replace of its session, or a Get alone where it is dead already; then one more
// Replace of the user. Errors: ErrInvalid, ErrSeedUsed, *RevokedError (without a
// seed: by a logout of all devices since the login began, or by newer logins at the
// same time), the store's.
func (s *Sessions) Issue(ctx context.Context, l Login) (token string, session Session, newUser bool, err error) {
	if err := l.validate(); err != nil {
		return "", Session{}, false, err
	}
	t, err := s.mint(l)
	if err != nil {
		return "", Session{}, false, err
	}
	u, d, newUser, err := s.list(ctx, l, t.id())
	if err != nil {
		return "", Session{}, false, err
	}
	session, err = s.begin(ctx, t, s.first(l, u, t, d))
	if err == nil {
		err = s.settle(ctx, u, d)
	} else if over := new(RevokedError); errors.As(err, &over) {
		_, _ = s.drop(ctx, u, []Device{d}) // a dead session in the list takes a place and does no other harm
	}
	if err != nil {
		return "", Session{}, false, err
	}
	return t.text(), session, newUser, nil
}

// list writes the login into the registry and lists its session, which does not
// live yet. One that is listed already stays as it was.
func (s *Sessions) list(ctx context.Context, l Login, id string) (u registered, d Device, newUser bool, err error) {
	now := s.now()
	d = Device{ID: id, Device: l.Device, SKU: l.SKU, CreatedAt: now, EndsAt: now + s.life}
	u = registered{appID: l.AppID, openID: l.OpenID, account: account{FirstSeen: now, Devices: []Device{d}}}
	u.login(l, now)
	u.item, err = store.Write(ctx, s.cfg.Store, store.Item{Key: userKey(l.AppID, l.OpenID), Value: store.Encode(u.account)})
	if !crossed(err) {
		return u, d, true, failed("write the user", err)
	}
	u, err = s.change(ctx, u, func(a *account) error {
		i := slices.IndexFunc(a.Devices, func(d Device) bool { return d.ID == id })
		newUser = i == 0 && a.Devices[0].CreatedAt == a.FirstSeen // it is the login that made the user
		if i >= 0 {
			d = a.Devices[i]
			return nil
		}
		if err := a.barred(l); err != nil {
			return err
		}
		a.login(l, now)
		a.Devices = append(slices.DeleteFunc(a.Devices, func(d Device) bool { return d.EndsAt <= now }), d)
		return nil
	})
	return u, d, newUser, err
}

func (a *account) login(l Login, now int64) {
	a.LastLogin = now
	a.setUnionID(l.UnionID)
	if l.Profile != nil {
		a.Profile = l.Profile
	}
	if l.Tokens != nil && l.Tokens.Supersede(Tokens(a.Tokens)) {
		a.Tokens = storedTokens(*l.Tokens)
	}
}

// first is the session of a listed login. It depends on when that was listed,
// not on the time now: a process that stood still for an idle life, so that its
// session was taken for dead and left the list, makes one that has ended.
func (s *Sessions) first(l Login, u registered, t token, d Device) record {
	r := record{
		Secret: t.secretHash(), App: l.App, AppID: l.AppID, OpenID: l.OpenID, UnionID: u.UnionID,
		SKU: d.SKU, Device: d.Device, CreatedAt: d.CreatedAt, EndsAt: d.EndsAt,
	}
	return r.used(d.CreatedAt, s.idle)
}

// begin makes the session live, unless it does already, or was ended before.
func (s *Sessions) begin(ctx context.Context, t token, r record) (Session, error) {
	item, err := store.Write(ctx, s.cfg.Store, r.item(t.id()))
	if crossed(err) {
		r, err = readRecord(item)
	}
	if err != nil {
		return Session{}, failed("begin", err)
	}
	err = r.verdict(t, s.now())
	if errors.Is(err, errReused) || errors.Is(err, ErrNoSession) {
		err = ErrSeedUsed
	}
	if err != nil {
		return Session{}, err
	}
	return r.session(t.id()), nil
}

// settle does what a login leaves to be done once its session lives.
func (s *Sessions) settle(ctx context.Context, u registered, d Device) error {
	if u.UnionID != "" && !u.Linked {
		if err := s.link(ctx, u); err != nil {
			return err
		}
	}
	return s.makeRoom(ctx, u, d)
}

// validate keeps out what would break a key or fill an item.
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

// IsSKU reports whether Login takes it as a SKU; "" is one.
func IsSKU(s string) bool { return isName(s) }

// IsDevice reports whether Login takes it as a Device; "" is one.
func IsDevice(s string) bool {
	return len(s) <= 128 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func isName(s string) bool { return len(s) <= 64 && strings.Trim(s, idLetters+".") == "" }

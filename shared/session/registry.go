package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wechatfn/shared/store"
)

// User is what the registry knows of a user of one app. Times are Unix seconds.
// Its JSON is without Tokens.
type User struct {
	AppID  string `json:"appId"`
	OpenID string `json:"openid"`
	// UnionID is the same for all apps of one Open Platform account; empty as
	// long as no login told. It is a link (see OpenIDs), never a key.
	UnionID   string   `json:"unionid,omitzero"`
	FirstSeen int64    `json:"firstSeen"`
	LastLogin int64    `json:"lastLogin"`
	Profile   *Profile `json:"profile,omitzero"` // nil unless the user consented
	// Devices are the user's sessions, oldest login first. One that was not used
	// for long may be over.
	Devices []Device `json:"devices"`
	Tokens  Tokens   `json:"-"`
}

// Profile is what WeChat tells of a user who consented, as it came.
type Profile struct {
	Nickname   string `json:"nickname,omitzero"`
	HeadImgURL string `json:"headimgurl,omitzero"`
	Sex        int    `json:"sex,omitzero"`
	Language   string `json:"language,omitzero"`
	Country    string `json:"country,omitzero"`
	Province   string `json:"province,omitzero"`
	City       string `json:"city,omitzero"`
}

// Device is a session in a user's list. Times are Unix seconds.
type Device struct {
	ID        string `json:"id"` // as Session.ID
	Device    string `json:"device,omitzero"`
	SKU       string `json:"sku,omitzero"`
	CreatedAt int64  `json:"createdAt"`
	EndsAt    int64  `json:"endsAt"` // the absolute end
}

// sameAs reports whether both are known to be the same device in the same product.
func (d Device) sameAs(other Device) bool {
	return d.Device != "" && d.Device == other.Device && d.SKU == other.SKU
}

// account is the value of user#APPID#OPENID.
type account struct {
	FirstSeen int64        `json:"firstSeen"`
	LastLogin int64        `json:"lastLogin"`
	UnionID   string       `json:"unionid,omitzero"`
	Linked    bool         `json:"linked,omitzero"` // union#UNIONID names this user
	Profile   *Profile     `json:"profile,omitzero"`
	Devices   []Device     `json:"devices,omitempty"`
	Tokens    storedTokens `json:"tokens,omitzero"`
	// LoggedOut is when the last logout of all devices began, by product, "" for all
	// of them. Unix milliseconds: who logs in at once must not be taken for earlier.
	LoggedOut map[string]int64 `json:"loggedOut,omitempty"`
}

// barred is why a login that began before a logout of all devices opens nothing.
func (a *account) barred(l Login) error {
	if at := max(a.LoggedOut[""], a.LoggedOut[l.SKU]); 0 < l.Began && l.Began <= at {
		return &RevokedError{ReasonLogoutAll, at / 1000}
	}
	return nil
}

func (a *account) setUnionID(unionID string) {
	if unionID != "" && unionID != a.UnionID {
		a.UnionID, a.Linked = unionID, false
	}
}

// registered is a user as it was read.
type registered struct {
	appID, openID string
	item          store.Item
	account
}

func (u registered) user() User {
	return User{
		AppID: u.appID, OpenID: u.openID, UnionID: u.UnionID, FirstSeen: u.FirstSeen, LastLogin: u.LastLogin,
		Profile: u.Profile, Devices: slices.Clone(u.Devices), Tokens: Tokens(u.Tokens),
	}
}

// User returns what the registry knows. Store calls: 1 Get. Errors: ErrNoUser,
// the store's.
func (s *Sessions) User(ctx context.Context, appID, openID string) (User, error) {
	u, err := s.find(ctx, appID, openID)
	if err != nil {
		return User{}, err
	}
	return u.user(), nil
}

// Update changes the Profile, Tokens, UnionID or LastLogin of a user; what else f
// changes is not kept. Where another's write comes first, f gets the user anew,
// so it must do nothing but decide. An error of f's ends Update, which returns it
// as it is; nothing is written then, nor where f changes nothing.
//
// Store calls: 1 Get, 1 Replace; one Replace more where another's write comes
// first, then a Get and a Replace for each that does (100 tries); 1 or 2 for a new
// UnionID (see OpenIDs). Errors: ErrNoUser, ErrInvalid, f's, the store's;
// store.ErrConflict where the tries run out.
func (s *Sessions) Update(ctx context.Context, appID, openID string, f func(*User) error) (User, error) {
	u, err := s.find(ctx, appID, openID)
	if err != nil {
		return User{}, err
	}
	u, err = s.change(ctx, u, func(a *account) error {
		seen := registered{appID: appID, openID: openID, account: *a}.user()
		if err := f(&seen); err != nil {
			return err
		}
		if seen.UnionID != "" && !isID(seen.UnionID) {
			return fmt.Errorf("%w unionid", ErrInvalid)
		}
		a.setUnionID(seen.UnionID)
		a.Profile, a.Tokens, a.LastLogin = seen.Profile, storedTokens(seen.Tokens), seen.LastLogin
		return nil
	})
	if err != nil {
		return User{}, err
	}
	return u.user(), nil
}

// Note writes a login into the registry that opens no session, because the device
// has one already: Login's UnionID, Profile and Tokens. Store calls: as Update's.
// Errors: ErrNoUser, ErrInvalid, *RevokedError where a logout of all devices came
// since the login began, and with it ended that session; the store's.
func (s *Sessions) RecordLogin(ctx context.Context, l Login) error {
	if err := l.validate(); err != nil {
		return err
	}
	u, err := s.find(ctx, l.AppID, l.OpenID)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, u, func(a *account) error {
		if err := a.barred(l); err != nil {
			return err
		}
		a.login(l, s.now())
		return nil
	})
	return err
}

func (s *Sessions) find(ctx context.Context, appID, openID string) (registered, error) {
	u := registered{appID: appID, openID: openID}
	if !isID(appID) || !isID(openID) {
		return u, ErrNoUser
	}
	var err error
	u.item, err = s.cfg.Store.Get(ctx, userKey(appID, openID))
	if errors.Is(err, store.ErrNotFound) {
		return u, ErrNoUser
	}
	if err != nil {
		return u, failed("read the user", err)
	}
	return u, failed("read the user", u.item.Decode(&u.account))
}

// change writes what f makes of the user, and lets f decide again as often as
// another's write comes first. The link of a new unionid is written before it.
func (s *Sessions) change(ctx context.Context, u registered, f func(*account) error) (registered, error) {
	linked := ""
	for try := 0; ; try++ {
		u.account = account{}
		if err := u.item.Decode(&u.account); err != nil {
			return u, failed("read the user", err)
		}
		if err := f(&u.account); err != nil {
			return u, err
		}
		if u.UnionID != "" && !u.Linked && linked != u.UnionID {
			if err := s.link(ctx, u); err != nil {
				return u, err
			}
			linked = u.UnionID
		}
		u.Linked = u.UnionID != ""
		done, err := s.write(ctx, &u)
		if done || err != nil {
			return u, err
		}
		if try == 0 {
			continue // at once, with what the refusal told
		}
		if err := pause(ctx, try); err != nil {
			return u, err
		}
		if u, err = s.find(ctx, u.appID, u.openID); err != nil {
			return u, err // what the refusal told is old by now
		}
	}
}

// write is one try. Not done means that another was first; u.item is what stands then.
func (s *Sessions) write(ctx context.Context, u *registered) (done bool, err error) {
	item := u.item
	if item.Value = store.Encode(u.account); bytes.Equal(item.Value, u.item.Value) {
		return true, nil
	}
	item, err = store.Write(ctx, s.cfg.Store, item)
	switch {
	case err == nil:
		u.item = item
		return true, nil
	case !crossed(err):
		return false, failed("write the user", err)
	case item.Key == "":
		return false, ErrNoUser
	}
	u.item = item
	return false, nil
}

// OpenIDs returns the openid of each app in which a user with that unionid was
// seen, by AppID; none for an unknown one. An app stays when its unionid for the
// user changes later (it moved to another Open Platform account): User tells.
//
// Store calls: 1 Get. A login writes the link when its unionid is new: 1 call,
// 2 where other apps stand in it, and 1 call again at the second login, which
// makes sure of it. Errors: the store's.
func (s *Sessions) OpenIDs(ctx context.Context, unionID string) (map[string]string, error) {
	openIDs := map[string]string{}
	if !isID(unionID) {
		return openIDs, nil
	}
	item, err := s.cfg.Store.Get(ctx, unionKey(unionID))
	if errors.Is(err, store.ErrNotFound) {
		return openIDs, nil
	}
	if err != nil {
		return nil, failed("read the unionid", err)
	}
	return openIDs, failed("read the unionid", item.Decode(&openIDs))
}

// link adds the user to union#UNIONID.
func (s *Sessions) link(ctx context.Context, u registered) error {
	item := store.Item{Key: unionKey(u.UnionID)}
	openIDs := map[string]string{}
	for try := 0; ; try++ {
		openIDs[u.appID] = u.openID
		item.Value = store.Encode(openIDs)
		standing, err := store.Write(ctx, s.cfg.Store, item)
		if !crossed(err) {
			return failed("link the unionid", err)
		}
		openIDs = map[string]string{}
		item.Version = standing.Version
		if standing.Key != "" {
			if err := standing.Decode(&openIDs); err != nil {
				return failed("read the unionid", err)
			}
		}
		if openIDs[u.appID] == u.openID {
			return nil
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// None of the identifiers in these keys can contain a #.
func sessionKey(id string) string         { return store.Key(store.KindSession, id) }
func userKey(appID, openID string) string { return store.Key(store.KindUser, appID, openID) }
func unionKey(unionID string) string      { return store.Key(store.KindUnion, unionID) }

const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// isID: what AppIDs, openids and unionids are made of.
func isID(s string) bool { return 0 < len(s) && len(s) <= 128 && strings.Trim(s, idLetters) == "" }

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

// User is a user of one app in the registry. Times are Unix seconds. Its JSON is without
// Tokens.
type User struct {
	AppID  string `json:"appId"`
	OpenID string `json:"openid"`
	// UnionID is the same in all apps of one Open Platform account. It is empty until a
	// login has one. It links users (see OpenIDs) and identifies none.
	UnionID   string   `json:"unionid,omitzero"`
	FirstSeen int64    `json:"firstSeen"`
	LastLogin int64    `json:"lastLogin"`
	Profile   *Profile `json:"profile,omitzero"` // nil unless the user consented
	// Devices are the user's sessions, the oldest login first. Sessions that were not
	// used for the idle timeout can be among them.
	Devices []Device `json:"devices"`
	Tokens  Tokens   `json:"-"`
}

// Profile is what WeChat says of a user who consented, unchanged.
type Profile struct {
	Nickname   string `json:"nickname,omitzero"`
	HeadImgURL string `json:"headimgurl,omitzero"`
	Sex        int    `json:"sex,omitzero"`
	Language   string `json:"language,omitzero"`
	Country    string `json:"country,omitzero"`
	Province   string `json:"province,omitzero"`
	City       string `json:"city,omitzero"`
}

// Device is a session in the list of a user. Times are Unix seconds.
type Device struct {
	ID        string `json:"id"` // as Session.ID
	Device    string `json:"device,omitzero"`
	SKU       string `json:"sku,omitzero"`
	CreatedAt int64  `json:"createdAt"`
	EndsAt    int64  `json:"endsAt"` // the absolute end
}

// sameAs reports whether both have the same name, which is not empty, and the same SKU.
func (d Device) sameAs(other Device) bool {
	return d.Device != "" && d.Device == other.Device && d.SKU == other.SKU
}

// userRecord is the value of user#APPID#OPENID.
type userRecord struct {
	FirstSeen int64        `json:"firstSeen"`
	LastLogin int64        `json:"lastLogin"`
	UnionID   string       `json:"unionid,omitzero"`
	Linked    bool         `json:"linked,omitzero"` // union#UNIONID names this user
	Profile   *Profile     `json:"profile,omitzero"`
	Devices   []Device     `json:"devices,omitempty"`
	Tokens    storedTokens `json:"tokens,omitzero"`
	// LoggedOut is when the last logout of all devices began, by SKU; "" means all SKUs.
	// It is in Unix milliseconds, so that a login shortly after it does not seem earlier.
	LoggedOut map[string]int64 `json:"loggedOut,omitempty"`
}

// refuseLate returns an error for a login that began before a logout of all devices.
func (r *userRecord) refuseLate(l Login) error {
	if at := max(r.LoggedOut[""], r.LoggedOut[l.SKU]); 0 < l.Began && l.Began <= at {
		return &RevokedError{ReasonLogoutAll, at / 1000}
	}
	return nil
}

func (r *userRecord) setUnionID(unionID string) {
	if unionID != "" && unionID != r.UnionID {
		r.UnionID, r.Linked = unionID, false
	}
}

// storedUser is a user as it was read, with its item.
type storedUser struct {
	appID, openID string
	item          store.Item
	userRecord
}

func (u storedUser) user() User {
	return User{
		AppID: u.appID, OpenID: u.openID, UnionID: u.UnionID, FirstSeen: u.FirstSeen, LastLogin: u.LastLogin,
		Profile: u.Profile, Devices: slices.Clone(u.Devices), Tokens: Tokens(u.Tokens),
	}
}

// User returns a user from the registry. Store calls: 1 Get. Errors: ErrNoUser, the
// store's.
func (s *Sessions) User(ctx context.Context, appID, openID string) (User, error) {
	u, err := s.readUser(ctx, appID, openID)
	if err != nil {
		return User{}, err
	}
	return u.user(), nil
}

// Update changes the Profile, Tokens, UnionID or LastLogin of a user. Other changes that f
// makes are not stored. After a conflict, Update calls f again with the user as it is
// then, so f must have no other effects. If f returns an error, Update returns it and
// writes nothing. If f changes nothing, Update writes nothing either.
//
// Store calls: 1 Get, 1 Replace; one more Replace after a conflict, then a Get and a
// Replace for each further conflict (at most 100 tries); 1 or 2 for a new UnionID (see
// OpenIDs). Errors: ErrNoUser, ErrInvalid, f's, the store's; store.ErrConflict after the
// last try.
func (s *Sessions) Update(ctx context.Context, appID, openID string, f func(*User) error) (User, error) {
	u, err := s.readUser(ctx, appID, openID)
	if err != nil {
		return User{}, err
	}
	u, err = s.updateUser(ctx, u, func(r *userRecord) error {
		seen := storedUser{appID: appID, openID: openID, userRecord: *r}.user()
		if err := f(&seen); err != nil {
			return err
		}
		if seen.UnionID != "" && !isID(seen.UnionID) {
			return fmt.Errorf("%w unionid", ErrInvalid)
		}
		r.setUnionID(seen.UnionID)
		r.Profile, r.Tokens, r.LastLogin = seen.Profile, storedTokens(seen.Tokens), seen.LastLogin
		return nil
	})
	if err != nil {
		return User{}, err
	}
	return u.user(), nil
}

// RecordLogin writes a login into the registry that creates no session, because the
// device has one: the UnionID, Profile and Tokens of the Login. Store calls: as Update.
// Errors: ErrNoUser, ErrInvalid; *RevokedError if a logout of all devices since the login
// began has revoked that session too; the store's.
func (s *Sessions) RecordLogin(ctx context.Context, l Login) error {
	if err := l.validate(); err != nil {
		return err
	}
	u, err := s.readUser(ctx, l.AppID, l.OpenID)
	if err != nil {
		return err
	}
	_, err = s.updateUser(ctx, u, func(r *userRecord) error {
		if err := r.refuseLate(l); err != nil {
			return err
		}
		r.recordLogin(l, s.now())
		return nil
	})
	return err
}

func (s *Sessions) readUser(ctx context.Context, appID, openID string) (storedUser, error) {
	u := storedUser{appID: appID, openID: openID}
	if !isID(appID) || !isID(openID) {
		return u, ErrNoUser
	}
	var err error
	u.item, err = s.cfg.Store.Get(ctx, userKey(appID, openID))
	if errors.Is(err, store.ErrNotFound) {
		return u, ErrNoUser
	}
	if err != nil {
		return u, wrap("read the user", err)
	}
	return u, wrap("read the user", u.item.Decode(&u.userRecord))
}

// updateUser has f change the user and writes the result. After a conflict it does so
// again. Before that it writes the link of a new unionid.
func (s *Sessions) updateUser(ctx context.Context, u storedUser, f func(*userRecord) error) (storedUser, error) {
	linked := ""
	for try := 0; ; try++ {
		u.userRecord = userRecord{}
		if err := u.item.Decode(&u.userRecord); err != nil {
			return u, wrap("read the user", err)
		}
		if err := f(&u.userRecord); err != nil {
			return u, err
		}
		if u.UnionID != "" && !u.Linked && linked != u.UnionID {
			if err := s.linkUnionID(ctx, u); err != nil {
				return u, err
			}
			linked = u.UnionID
		}
		u.Linked = u.UnionID != ""
		done, err := s.tryWrite(ctx, &u)
		if done || err != nil {
			return u, err
		}
		if try == 0 {
			continue // at once, with the item that the refusal returned
		}
		if err := waitToRetry(ctx, try); err != nil {
			return u, err
		}
		if u, err = s.readUser(ctx, u.appID, u.openID); err != nil {
			return u, err
		}
	}
}

// tryWrite writes the user once. If it was not done, another write came first, and u.item
// is the stored item.
func (s *Sessions) tryWrite(ctx context.Context, u *storedUser) (done bool, err error) {
	item := u.item
	if item.Value = store.Encode(u.userRecord); bytes.Equal(item.Value, u.item.Value) {
		return true, nil
	}
	item, err = store.Write(ctx, s.cfg.Store, item)
	switch {
	case err == nil:
		u.item = item
		return true, nil
	case !isConflict(err):
		return false, wrap("write the user", err)
	case item.Key == "":
		return false, ErrNoUser
	}
	u.item = item
	return false, nil
}

// OpenIDs returns the openids of all users with that unionid, by AppID. For an unknown
// unionid there are none. If an app moves to another Open Platform account and the
// unionid of its user changes, the old link is not removed: User has the new unionid.
//
// Store calls: 1 Get. A login with a new unionid writes the link in 1 call, or 2 if it
// has other apps already. The second login writes it again in 1 call, in case the first
// one crashed before that. Errors: the store's.
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
		return nil, wrap("read the unionid", err)
	}
	return openIDs, wrap("read the unionid", item.Decode(&openIDs))
}

// linkUnionID adds the user to union#UNIONID.
func (s *Sessions) linkUnionID(ctx context.Context, u storedUser) error {
	item := store.Item{Key: unionKey(u.UnionID)}
	openIDs := map[string]string{}
	for try := 0; ; try++ {
		openIDs[u.appID] = u.openID
		item.Value = store.Encode(openIDs)
		current, err := store.Write(ctx, s.cfg.Store, item)
		if !isConflict(err) {
			return wrap("link the unionid", err)
		}
		openIDs = map[string]string{}
		item.Version = current.Version
		if current.Key != "" {
			if err := current.Decode(&openIDs); err != nil {
				return wrap("read the unionid", err)
			}
		}
		if openIDs[u.appID] == u.openID {
			return nil
		}
		if err := waitToRetry(ctx, try); err != nil {
			return err
		}
	}
}

// None of the identifiers in these keys can contain a #.
func sessionKey(id string) string         { return store.Key(store.KindSession, id) }
func userKey(appID, openID string) string { return store.Key(store.KindUser, appID, openID) }
func unionKey(unionID string) string      { return store.Key(store.KindUnion, unionID) }

const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// isID reports whether s can be an AppID, an openid or a unionid.
func isID(s string) bool { return 0 < len(s) && len(s) <= 128 && strings.Trim(s, idLetters) == "" }

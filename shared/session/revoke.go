package session

import (
	"context"
	"errors"
	"maps"
	"slices"

	"wechatfn/shared/store"
)

// RevokeAll logs the user of a current token out of all devices in this app, or out of
// those of one product if sku is not empty. A login at the same time is either revoked, or
// comes after it and stays valid. The caller's session is the last one to be revoked: if
// RevokeAll fails, its token can be used for another try, until all other sessions have
// ended. A login that began before RevokeAll fails after it (see Login.Began), unless
// RevokeAll failed in its last call.
//
// Store calls: 1 Get of the token's session; 1 Get of the user; for each device 1 Get,
// and 1 Replace if its session is valid; 1 Replace of the user, and one more for each
// conflict. Errors: as Check.
func (s *Sessions) RevokeAll(ctx context.Context, token, sku string) error {
	o, err := s.open(ctx, token, nil)
	if err != nil {
		return err
	}
	return s.revokeUser(ctx, o.AppID, o.OpenID, sku, o.record.device(o.token.id()))
}

// RevokeUser is RevokeAll without a token: for an operator, or for a user who has
// withdrawn the consent. Store calls: as RevokeAll, without the first Get. Errors:
// ErrNoUser, the store's.
func (s *Sessions) RevokeUser(ctx context.Context, appID, openID, sku string) error {
	return s.revokeUser(ctx, appID, openID, sku)
}

// errNewLogin: a login was listed while other sessions were revoked.
var errNewLogin = errors.New("session: a login was listed meanwhile")

// revokeUser revokes all sessions that are listed, and then those in last, listed or not:
// an operator may have deleted the user's item. The write that empties the list also
// stores when this began. So a login that began before but is not listed yet fails: one
// with a login code that is not redeemed, or with a pending callback. A login that is
// listed before that write is revoked with the others.
func (s *Sessions) revokeUser(ctx context.Context, appID, openID, sku string, last ...Device) error {
	start := s.cfg.Now().UnixMilli()
	u, err := s.readUser(ctx, appID, openID)
	unknown := errors.Is(err, ErrNoUser) && len(last) > 0
	if err != nil && !unknown {
		return err
	}
	var ended []Device
	remaining := func(d Device) bool { return (sku == "" || d.SKU == sku) && !slices.Contains(ended, d) }
	for {
		others := slices.DeleteFunc(slices.Clone(u.Devices), func(d Device) bool { return slices.Contains(last, d) })
		for _, d := range append(others, last...) {
			if !remaining(d) {
				continue
			}
			if err := s.revokeDevice(ctx, u, d, ReasonLogoutAll); err != nil {
				return err
			}
			ended = append(ended, d)
		}
		if unknown {
			return nil
		}
		u, err = s.updateUser(ctx, u, func(r *userRecord) error {
			if slices.ContainsFunc(r.Devices, remaining) {
				return errNewLogin
			}
			r.Devices = slices.DeleteFunc(r.Devices, func(d Device) bool { return slices.Contains(ended, d) })
			r.recordLogout(sku, start)
			return nil
		})
		if !errors.Is(err, errNewLogin) {
			return err
		}
	}
}

// maxLoggedOut is for how many SKUs a logout is stored. Users choose the SKU of a login, so
// without a limit one user could fill the item. Beyond it the logout is stored for all
// SKUs, which does no harm: only logins that are pending fail.
const maxLoggedOut = 16

func (r *userRecord) recordLogout(sku string, at int64) {
	if _, ok := r.LoggedOut[sku]; !ok && len(r.LoggedOut) >= maxLoggedOut {
		at, sku = slices.Max(append(slices.Collect(maps.Values(r.LoggedOut)), at)), ""
		r.LoggedOut = nil
	}
	if r.LoggedOut == nil {
		r.LoggedOut = map[string]int64{}
	}
	r.LoggedOut[sku] = max(r.LoggedOut[sku], at)
}

// revokeDevice revokes a listed session. If that is not created yet, it writes a tombstone.
func (s *Sessions) revokeDevice(ctx context.Context, u storedUser, d Device, why Reason) error {
	item, ended, err := s.readDevice(ctx, d)
	if err != nil || ended {
		return err
	}
	return s.revokeItem(ctx, item, record{
		AppID: u.appID, OpenID: u.openID, UnionID: u.UnionID, SKU: d.SKU, Device: d.Device,
		CreatedAt: d.CreatedAt, EndsAt: d.EndsAt, Revoked: why, RevokedAt: s.now(),
	})
}

// readDevice reads a listed session and reports whether it can never be valid again: it is
// revoked, or it is absent for the idle timeout after its login. Before that, its Issue may
// still be pending. After that, a session that Issue creates has ended (see newRecord).
func (s *Sessions) readDevice(ctx context.Context, d Device) (store.Item, bool, error) {
	item, err := s.readItem(ctx, d.ID)
	if errors.Is(err, ErrNoSession) {
		return store.Item{Key: sessionKey(d.ID)}, s.now() >= d.CreatedAt+s.idleTimeout, nil
	}
	if err != nil {
		return item, false, err
	}
	r, err := readRecord(item)
	return item, err == nil && r.Revoked != "", nil
}

// revokeItem revokes the session that is stored under the item's key. If none is stored, or
// none that can be decoded, it writes the tombstone. The item is the one that was read, or
// a key alone.
func (s *Sessions) revokeItem(ctx context.Context, item store.Item, tombstone record) error {
	for try := 0; ; try++ {
		revoked := tombstone
		if r, err := readRecord(item); err == nil && item.Version != "" {
			if r.Revoked != "" {
				return nil
			}
			revoked = r.revoked(tombstone.Revoked, tombstone.RevokedAt)
		}
		current, err := store.Write(ctx, s.cfg.Store, revoked.into(item))
		if !isConflict(err) {
			return wrap("revoke", err)
		}
		if err := waitToRetry(ctx, try); err != nil {
			return err
		}
		current.Key = item.Key // the item is zero if nothing is stored
		item = current
	}
}

// removeFromList removes a session that has ended from its user's list.
func (s *Sessions) removeFromList(ctx context.Context, r record, id string) error {
	u, err := s.readUser(ctx, r.AppID, r.OpenID)
	if errors.Is(err, ErrNoUser) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.removeDevices(ctx, u, []Device{r.device(id)})
	return err
}

// removeDevices removes sessions that have ended from the list. It does not remove a newer
// session that was created from the same seed.
func (s *Sessions) removeDevices(ctx context.Context, u storedUser, ended []Device) (storedUser, error) {
	return s.updateUser(ctx, u, func(r *userRecord) error {
		r.Devices = slices.DeleteFunc(r.Devices, func(d Device) bool { return slices.Contains(ended, d) })
		return nil
	})
}

// enforceMaxDevices ends sessions of a user who has too many: first those that have ended
// because they were not used for the idle timeout, then in the order of revocationOrder.
func (s *Sessions) enforceMaxDevices(ctx context.Context, u storedUser, newest Device) error {
	excess := len(u.Devices) - s.cfg.MaxDevices
	if excess <= 0 {
		return nil
	}
	var ended []Device
	for _, d := range u.Devices {
		if len(ended) == excess || s.now() < d.CreatedAt+s.idleTimeout {
			continue
		}
		_, isEnded, err := s.readDevice(ctx, d)
		if err != nil {
			return err
		}
		if isEnded {
			ended = append(ended, d)
		}
	}
	for _, d := range revocationOrder(u.Devices, newest) {
		if len(ended) == excess || slices.Contains(ended, d) {
			continue
		}
		if err := s.revokeDevice(ctx, u, d, ReasonTooManyDevices); err != nil {
			return err
		}
		ended = append(ended, d)
	}
	_, err := s.removeDevices(ctx, u, ended)
	return err
}

// revocationOrder is the order in which sessions are revoked: first those that a newer
// login on the same device has replaced, beginning with the device of the newest login;
// then the others. Within each group the oldest login comes first. So a device that logs in
// again and again replaces its own sessions, and no others.
func revocationOrder(devices []Device, newest Device) []Device {
	var own, stale, rest []Device
	for i, d := range devices {
		switch {
		case !slices.ContainsFunc(devices[i+1:], d.sameAs):
			rest = append(rest, d)
		case d.sameAs(newest):
			own = append(own, d)
		default:
			stale = append(stale, d)
		}
	}
	return slices.Concat(own, stale, rest)
}

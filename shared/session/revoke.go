package session

import (
	"context"
	"errors"
	"maps"
	"slices"

	"wechatfn/shared/store"
)

// RevokeAll logs the user of a current token out of all devices in this app, or
// of those of one product where sku is not empty. A login at the same time is
// either ended, or comes after it and stays. The caller's session goes last: if
// RevokeAll fails, the token is good for another try, until all others are dead.
// A login that began before RevokeAll opens nothing after it (see Login.Began),
// unless that failed in its very last call.
//
// Store calls: 1 Get of the token's session; 1 Get of the user; for each device
// 1 Get, and 1 Replace where its session lives; 1 Replace of the user, and one more
// for each time that another's write comes first. Errors: as Check's.
func (s *Sessions) RevokeAll(ctx context.Context, token, sku string) error {
	h, err := s.open(ctx, token, nil)
	if err != nil {
		return err
	}
	return s.revokeUser(ctx, h.AppID, h.OpenID, sku, h.record.device(h.token.id()))
}

// RevokeUser is RevokeAll without a token: for an operator, or for a user who
// has withdrawn the consent. Store calls: RevokeAll's without the first. Errors:
// ErrNoUser, the store's.
func (s *Sessions) RevokeUser(ctx context.Context, appID, openID, sku string) error {
	return s.revokeUser(ctx, appID, openID, sku)
}

// errListed: a login came while others were ended.
var errListed = errors.New("session: a login was listed meanwhile")

// revokeUser ends all that are listed, and last whatever last says, listed or
// not: the user's item may have been deleted by hand. The write that empties the list
// also says when this began, which bars the logins that are not listed yet, though
// they began before: a ticket that was not spent, a callback under way. One that gets
// itself listed before that write is ended with the others.
func (s *Sessions) revokeUser(ctx context.Context, appID, openID, sku string, last ...Device) error {
	begun := s.cfg.Now().UnixMilli()
	u, err := s.find(ctx, appID, openID)
	unknown := errors.Is(err, ErrNoUser) && len(last) > 0
	if err != nil && !unknown {
		return err
	}
	var dead []Device
	doomed := func(d Device) bool { return (sku == "" || d.SKU == sku) && !slices.Contains(dead, d) }
	for {
		others := slices.DeleteFunc(slices.Clone(u.Devices), func(d Device) bool { return slices.Contains(last, d) })
		for _, d := range append(others, last...) {
			if !doomed(d) {
				continue
			}
			if err := s.kill(ctx, u, d, ReasonLogoutAll); err != nil {
				return err
			}
			dead = append(dead, d)
		}
		if unknown {
			return nil
		}
		u, err = s.change(ctx, u, func(a *account) error {
			if slices.ContainsFunc(a.Devices, doomed) {
				return errListed
			}
			a.Devices = slices.DeleteFunc(a.Devices, func(d Device) bool { return slices.Contains(dead, d) })
			a.logOut(sku, begun)
			return nil
		})
		if !errors.Is(err, errListed) {
			return err
		}
	}
}

// mostLoggedOut products are remembered one by one. Users choose their names, so
// without an end to it one user could fill the item; beyond it, all products are
// taken for logged out, which only bars logins that are under way.
const mostLoggedOut = 16

func (a *account) logOut(sku string, at int64) {
	if _, ok := a.LoggedOut[sku]; !ok && len(a.LoggedOut) >= mostLoggedOut {
		at, sku = slices.Max(append(slices.Collect(maps.Values(a.LoggedOut)), at)), ""
		a.LoggedOut = nil
	}
	if a.LoggedOut == nil {
		a.LoggedOut = map[string]int64{}
	}
	a.LoggedOut[sku] = max(a.LoggedOut[sku], at)
}

// kill ends a listed session, whether it lives, or is still to be made by a
// login under way.
func (s *Sessions) kill(ctx context.Context, u registered, d Device, why Reason) error {
	item, dead, err := s.look(ctx, d)
	if err != nil || dead {
		return err
	}
	return s.bury(ctx, item, record{
		AppID: u.appID, OpenID: u.openID, UnionID: u.UnionID, SKU: d.SKU, Device: d.Device,
		CreatedAt: d.CreatedAt, EndsAt: d.EndsAt, Revoked: why, RevokedAt: s.now(),
	})
}

// look reads a listed session and says whether it is dead for good: revoked; or
// not there, an idle life after its login. Before that its maker may still be at
// work; after it, what he makes has already ended (see begin).
func (s *Sessions) look(ctx context.Context, d Device) (store.Item, bool, error) {
	item, err := s.read(ctx, d.ID)
	if errors.Is(err, ErrNoSession) {
		return store.Item{Key: sessionKey(d.ID)}, s.now() >= d.CreatedAt+s.idle, nil
	}
	if err != nil {
		return item, false, err
	}
	r, err := readRecord(item)
	return item, err == nil && r.Revoked != "", nil
}

// bury makes sure that nothing but a revoked session stands under the item's
// key: what stands there is revoked; where nothing does, or nothing that can be
// read, the grave is put. The item is the one that was read, or a key alone.
func (s *Sessions) bury(ctx context.Context, item store.Item, grave record) error {
	for try := 0; ; try++ {
		revoked := grave
		if r, err := readRecord(item); err == nil && item.Version != "" {
			if r.Revoked != "" {
				return nil
			}
			revoked = r.revoke(grave.Revoked, grave.RevokedAt)
		}
		standing, err := store.Write(ctx, s.cfg.Store, revoked.over(item))
		if !crossed(err) {
			return failed("revoke", err)
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
		standing.Key = item.Key // also where nothing stands
		item = standing
	}
}

// unlist takes a dead session from its user's list.
func (s *Sessions) unlist(ctx context.Context, r record, id string) error {
	u, err := s.find(ctx, r.AppID, r.OpenID)
	if errors.Is(err, ErrNoUser) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.drop(ctx, u, []Device{r.device(id)})
	return err
}

// drop takes dead sessions from the list; not one that was made anew from the
// seed of a dead one since.
func (s *Sessions) drop(ctx context.Context, u registered, dead []Device) (registered, error) {
	return s.change(ctx, u, func(a *account) error {
		a.Devices = slices.DeleteFunc(a.Devices, func(d Device) bool { return slices.Contains(dead, d) })
		return nil
	})
}

// makeRoom ends sessions of a user who has too many: first those that nobody used
// for an idle life, as far as they are dead already; then as inLine says.
func (s *Sessions) makeRoom(ctx context.Context, u registered, newcomer Device) error {
	excess := len(u.Devices) - s.cfg.MaxDevices
	if excess <= 0 {
		return nil
	}
	var dead []Device
	for _, d := range u.Devices {
		if len(dead) == excess || s.now() < d.CreatedAt+s.idle {
			continue
		}
		_, isDead, err := s.look(ctx, d)
		if err != nil {
			return err
		}
		if isDead {
			dead = append(dead, d)
		}
	}
	for _, d := range inLine(u.Devices, newcomer) {
		if len(dead) == excess || slices.Contains(dead, d) {
			continue
		}
		if err := s.kill(ctx, u, d, ReasonTooManyDevices); err != nil {
			return err
		}
		dead = append(dead, d)
	}
	_, err := s.drop(ctx, u, dead)
	return err
}

// inLine says in which order sessions have to go: those that a newer login on the
// same device has made needless, the newcomer's device first; then the others; the
// oldest login first. So one device that logs in over and over pushes itself out.
func inLine(devices []Device, newcomer Device) []Device {
	var own, stale, rest []Device
	for i, d := range devices {
		switch {
		case !slices.ContainsFunc(devices[i+1:], d.sameAs):
			rest = append(rest, d)
		case d.sameAs(newcomer):
			own = append(own, d)
		default:
			stale = append(stale, d)
		}
	}
	return slices.Concat(own, stale, rest)
}

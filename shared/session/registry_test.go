package session

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRegistryHasWhatLoginsSay(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		ctx, l := w.Context(), login()
		_, err := w.User(ctx, testAppID, testOpenID)
		w.want("no user", err, ErrNoUser)
		l.Tokens = &Tokens{AccessToken: "canary-a", RefreshToken: "canary-r", Scope: "snsapi_userinfo", AccessEnd: 1, AskedAt: 2, LeaseUntil: 3}
		l.Profile = &Profile{Nickname: "阿明", HeadImgURL: "https://example.com/1.png", Sex: 1, Language: "zh_CN", Country: "CN", Province: "广东", City: "深圳"}
		l.UnionID, l.SKU = testUnionID, "coffee"
		start := time.Now().Unix()
		_, s, _, err := w.Issue(ctx, l)
		w.want("login", err, nil)
		want := User{
			AppID: testAppID, OpenID: testOpenID, UnionID: testUnionID, FirstSeen: start, LastLogin: start, Profile: l.Profile, Tokens: *l.Tokens,
			Devices: []Device{{ID: s.ID, Device: "phone", SKU: "coffee", CreatedAt: start, EndsAt: s.EndsAt}},
		}
		if got := w.stored(); !reflect.DeepEqual(got, want) {
			w.Errorf("got %+v, want %+v", got, want)
		}

		time.Sleep(time.Hour)
		_, again, _, err := w.Issue(ctx, login()) // which has nothing new
		w.want("login", err, nil)
		want.LastLogin += 3600
		want.Devices = append(want.Devices, Device{ID: again.ID, Device: "phone", CreatedAt: again.CreatedAt, EndsAt: again.EndsAt})
		if got := w.stored(); !reflect.DeepEqual(got, want) || again.UnionID != testUnionID {
			w.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestUpdateStoresItsFourFields(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		ctx := w.Context()
		nothing := func(*User) error { return nil }
		_, err := w.Update(ctx, testAppID, testOpenID, nothing)
		w.want("no user", err, ErrNoUser)
		_, err = w.Update(ctx, testAppID, "no#openid", nothing)
		w.want("no openid", err, ErrNoUser)
		token := w.issue(login())
		changed := func(u *User) error {
			u.Profile, u.Tokens.Scope, u.UnionID = &Profile{Nickname: "n"}, "snsapi_login", testUnionID
			u.LastLogin = 5
			u.FirstSeen, u.Devices[0].ID, u.AppID = 0, "x", "x" // not stored
			u.Devices = nil
			return nil
		}
		u, err := w.Update(ctx, testAppID, testOpenID, changed)
		if got := w.stored(); err != nil || !reflect.DeepEqual(got, u) || u.Profile.Nickname != "n" || u.Tokens.Scope != "snsapi_login" ||
			u.FirstSeen == 0 || u.LastLogin != 5 || u.AppID != testAppID || len(u.Devices) != 1 || u.Devices[0].ID != idOf(token) {
			w.Errorf("%+v, %+v, %v", u, got, err)
		}
		mine := errors.New("mine")
		if _, err = w.Update(ctx, testAppID, testOpenID, func(u *User) error { u.Profile = nil; return mine }); err != mine {
			w.Error(err)
		}
		_, err = w.Update(ctx, testAppID, testOpenID, func(u *User) error { u.Profile, u.UnionID = nil, "a#b"; return nil })
		w.want("bad unionid", err, ErrInvalid)
		if w.stored().Profile == nil {
			w.Error("the change of an update that failed is stored")
		}
		links, _ := w.OpenIDs(ctx, testUnionID)
		if links[testAppID] != testOpenID {
			w.Errorf("links %v", links)
		}
	})
}

// Of many updates at the same time that take the lease of the tokens, one gets it. And no
// update is lost.
func TestConcurrentUpdatesLoseNoChange(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *fixture) {
		w.issue(login())
		w.slowDown(latency)
		var wg sync.WaitGroup
		var mu sync.Mutex
		busy, holders := errors.New("busy"), 0
		for i := range 50 {
			wg.Go(func() {
				_, err := w.Update(w.Context(), testAppID, testOpenID, func(u *User) error {
					if time.Now().UnixMilli() < u.Tokens.LeaseUntil {
						return busy
					}
					u.Tokens.LeaseUntil = time.Now().Add(time.Hour).UnixMilli()
					return nil
				})
				if mu.Lock(); err == nil {
					holders++
				}
				mu.Unlock()
				_, err = w.Update(w.Context(), testAppID, testOpenID, func(u *User) error {
					u.Tokens.Scope += fmt.Sprintf(",%d,", i)
					return nil
				})
				w.want("append", err, nil)
			})
		}
		wg.Wait()
		if holders != 1 {
			w.Errorf("%d hold the lease", holders)
		}
		for i := range 50 {
			if !strings.Contains(w.stored().Tokens.Scope, fmt.Sprintf(",%d,", i)) {
				w.Errorf("change %d is lost", i)
			}
		}
	})
}

func TestOpenIDsOfAUnionID(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		ctx := w.Context()
		want := map[string]string{}
		check := func(name, unionID string) {
			w.Helper()
			if got, err := w.OpenIDs(ctx, unionID); err != nil || !maps.Equal(got, want) {
				w.Errorf("%s: %v, %v, want %v", name, got, err, want)
			}
		}
		check("unknown", testUnionID)
		check("malformed", "a#b")
		w.issue(login())
		check("a login without one", testUnionID)
		for _, appID := range []string{testAppID, otherAppID} {
			l := login()
			l.AppID, l.UnionID = appID, testUnionID
			w.issue(l)
			want[appID] = testOpenID
			check(appID, testUnionID)
		}
		l := login()
		l.UnionID = "another-union"
		w.issue(l)
		check("the old one", testUnionID)
		delete(want, otherAppID)
		check("the new one", "another-union")
		if u := w.stored(); u.UnionID != "another-union" {
			w.Errorf("%+v", u)
		}
	})
}

// Logins of one unionid in many apps at the same time lose no link.
func TestConcurrentLoginsLoseNoLink(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		w.slowDown(latency)
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				l := login()
				l.AppID, l.UnionID = fmt.Sprint("wx", i), testUnionID
				_, _, _, err := w.Issue(w.Context(), l)
				w.want("login", err, nil)
			})
		}
		wg.Wait()
		if links, err := w.OpenIDs(w.Context(), testUnionID); len(links) != 30 || err != nil {
			w.Errorf("%d links, %v", len(links), err)
		}
	})
}

func TestInvalidLoginsAreRefused(t *testing.T) {
	w, long := newFixture(t, Config{}), strings.Repeat("a", 129)
	for _, c := range []struct {
		name   string
		change func(*Login)
	}{
		{"AppID", func(l *Login) { l.AppID = "" }},
		{"AppID with #", func(l *Login) { l.AppID = "wx#1" }},
		{"openid", func(l *Login) { l.OpenID = "" }},
		{"openid with #", func(l *Login) { l.OpenID = "a#b" }},
		{"openid with space", func(l *Login) { l.OpenID = "a b" }},
		{"long openid", func(l *Login) { l.OpenID = long }},
		{"unionid", func(l *Login) { l.UnionID = "ü" }},
		{"long unionid", func(l *Login) { l.UnionID = long }},
		{"app", func(l *Login) { l.App = "a b" }},
		{"sku", func(l *Login) { l.SKU = "a\n" }},
		{"long sku", func(l *Login) { l.SKU = long[:65] }},
		{"long device", func(l *Login) { l.Device = long }},
		{"device not UTF-8", func(l *Login) { l.Device = "\xff" }},
		{"device over a line", func(l *Login) { l.Device = "a\nb" }},
		{"short seed", func(l *Login) { l.Seed = testSeed[1:] }},
		{"empty seed", func(l *Login) { l.Seed = []byte{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, l := w.with(t), login()
			c.change(&l)
			_, _, _, err := w.Issue(w.Context(), l)
			w.want("issue", err, ErrInvalid)
			w.wantCalls("issue", "")
		})
	}
}

func TestLoginsAtTheLimitsAreValid(t *testing.T) {
	w, l := newFixture(t, Config{}), login()
	long := strings.Repeat("a", 128)
	l.OpenID, l.UnionID, l.SKU, l.Device, l.App = long, long, long[:64], strings.Repeat("机", 42), ""
	if _, _, _, err := w.Issue(w.Context(), l); err != nil {
		t.Error(err)
	}
}

package wechatsim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kinds of account, named as in the configuration of a product.
const (
	OfficialAccount = "official_account"
	Website         = "website"
	MiniProgram     = "mini_program"
)

const (
	scopeBase     = "snsapi_base"
	scopeUserInfo = "snsapi_userinfo"
	scopeLogin    = "snsapi_login"
)

// complete fills in defaults. It refuses unknown kinds and scopes.
func (a *App) complete() error {
	all := map[string][]string{
		OfficialAccount: {scopeBase, scopeUserInfo}, Website: {scopeLogin}, MiniProgram: {},
	}
	if a.Kind == "" {
		a.Kind = OfficialAccount
	}
	scopes, ok := all[a.Kind]
	if !ok {
		return fmt.Errorf("wechatsim: app %s: unknown kind %q", a.ID, a.Kind)
	}
	if a.Scopes == nil {
		a.Scopes = scopes
	}
	for _, scope := range a.Scopes {
		if !slices.Contains(scopes, scope) {
			return fmt.Errorf("wechatsim: app %s: a %s has no scope %q", a.ID, a.Kind, scope)
		}
	}
	return nil
}

// User is a user of WeChat. The openid differs for each app, the unionid for each Open Platform
// account; see OpenID and UnionID.
type User struct {
	ID         string // the simulator's name for the user; WeChat has no such name
	Nickname   string
	HeadImgURL string // "" for a user without a picture
	Sex        int    // 0 unknown, as WeChat answers since 2021; 1 male, 2 female
	Province   string
	City       string
	Country    string
	Privilege  []string
	// Phone is the number without the country code, CountryCode that code without a plus. "" means
	// a made-up number of mainland China, 86.
	Phone, CountryCode string
}

// defaultUsers are a user with the fields that WeChat fills today, one with the fields that it used
// to fill, and one without a picture whose name breaks pages that do not escape it.
func defaultUsers() []User {
	const picture = "https://thirdwx.qlogo.cn/mmopen/vi_32/wechatsim/132"
	return []User{
		{ID: "ming", Nickname: "小明 🌿", HeadImgURL: picture},
		{ID: "hua", Nickname: "Li Hua", HeadImgURL: picture, Sex: 2, Province: "Guangdong", City: "Shenzhen", Country: "CN",
			Privilege: []string{"chinaunicom"}},
		{ID: "odd", Nickname: `<b>"O'Odd" & Söhne</b>`},
	}
}

func checkUsers(users []User) ([]User, error) {
	if len(users) == 0 {
		return defaultUsers(), nil
	}
	seen := map[string]bool{}
	for _, u := range users {
		if u.ID == "" {
			return nil, errors.New("wechatsim: a user needs an ID")
		}
		if seen[u.ID] {
			return nil, fmt.Errorf("wechatsim: user %s is named twice", u.ID)
		}
		if !digits(u.Phone) || !digits(u.CountryCode) || strings.HasPrefix(u.CountryCode, "0") {
			return nil, fmt.Errorf("wechatsim: user %s: Phone and CountryCode are digits", u.ID)
		}
		seen[u.ID] = true
	}
	return slices.Clone(users), nil
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// OpenID is a user's openid at an app.
func (s *Sim) OpenID(appID, userID string) string { return s.identity("openid", appID, userID) }

// UnionID is a user's unionid at the apps that are linked to the same Open Platform account.
// Switches.UnionID decides whether WeChat includes it in answers.
func (s *Sim) UnionID(appID, userID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unionID(appID, userID, "unionid")
}

func (s *Sim) unionID(appID, userID, kind string) string {
	group := s.apps[appID].OpenPlatform
	if group == "" {
		group = "\x00" + appID // an app that is not linked
	}
	return s.identity(kind, group, userID)
}

// identity is 28 characters that start with an o, as WeChat's are.
func (s *Sim) identity(kind, group, userID string) string {
	raw := s.derive(kind+" "+userID, group, 0)
	return "o" + base64.RawURLEncoding.EncodeToString(raw)[:27]
}

// user returns a user by User.ID or by the openid at the app.
func (s *Sim) user(appID, name string) (User, bool) {
	i := slices.IndexFunc(s.users, func(u User) bool { return u.ID == name || s.OpenID(appID, u.ID) == name })
	if i < 0 {
		return User{}, false
	}
	return s.users[i], true
}

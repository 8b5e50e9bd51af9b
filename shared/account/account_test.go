package account_test

import (
	"strings"
	"testing"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
)

var (
	shop = account.Account{Name: "shop", AppID: "wx0000000000000001", Kind: account.OfficialAccount}
	site = account.Account{Name: "site", AppID: "wx0000000000000002", Kind: account.Website}
	mini = account.Account{Name: "mini", AppID: "wx0000000000000003", Kind: account.MiniProgram}
	all  = account.List{shop, site, mini}
)

func names(l account.List) string {
	var out []string
	for _, a := range l {
		out = append(out, a.Name)
	}
	return strings.Join(out, " ")
}

func TestCapabilities(t *testing.T) {
	for _, c := range []struct {
		name string
		can  func(account.Account) bool
		want string
	}{
		{"HasToken", account.Account.HasToken, "shop mini"},
		{"LogsIn", account.Account.LogsIn, "shop site"},
		{"TakesPushes", account.Account.TakesPushes, "shop mini"},
		{"Is", account.Is(account.MiniProgram), "mini"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(all.Where(c.can)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestFindReturnsTheFirstAccountForNoName(t *testing.T) {
	for _, c := range []struct {
		name, account, want string
		ok                  bool
	}{
		{"no name", "", "shop", true},
		{"name", "mini", "mini", true},
		{"other capitals", "Mini", "", false},
		{"AppID", site.AppID, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a, ok := all.Find(c.account); ok != c.ok || a.Name != c.want {
				t.Errorf("%q, %v", a.Name, ok)
			}
		})
	}
	if _, ok := (account.List{}).Find(""); ok {
		t.Error("an empty list has a first account")
	}
	if a, ok := all.FindAppID(site.AppID); !ok || a.Name != "site" {
		t.Errorf("%q, %v", a.Name, ok)
	}
	if _, ok := all.FindAppID(""); ok {
		t.Error("an account has no AppID")
	}
}

func TestNamesAndAppIDs(t *testing.T) {
	for _, c := range []struct {
		name, text      string
		isName, isAppID bool
	}{
		{"word", "shop", true, false},
		{"hyphen, underscore and digit", "a-b_9", true, false},
		{"32 bytes", strings.Repeat("a", 32), true, false},
		{"33 bytes", strings.Repeat("a", 33), false, false},
		{"empty", "", false, false},
		{"capital", "Shop", false, false},
		{"Chinese", "店", false, false},
		{"space", "a b", false, false},
		{"AppID", "wx520c15f417810387", true, true},
		{"AppID with capitals", "wxABCDEF0123456789", false, true},
		{"AppID too short", "wx520c15f41781038", true, false},
		{"AppID with another prefix", "xw520c15f417810387", true, false},
		{"AppID with an underscore", "wx520c15f41781038_", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if account.IsName(c.text) != c.isName || account.IsAppID(c.text) != c.isAppID {
				t.Errorf("%q: name %v, AppID %v", c.text, account.IsName(c.text), account.IsAppID(c.text))
			}
		})
	}
}

func TestRequireSecretNamesTheAccount(t *testing.T) {
	if _, err := account.RequireSecret(secret.Secret{}, shop); err == nil || !strings.Contains(err.Error(), `"shop" (wx0000000000000001)`) {
		t.Errorf("%v", err)
	}
	if s, err := account.RequireSecret(secret.New("here"), shop); err != nil || s.Reveal() != "here" {
		t.Errorf("%v", err)
	}
}

// Package account says what a WeChat account is: its name, AppID and kind, what it
// can do, and where its AppSecret comes from.
package account

import (
	"context"
	"fmt"
	"strings"

	"wechatfn/shared/secret"
	"wechatfn/shared/wechat"
)

// Kind is what kind of account it is, as the configuration names it.
type Kind string

// The kinds there are.
const (
	OfficialAccount Kind = "official_account" // 公众号 or 服务号: its pages open in WeChat's own browser
	Website         Kind = "website"          // a website app (网站应用) of the Open Platform: logins by QR code
	MiniProgram     Kind = "mini_program"     // 小程序
)

// Kinds lists all kinds.
func Kinds() []Kind { return []Kind{OfficialAccount, Website, MiniProgram} }

// Account is one WeChat account. It holds no secret.
type Account struct {
	Name    string // as the configuration calls it; unique
	AppID   string // unique
	Kind    Kind
	Tickets []wechat.TicketType // that are renewed; official accounts only
}

// HasToken reports whether the account has a global access token. A website app
// has none: it only logs users in.
func (a Account) HasToken() bool { return a.Kind != Website }

// LogsIn reports whether users log in to the account with a browser. A mini-program
// has a login of its own.
func (a Account) LogsIn() bool { return a.Kind != MiniProgram }

// TakesPushes reports whether WeChat pushes messages and events for the account. A
// website app has no server URL.
func (a Account) TakesPushes() bool { return a.Kind != Website }

// Is returns a test for accounts of that kind, for [List.Where].
func Is(k Kind) func(Account) bool { return func(a Account) bool { return a.Kind == k } }

// List is accounts in the order of the configuration.
type List []Account

// Find returns the account with that name, and the first one for the empty name.
func (l List) Find(name string) (Account, bool) {
	for _, a := range l {
		if name == "" || a.Name == name {
			return a, true
		}
	}
	return Account{}, false
}

// FindAppID returns the account with that AppID.
func (l List) FindAppID(appID string) (Account, bool) {
	for _, a := range l {
		if a.AppID == appID {
			return a, true
		}
	}
	return Account{}, false
}

// Where returns the accounts that are wanted, such as List.Where(Account.LogsIn).
func (l List) Where(want func(Account) bool) (out List) {
	for _, a := range l {
		if want(a) {
			out = append(out, a)
		}
	}
	return out
}

// SecretSource returns the AppSecret of an account. With fresh set it must not
// answer from a cache: WeChat has just refused the AppSecret that it gave before.
// A missing AppSecret is an error, see [RequireSecret].
type SecretSource func(ctx context.Context, a Account, fresh bool) (secret.Secret, error)

// RequireSecret makes a missing AppSecret an error that names the account.
func RequireSecret(s secret.Secret, a Account) (secret.Secret, error) {
	if s.IsZero() {
		return s, fmt.Errorf("no AppSecret is stored for account %q (%s)", a.Name, a.AppID)
	}
	return s, nil
}

const (
	lowerCase = "abcdefghijklmnopqrstuvwxyz"
	digits    = "0123456789"
)

// IsAppID reports whether s can be an AppID: wx and 16 letters or digits.
func IsAppID(s string) bool {
	return len(s) == 18 && strings.HasPrefix(s, "wx") && strings.Trim(strings.ToLower(s), lowerCase+digits) == ""
}

// IsName reports whether s can be the name of an account: 1 to 32 of a-z, 0-9, -
// and _.
func IsName(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, lowerCase+digits+"-_") == ""
}

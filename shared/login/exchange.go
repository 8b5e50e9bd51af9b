// Package login is what every login with WeChat has in common, whatever feature it
// belongs to. A login has four steps, and each has one type here:
//
//	exchange WeChat's code for a user    [Exchanger]
//	say why WeChat refused the code      [Problems]
//	reuse or open a session              [Opener]
//	say why a token opens no session     [SessionProblems]
//
// The secrets that a login gives to a browser are random or made with [Seed]. The store
// has their [Digest] only.
//
// The package has no routes, no store items of its own and no state. Everything in it is
// safe for concurrent use.
package login

import (
	"context"
	"errors"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/wechat"
)

// Exchanger exchanges codes of WeChat's for a user. T is what WeChat answers, such as
// wechat.UserToken or wechat.MiniSession. All fields are required.
type Exchanger[T any] struct {
	Secrets account.SecretSource
	// Call sends the code to WeChat, at most once: ExchangeCode or CodeToSession of
	// *wechat.Client.
	Call func(ctx context.Context, appID, secret, code string) (T, error)
	Now  func() time.Time
}

// Exchange sends a code to WeChat, once. A code works once, and after a lost answer
// nobody knows whether WeChat has used it. So never send it again, whatever the error.
//
// askedAt is when WeChat was asked, in Unix milliseconds. It is taken after the AppSecret
// was read, because that can take seconds: of two logins of one user, the one that asked
// later has the newer tokens.
//
// A missing AppSecret is read once more past the cache, because it may have just been
// stored. An AppSecret that WeChat refuses is read past the cache as well, after the
// exchange: that drops it, and the next login uses the new one. This login fails.
//
// Errors: *wechat.Error, and those of Secrets. See [FailureOf].
func (e Exchanger[T]) Exchange(ctx context.Context, a account.Account, code string) (answer T, askedAt int64, err error) {
	appSecret, err := e.readSecret(ctx, a)
	if err != nil {
		return answer, 0, err
	}
	askedAt = e.Now().UnixMilli()
	answer, err = e.Call(ctx, a.AppID, appSecret.Reveal(), code)
	if refused, ok := errors.AsType[*wechat.Error](err); ok && refused.SecretRefused() {
		_, _ = e.Secrets(ctx, a, true) // its error changes nothing: the login has already failed
	}
	return answer, askedAt, err
}

func (e Exchanger[T]) readSecret(ctx context.Context, a account.Account) (secret.Secret, error) {
	appSecret, err := e.Secrets(ctx, a, false)
	if err != nil && ctx.Err() == nil {
		return e.Secrets(ctx, a, true)
	}
	return appSecret, err
}

package login

import (
	"context"
	"errors"

	"wechatfn/shared/wechat"
)

// Failure is why an exchange failed, as far as the user has to know. Each feature has
// its own problem for it: see [Problems].
type Failure int

const (
	// Misconfigured: there is no AppSecret, or WeChat does not accept the AppID, the
	// AppSecret, our address or the scope. The operator has to act. It is also every
	// errcode that nothing here knows.
	Misconfigured Failure = iota
	// Unavailable: WeChat or the source of the AppSecret does not answer in time, or
	// WeChat is busy. The user logs in again in a moment.
	Unavailable
	// CodeInvalid: WeChat does not know the code, or got none.
	CodeInvalid
	// CodeUsed: the code was exchanged before.
	CodeUsed
	// CodeExpired: the code is older than five minutes.
	CodeExpired
	// UserBlocked: WeChat considers the user of a mini-program a high risk.
	UserBlocked
	// TooManyLogins: WeChat's limit for a minute is reached. For a mini-program that is
	// the limit of one user.
	TooManyLogins
)

// FailureOf says what the error of [Exchanger.Exchange] means for the user.
func FailureOf(err error) Failure {
	e, ok := errors.AsType[*wechat.Error](err)
	if !ok { // WeChat was not asked
		if errors.Is(err, context.DeadlineExceeded) {
			return Unavailable
		}
		return Misconfigured
	}
	switch e.Code {
	case wechat.CodeBadCode, wechat.CodeMissingCode:
		return CodeInvalid
	case wechat.CodeUsedCode:
		return CodeUsed
	case wechat.CodeExpiredCode:
		return CodeExpired
	case wechat.CodeUserBlocked:
		return UserBlocked
	case wechat.CodeMinuteQuota:
		return TooManyLogins
	}
	if class := e.Class(); class == wechat.ClassBusy || class == wechat.ClassQuota {
		return Unavailable
	}
	return Misconfigured
}

package miniprogram

import (
	"errors"
	"time"

	"wechatfn/shared/login"
	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/wechat"
)

var (
	errUnknownApp = problem.MiniAppUnknown.New("app names no mini-program that is configured")
	errBody       = problem.BodyInvalid.New("the body is not a JSON object, or a field in it is no text")
	errCode       = problem.CodeMissing.New("code is missing, or is no code of WeChat's")

	errCodeInvalid = problem.MiniLoginCodeInvalid.New("WeChat does not know this code")
	errCodeUsed    = problem.MiniLoginCodeUsed.New("this code has been used already")
	errCodeExpired = problem.MiniLoginCodeExpired.New("this code is too old")
	errBlocked     = problem.LoginBlocked.New("WeChat holds this user for a risk and lets the user log in to no mini-program")

	errPhoneCode = problem.PhoneCodeInvalid.New("this phone number code is unknown, used, older than five minutes, or of another user or mini-program")

	errSignature     = problem.RawDataSignatureInvalid.New("signature is not that of rawData with this user's session_key")
	errUndecryptable = problem.DataUndecryptable.New("encryptedData cannot be decrypted with iv and this user's session_key")
	errOtherApp      = problem.DataOfOtherApp.New("the watermark of encryptedData is another mini-program's")
	errTooOld        = problem.DataTooOld.New("the time in encryptedData is too far from now")
	errOtherUser     = problem.DataOfOtherUser.New("the openId in encryptedData is not that of the session")

	errNoSession  = problem.MiniSessionMissing.New("no session came with the request, or it has ended")
	errOtherSKU   = problem.SessionOtherProduct.New("the session was opened with another sku")
	errNoMini     = problem.SessionNotMiniProgram.New("the session is of an account that is no mini-program")
	errKeyMissing = problem.SessionKeyMissing.New("no session_key is stored for this user")
	errKeyInvalid = problem.SessionKeyInvalid.New("WeChat does not accept this user's session_key any more")
)

// badField names a field of the body that cannot be right.
func badField(detail string) *problem.Problem { return problem.MiniFieldInvalid.New(detail) }

// sessionProblem is the answer when a token opens no session.
func sessionProblem(err error) error {
	return login.SessionProblems{Missing: errNoSession, OtherProduct: errOtherSKU, Revoked: sessionRevoked}.Of(err)
}

// sessionRevoked says why a session was ended.
func sessionRevoked(reason session.Reason) error {
	return problem.MiniSessionRevoked.New("the session was ended: " + string(reason))
}

// dataProblem is the answer to data that is refused.
func dataProblem(err error) error {
	switch {
	case errors.Is(err, ErrOtherApp):
		return errOtherApp
	case errors.Is(err, ErrTooOld):
		return errTooOld
	}
	return errUndecryptable
}

// loginProblem is the answer to a failed exchange.
func loginProblem(err error) error {
	switch login.FailureOf(err) {
	case login.CodeInvalid:
		return errCodeInvalid
	case login.CodeUsed:
		return errCodeUsed
	case login.CodeExpired:
		return errCodeExpired
	case login.UserBlocked:
		return errBlocked
	case login.TooManyLogins:
		e, _ := errors.AsType[*wechat.Error](err)
		return tooOften(err, e.Pause())
	case login.Unavailable:
		return loginUnavailable(err)
	}
	return loginMisconfigured(err)
}

// phoneProblem is the answer to a failed getuserphonenumber. No page of WeChat's says
// which errcode a code of another user gets.
func phoneProblem(err error) error {
	if e, ok := errors.AsType[*wechat.Error](err); ok && (e.CodeUsed() || e.Code == wechat.CodeBadOpenID) {
		return errPhoneCode
	}
	return callProblem(err)
}

// callProblem is the answer to any other failed call.
func callProblem(err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	e, ok := errors.AsType[*wechat.Error](err)
	switch {
	case !ok:
		return err
	case e.SessionKeyInvalid():
		return errKeyInvalid
	case e.Class() == wechat.ClassBusy || e.Class() == wechat.ClassQuota:
		return unavailable(err, e.Pause())
	}
	return misconfigured(err)
}

// defaultRetry is the Retry-After where WeChat names no time.
const defaultRetry = 2 * time.Second

func loginUnavailable(cause error) *problem.Problem {
	return &problem.Problem{
		Type:       &problem.MiniLoginUnavailable,
		Detail:     "WeChat did not answer in time, or is busy",
		RetryAfter: defaultRetry,
		Cause:      cause,
	}
}

// loginSuperseded: WeChat knows the user, but the session was ended before it was
// stored.
func loginSuperseded(cause error) *problem.Problem {
	return &problem.Problem{
		Type:       &problem.LoginSuperseded,
		Detail:     "the user was logged out of all devices while this login was under way, or logged in on too many others",
		RetryAfter: defaultRetry,
		Cause:      cause,
	}
}

func tooOften(cause error, pause time.Duration) *problem.Problem {
	return &problem.Problem{
		Type:       &problem.LoginTooOften,
		Detail:     "WeChat allows a user so many logins a minute",
		RetryAfter: pause,
		Cause:      cause,
	}
}

func loginMisconfigured(cause error) *problem.Problem {
	return &problem.Problem{
		Type:   &problem.MiniLoginMisconfigured,
		Detail: "WeChat does not accept this account's AppID, AppSecret or address",
		Cause:  cause,
	}
}

func misconfigured(cause error) *problem.Problem {
	return &problem.Problem{
		Type:   &problem.WeChatRefused,
		Detail: "WeChat does not let this account make the call",
		Cause:  cause,
	}
}

func unavailable(cause error, pause time.Duration) *problem.Problem {
	return &problem.Problem{
		Type:       &problem.MiniWeChatUnavailable,
		Detail:     "WeChat did not answer in time, or is busy",
		RetryAfter: max(defaultRetry, pause),
		Cause:      cause,
	}
}

// noToken: the refresher has been called, so the client can try again later.
func noToken(cause error, retryAfter time.Duration) *problem.Problem {
	return &problem.Problem{
		Type:       &problem.TokenUnavailable,
		Detail:     "there is no valid access token at the moment; the refresher has been called",
		RetryAfter: retryAfter,
		Cause:      cause,
	}
}

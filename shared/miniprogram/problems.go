package miniprogram

import (
	"errors"

	"wechatfn/shared/login"
	"wechatfn/shared/problem"
	"wechatfn/shared/wechat"
)

var (
	errUnknownApp = problem.MiniAppUnknown.New("app names no mini-program that is configured")
	errBody       = problem.BodyInvalid.New("the body is not a JSON object, or a field in it is no text")
	errCode       = problem.CodeMissing.New("code is missing, or is no code of WeChat's")

	// errSuperseded: WeChat knows the user, but the session was ended before it was stored.
	errSuperseded = problem.LoginSuperseded.New("the user was logged out of all devices while this login was under way, or logged in on too many others")

	errPhoneCode = problem.PhoneCodeInvalid.New("this phone number code is unknown, used, older than five minutes, or of another user or mini-program")

	errSignature     = problem.RawDataSignatureInvalid.New("signature is not that of rawData with this user's session_key")
	errUndecryptable = problem.DataUndecryptable.New("encryptedData cannot be decrypted with iv and this user's session_key")
	errOtherApp      = problem.DataOfOtherApp.New("the watermark of encryptedData is another mini-program's")
	errTooOld        = problem.DataTooOld.New("the time in encryptedData is too far from now")
	errOtherUser     = problem.DataOfOtherUser.New("the openId in encryptedData is not that of the session")

	errNoMini     = problem.SessionNotMiniProgram.New("the session is of an account that is no mini-program")
	errKeyMissing = problem.SessionKeyMissing.New("no session_key is stored for this user")
	errKeyInvalid = problem.SessionKeyInvalid.New("WeChat does not accept this user's session_key any more")

	// errNoToken: the refresher has been called, so the client can try again later.
	errNoToken    = problem.TokenUnavailable.New("there is no valid access token at the moment; the refresher has been called")
	errRefused    = problem.WeChatRefused.New("WeChat does not let this account make the call")
	errWeChatBusy = login.WeChatBusy(&problem.MiniWeChatUnavailable)
)

// exchangeProblems are the answers to a failed exchange.
var exchangeProblems = login.Problems{
	CodeInvalid: &problem.MiniLoginCodeInvalid, CodeUsed: &problem.MiniLoginCodeUsed, CodeExpired: &problem.MiniLoginCodeExpired,
	UserBlocked:   problem.LoginBlocked.New("WeChat holds this user for a risk and lets the user log in to no mini-program"),
	TooManyLogins: problem.LoginTooOften.New("WeChat allows a user so many logins a minute"),
	Unavailable:   login.WeChatBusy(&problem.MiniLoginUnavailable),
	Misconfigured: problem.MiniLoginMisconfigured.New("WeChat does not accept this account's AppID, AppSecret or address"),
}

// sessionProblems are the answers when a token opens no session.
var sessionProblems = login.SessionProblems{Missing: &problem.MiniSessionMissing, Revoked: &problem.MiniSessionRevoked}

// badField names a field of the body that cannot be right.
func badField(detail string) *problem.Problem { return problem.MiniFieldInvalid.New(detail) }

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
		return errWeChatBusy.Because(err).RetryIn(max(login.DefaultRetry, e.Pause()))
	}
	return errRefused.Because(err)
}

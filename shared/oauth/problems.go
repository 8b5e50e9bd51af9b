package oauth

import (
	"wechatfn/shared/login"
	"wechatfn/shared/problem"
)

// Ways in which a callback can end.
var (
	errLoginRefused     = problem.LoginRefused.New("the login was not confirmed in WeChat")
	errLoginSnapshot    = problem.LoginSnapshot.New("the page was opened as a snapshot, in which WeChat gives a made-up user")
	errLoginInterrupted = problem.LoginInterrupted.New("the login was cut off before it ended")
	errLoginEnded       = problem.LoginEnded.New("this login has been ended since: by logging out, or by newer logins")
)

// exchangeProblems are the answers to a failed exchange.
var exchangeProblems = login.Problems{
	CodeInvalid: &problem.LoginCodeInvalid, CodeUsed: &problem.LoginCodeUsed, CodeExpired: &problem.LoginCodeExpired,
	Unavailable:   problem.LoginUnavailable.New("WeChat, or the table of this service, did not answer in time or is busy"),
	Misconfigured: problem.LoginMisconfigured.New("WeChat does not accept this account's AppID, AppSecret, address or scope"),
}

// failure finds the problem of a stored result, which is its code. A newer version of
// this service can have stored one that this version does not know.
func failure(stored string) *problem.Problem {
	for _, p := range [...]*problem.Problem{
		errLoginRefused, errLoginSnapshot, errLoginEnded, exchangeProblems.Unavailable, exchangeProblems.Misconfigured,
		exchangeProblems.For(login.CodeInvalid), exchangeProblems.For(login.CodeUsed), exchangeProblems.For(login.CodeExpired),
	} {
		if string(p.Code()) == stored {
			return p
		}
	}
	return errLoginInterrupted
}

var (
	errUnknownApp   = problem.LoginAppUnknown.New("the parameter app names no account that logs users in")
	errScope        = problem.ScopeInvalid.New("an official account has the scopes snsapi_base and snsapi_userinfo, a website snsapi_login")
	errLang         = problem.LangInvalid.New("the parameter lang must be zh_CN, zh_TW or en")
	errChallenge    = problem.ChallengeInvalid.New("a login for a page of another site needs the parameter challenge: the SHA-256 of a random verifier in base64url, 43 characters")
	errLoginUnknown = problem.LoginUnknown.New("this login is not known: it has ended, is older than ten minutes, or never began here")
	errCookieLost   = problem.LoginCookieLost.New("the cookie of this login is missing, twice in a row")

	errWechatfnCode = problem.WechatfnCodeInvalid.New("this login code is not known, is older than a minute, or has been used")
	errBody         = problem.BodyInvalid.New(`the body must be {"code":"...","verifier":"..."}`)

	errCheck = problem.CheckInvalid.New("the parameter check must be true, false, 1 or 0")
	errAll   = problem.AllInvalid.New("the parameter all must be true, false, 1 or 0")

	errCrossSite  = problem.SessionOriginNotAllowed.New("a request that changes something and sends the session's cookie must come from a page of an allowed origin")
	errLoginAgain = problem.LoginAgain.New("WeChat does not let this user's profile be read any more; the user has to log in again")
	errNoProfile  = problem.ProfileNotGranted.New("the user logged in without granting the profile")
	errWeChatBusy = login.WeChatBusy(&problem.WeChatUnavailable)
)

// sessionProblems are the answers when a token opens no session.
var sessionProblems = login.SessionProblems{Missing: &problem.SessionMissing, Revoked: &problem.SessionRevoked}

func badReturnTo(detail string) *problem.Problem {
	return problem.ReturnToInvalid.New("the parameter return_to " + detail)
}

func returnToNotAllowed(origin string) *problem.Problem {
	return problem.ReturnToNotAllowed.New("the parameter return_to leads to " + origin + ", which is not among the allowed origins")
}

package wechat

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Class says what kind of failure an Error is, which decides what to do next.
type Class int

const (
	// ClassUnknown is an errcode that nothing here knows: alarm, and retry as if WeChat were busy.
	ClassUnknown Class = iota
	// ClassBusy: WeChat is busy, unreachable, or answered with something that is not its protocol.
	// Back off with jitter.
	ClassBusy
	// ClassConfiguration: AppID, AppSecret, IP whitelist, or the account's status. People have to
	// act: alarm, and retry slowly. After CodeInvalidSecret read the secret again, once.
	ClassConfiguration
	// ClassQuota: a limit is reached. Stop for Pause, and alarm.
	ClassQuota
	// ClassCredentialInvalid: the access token that was sent is invalid. Get another one in normal mode,
	// once, and compare; never loop with force.
	ClassCredentialInvalid
	// ClassBug: the request was built wrong; only a change of code helps.
	ClassBug
	// ClassUser: one user's login, through no fault of the account: no alarm. CodeUsed,
	// UserTokenInvalid, SessionKeyInvalid, NoPermission and LoginAgain say what to do.
	ClassUser
)

func (c Class) String() string {
	switch c {
	case ClassBusy:
		return "busy"
	case ClassConfiguration:
		return "configuration"
	case ClassQuota:
		return "quota"
	case ClassCredentialInvalid:
		return "credential invalid"
	case ClassBug:
		return "bug"
	case ClassUser:
		return "user"
	default:
		return "unknown"
	}
}

// Errcodes that callers act on by number. All of them:
// https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html
const (
	CodeInvalidAppID     = 40013
	CodeInvalidSecret    = 40125 // AppSecret wrong or replaced; see Error.SecretRefused
	CodeNotInWhitelist   = 40164 // caller's IP not in the whitelist; see Error.IP
	CodeClientIPRefused  = 61004 // the same, as other pages number it
	CodeDailyQuota       = 45009
	CodeMinuteQuota      = 45011
	CodeClearQuotaUsedUp = 48006 // this month's ten resets are used up

	CodeBadCode             = 40029 // login code: unknown, of another account, or expired
	CodeUsedCode            = 40163 // login code: exchanged before
	CodeExpiredCode         = 42003 // login code: older than five minutes
	CodeMissingCode         = 41008 // no login code was sent
	CodeBadToken            = 40014 // access token, global or a user's
	CodeExpiredToken        = 42001 // access token, global or a user's
	CodeBadRefreshToken     = 40030
	CodeExpiredRefreshToken = 42002
	CodePasswordChanged     = 42007 // the user changed the password: all the user's tokens are void
	CodeBadOpenID           = 40003
	CodeNoPermission        = 48001 // of a user's token: not granted; else the account lacks the right

	CodeUserBlocked   = 40226 // a mini-program's user whom WeChat holds for a risk: no login, now
	CodeBadSigMethod  = 87008 // sig_method is not hmac_sha256
	CodeBadSessionKey = 87009 // signature not made with the user's current session key

	codeBusy             = -1
	codeInvalidToken     = 40001 // on a call that sends the secret: wrong secret
	codeTokenMissing     = 41001
	codeNotGranted       = 50001 // the user has not granted this
	codeRefusedForAnHour = 89507
	codeRefusedForADay   = 89506
)

// Error is what every call fails with (as *Error). It is a value to read, safe for concurrent use.
type Error struct {
	Op      string // call, named after the last part of its path: "stable_token", "getticket" ...
	Code    int    // WeChat's errcode; 0 when there was none (transport, HTTP status, odd answer)
	Message string // WeChat's errmsg without what was sent; wording varies, so never match on it
	Status  int    // HTTP status; 0 when no answer came
	Err     error  // cause without URL: context.Canceled, context.DeadlineExceeded, or a text

	transient bool // another attempt may well succeed
}

func (e *Error) Error() string {
	s := "wechat: " + e.Op
	switch {
	case e.Code != 0:
		return fmt.Sprintf("%s: errcode %d: %s", s, e.Code, e.Message)
	case e.Err != nil:
		return s + ": " + e.Err.Error()
	default:
		return fmt.Sprintf("%s: HTTP status %d: %s", s, e.Status, e.Message)
	}
}

// Unwrap gives context.Canceled or context.DeadlineExceeded where the context was the cause.
func (e *Error) Unwrap() error { return e.Err }

// Class sorts the error by errcode and call.
func (e *Error) Class() Class {
	switch e.Code {
	case 0, codeBusy:
		return ClassBusy
	case codeInvalidToken, CodeBadToken, CodeExpiredToken:
		return e.tokenClass()
	case CodeBadCode, CodeUsedCode, CodeExpiredCode, CodeMissingCode, CodeBadRefreshToken, CodeExpiredRefreshToken,
		CodePasswordChanged, CodeBadOpenID, codeNotGranted, CodeUserBlocked, CodeBadSessionKey:
		return ClassUser
	case codeTokenMissing, CodeBadSigMethod:
		return ClassBug
	case CodeDailyQuota, CodeMinuteQuota, CodeClearQuotaUsedUp:
		return ClassQuota
	case CodeNoPermission:
		if e.NoPermission() {
			return ClassUser
		}
		return ClassConfiguration
	case CodeInvalidAppID:
		if e.CodeUsed() {
			return ClassUser
		}
		return ClassConfiguration
	case 40002, 41002, 41004, 43002, CodeInvalidSecret, 40243, // AppID, AppSecret
		CodeNotInWhitelist, CodeClientIPRefused, 89501, 89503, codeRefusedForAnHour, codeRefusedForADay, // IP
		48004, 50002, 50004: // the account's status
		return ClassConfiguration
	default:
		return ClassUnknown
	}
}

// tokenClass distinguishes an invalid token from a wrong secret, and the account's token from a user's: calls
// that send the secret send no token, and 40001 there speaks of the secret.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_access_token.html
func (e *Error) tokenClass() Class {
	switch e.Op {
	case opUserInfo, opCheckUser, opRefreshUser:
		return ClassUser
	case opStableToken, opToken, opClearQuota, opExchange, opCodeToSession:
		if e.Code == codeInvalidToken {
			return ClassConfiguration
		}
		return ClassUnknown
	default:
		return ClassCredentialInvalid
	}
}

// SecretRefused: the AppSecret that was sent is not the account's, or not any more. WeChat's pages
// name two codes for it.
func (e *Error) SecretRefused() bool {
	return e.Code == CodeInvalidSecret || e.Code == codeInvalidToken && e.Class() == ClassConfiguration
}

// Pause is how long to wait at least, whatever else the caller's backoff says; 0 when WeChat
// names no time, or more than one: 45009 is documented for the day's quota and for the minute's.
func (e *Error) Pause() time.Duration {
	switch e.Code {
	case CodeMinuteQuota:
		return time.Minute
	case codeRefusedForAnHour:
		return time.Hour
	case codeRefusedForADay:
		return 24 * time.Hour
	default:
		return 0
	}
}

// IP is the caller's address that has to be added to the account's whitelist, taken from the
// message of a 40164 or 61004; "" when there is none.
func (e *Error) IP() string {
	if e.Code != CodeNotInWhitelist && e.Code != CodeClientIPRefused {
		return ""
	}
	words := strings.FieldsFunc(e.Message, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF.:", c) })
	for _, w := range words {
		a, err := netip.ParseAddr(w)
		if err != nil {
			a, err = netip.ParseAddr(strings.Trim(w, ":."))
		}
		if err == nil && !a.IsUnspecified() {
			return a.Unmap().String()
		}
	}
	return ""
}

package wechat

// CodeUsed: the code of a login, or of PhoneNumber, is no longer valid, or never was one of this
// account. It must not be sent again. After CodeUsedCode the first exchange's result, if this service
// made it, still holds; else the user has to log in, or press the button, again.
func (e *Error) CodeUsed() bool {
	switch e.Code {
	case CodeBadCode, CodeUsedCode, CodeExpiredCode:
		return true
	case CodeInvalidAppID: // PhoneNumber sends none: it is the code that is of another mini-program
		return e.Op == opPhoneNumber
	default:
		return false
	}
}

// UserTokenInvalid: UserInfo or CheckUserToken was given an access token that is invalid. Try
// RefreshUserToken once; where that fails too, the user has to log in again.
func (e *Error) UserTokenInvalid() bool {
	if e.Op != opUserInfo && e.Op != opCheckUser {
		return false
	}
	return e.invalidToken()
}

// SessionKeyInvalid: the mini-program's session key is not the user's current one, as another wx.login
// replaced it or its time is over. What was encrypted or signed with it is lost: the mini-program
// calls wx.login, and then asks the user's data of WeChat again.
func (e *Error) SessionKeyInvalid() bool { return e.Code == CodeBadSessionKey }

// NoPermission: the user's token does not reach this far: UserInfo with a token of a silent login
// (snsapi_base), or of a snapshot user. Do without, or ask for snsapi_userinfo; repeating is no use.
func (e *Error) NoPermission() bool {
	return e.Code == codeNotGranted || e.Code == CodeNoPermission && e.Op == opUserInfo
}

// LoginAgain: only a new login helps this user: send the browser to AuthorizeURL, or let the
// mini-program call wx.login. It is true of a login code that is used or missing, of a refresh
// token or a session key that is invalid, of a changed password, and of a token that belongs to
// another openid. The code of PhoneNumber comes from a button, not from a login.
func (e *Error) LoginAgain() bool {
	switch e.Code {
	case CodeMissingCode, CodeBadRefreshToken, CodeExpiredRefreshToken, CodePasswordChanged, CodeBadOpenID, CodeBadSessionKey:
		return true
	default:
		return e.CodeUsed() && e.Op != opPhoneNumber || e.Op == opRefreshUser && e.invalidToken()
	}
}

func (e *Error) invalidToken() bool {
	return e.Code == codeInvalidToken || e.Code == CodeBadToken || e.Code == CodeExpiredToken
}

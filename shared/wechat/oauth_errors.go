package wechat

// CodeSpent: the login code is no good any more, or never was one of this account. It must not be
// sent again. After CodeUsedCode the first exchange's result, if this service made it, still holds;
// else the user has to log in again.
func (e *Error) CodeSpent() bool {
	switch e.Code {
	case CodeBadCode, CodeUsedCode, CodeExpiredCode:
		return true
	default:
		return false
	}
}

// UserTokenDead: UserInfo or CheckUserToken was given an access token that is dead. Try
// RefreshUserToken once; where that fails too, the user has to log in again.
func (e *Error) UserTokenDead() bool {
	if e.Op != opUserInfo && e.Op != opCheckUser {
		return false
	}
	return e.deadToken()
}

// NoPermission: the user's token does not reach this far: UserInfo with a token of a silent login
// (snsapi_base), or of a snapshot user. Do without, or ask for snsapi_userinfo; repeating is no use.
func (e *Error) NoPermission() bool {
	return e.Code == codeNotGranted || e.Code == CodeNoPermission && e.Op == opUserInfo
}

// LoginAgain: only a new login helps this user: send the browser to AuthorizeURL. It is true of a
// code that is spent or missing, of a refresh token that is dead, of a changed password, and of a
// token that belongs to another openid.
func (e *Error) LoginAgain() bool {
	switch e.Code {
	case CodeMissingCode, CodeBadRefreshToken, CodeExpiredRefreshToken, CodePasswordChanged, CodeBadOpenID:
		return true
	default:
		return e.CodeSpent() || e.Op == opRefreshUser && e.deadToken()
	}
}

func (e *Error) deadToken() bool {
	return e.Code == codeInvalidToken || e.Code == CodeBadToken || e.Code == CodeExpiredToken
}

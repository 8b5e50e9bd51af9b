package wechat

import (
	"fmt"
	"strings"
	"testing"
)

// TestErrcodeSaysWhatToDo has a row for each errcode of docs/protocol.md#web-login, and for the codes
// that mean something else elsewhere. Each letter is a predicate that is true.
func TestErrcodeSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		op   string
		code int
		want string // c: CodeUsed, t: UserTokenInvalid, n: NoPermission, l: LoginAgain, k: SessionKeyInvalid
	}{
		{opExchange, 40029, "cl"},
		{opExchange, 40163, "cl"},
		{opExchange, 42003, "cl"},
		{opExchange, 41008, "l"},
		{opExchange, 40001, ""}, // the secret
		{opExchange, 40125, ""},
		{opExchange, 40013, ""},
		{opExchange, 48001, ""},
		{opExchange, 0, ""},
		{opExchange, -1, ""},
		{opRefreshUser, 40030, "l"},
		{opRefreshUser, 42002, "l"},
		{opRefreshUser, 42007, "l"},
		{opRefreshUser, 40014, "l"},
		{opRefreshUser, 42001, "l"},
		{opRefreshUser, 40013, ""},
		{opUserInfo, 40001, "t"},
		{opUserInfo, 40014, "t"},
		{opUserInfo, 42001, "t"},
		{opUserInfo, 42007, "l"},
		{opUserInfo, 40003, "l"},
		{opUserInfo, 48001, "n"},
		{opUserInfo, 50001, "n"},
		{opUserInfo, 45009, ""},
		{opCheckUser, 40003, "l"},
		{opCheckUser, 40014, "t"},
		{opCheckUser, 42001, "t"},
		{opCheckUser, 48001, ""},
		{opTicket, 40014, ""}, // the account's own token
		{opTicket, 42001, ""},
		{opTicket, 48001, ""},
		{opStableToken, 40001, ""},
		{opCodeToSession, 40029, "cl"},
		{opCodeToSession, 40163, "cl"},
		{opCodeToSession, 41008, "l"},
		{opCodeToSession, 40001, ""}, // the secret
		{opCodeToSession, 40164, ""},
		{opCodeToSession, 45011, ""},
		{opPhoneNumber, 40029, "c"}, // a button's code, not a login's
		{opPhoneNumber, 40163, "c"},
		{opPhoneNumber, 40013, "c"}, // another mini-program's
		{opPhoneNumber, 40001, ""},  // the account's own token
		{opPhoneNumber, 40003, "l"},
		{opCheckSession, 87009, "lk"},
		{opCheckSession, 87008, ""},
		{opCheckSession, 42001, ""},
		{opResetSession, 87009, "lk"},
		{opResetSession, 40003, "l"},
	} {
		t.Run(fmt.Sprintf("%s %d", c.op, c.code), func(t *testing.T) {
			e := &Error{Op: c.op, Code: c.code}
			var got strings.Builder
			for _, p := range []struct {
				letter string
				is     bool
			}{{"c", e.CodeUsed()}, {"t", e.UserTokenInvalid()}, {"n", e.NoPermission()}, {"l", e.LoginAgain()}, {"k", e.SessionKeyInvalid()}} {
				if p.is {
					got.WriteString(p.letter)
				}
			}
			if got.String() != c.want {
				t.Errorf("%s %d: %q, want %q", c.op, c.code, got.String(), c.want)
			}
			if (c.want != "") != (e.Class() == ClassUser) {
				t.Errorf("%s %d is %v, yet what to do is %q", c.op, c.code, e.Class(), c.want)
			}
		})
	}
}

package wechat

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestErrcodeHasOneClass has a row for each errcode of docs/protocol.md#errcodes.
func TestErrcodeHasOneClass(t *testing.T) {
	for _, c := range []struct {
		op    string
		code  int
		class Class
		pause time.Duration
	}{
		{opTicket, 0, ClassBusy, 0},
		{opStableToken, -1, ClassBusy, 0},
		{opTicket, 40001, ClassCredentialInvalid, 0},
		{opCallbackIPs, 40001, ClassCredentialInvalid, 0},
		{opStableToken, 40001, ClassConfiguration, 0},
		{opToken, 40001, ClassConfiguration, 0},
		{opClearQuota, 40001, ClassConfiguration, 0},
		{opTicket, 40014, ClassCredentialInvalid, 0},
		{opDomainIPs, 42001, ClassCredentialInvalid, 0},
		{opToken, 40014, ClassUnknown, 0},
		{opStableToken, 42001, ClassUnknown, 0},
		{opTicket, 41001, ClassBug, 0},
		{opToken, 40002, ClassConfiguration, 0},
		{opToken, 40013, ClassConfiguration, 0},
		{opToken, 41002, ClassConfiguration, 0},
		{opToken, 41004, ClassConfiguration, 0},
		{opStableToken, 43002, ClassConfiguration, 0},
		{opStableToken, 40125, ClassConfiguration, 0},
		{opStableToken, 40164, ClassConfiguration, 0},
		{opTicket, 61004, ClassConfiguration, 0},
		{opStableToken, 40243, ClassConfiguration, 0},
		{opToken, 45009, ClassQuota, 0},
		{opTicket, 45011, ClassQuota, time.Minute},
		{opClearQuota, 48006, ClassQuota, 0},
		{opStableToken, 89503, ClassConfiguration, 0},
		{opStableToken, 89501, ClassConfiguration, 0},
		{opStableToken, 89507, ClassConfiguration, time.Hour},
		{opStableToken, 89506, ClassConfiguration, 24 * time.Hour},
		{opTicket, 48001, ClassConfiguration, 0},
		{opTicket, 48004, ClassConfiguration, 0},
		{opToken, 50002, ClassConfiguration, 0},
		{opTicket, 50004, ClassConfiguration, 0},
		{opTicket, 99999, ClassUnknown, 0},
		{opExchange, -1, ClassBusy, 0},
		{opExchange, 40001, ClassConfiguration, 0},
		{opExchange, 40013, ClassConfiguration, 0},
		{opExchange, 40125, ClassConfiguration, 0},
		{opExchange, 40164, ClassConfiguration, 0},
		{opExchange, 48001, ClassConfiguration, 0},
		{opExchange, 40014, ClassUnknown, 0},
		{opExchange, 45011, ClassQuota, time.Minute},
		{opExchange, 40029, ClassUser, 0},
		{opExchange, 40163, ClassUser, 0},
		{opExchange, 42003, ClassUser, 0},
		{opExchange, 41008, ClassUser, 0},
		{opRefreshUser, 40013, ClassConfiguration, 0},
		{opRefreshUser, 40030, ClassUser, 0},
		{opRefreshUser, 42002, ClassUser, 0},
		{opRefreshUser, 42007, ClassUser, 0},
		{opRefreshUser, 42001, ClassUser, 0},
		{opRefreshUser, 48001, ClassConfiguration, 0},
		{opUserInfo, 40001, ClassUser, 0},
		{opUserInfo, 40014, ClassUser, 0},
		{opUserInfo, 42001, ClassUser, 0},
		{opUserInfo, 42007, ClassUser, 0},
		{opUserInfo, 40003, ClassUser, 0},
		{opUserInfo, 48001, ClassUser, 0},
		{opUserInfo, 50001, ClassUser, 0},
		{opUserInfo, 48004, ClassConfiguration, 0},
		{opUserInfo, 41001, ClassBug, 0},
		{opCheckUser, 40003, ClassUser, 0},
		{opCheckUser, 40014, ClassUser, 0},
		{opCheckUser, 48001, ClassConfiguration, 0},
		{opCodeToSession, -1, ClassBusy, 0},
		{opCodeToSession, 40001, ClassConfiguration, 0},
		{opCodeToSession, 40013, ClassConfiguration, 0},
		{opCodeToSession, 40125, ClassConfiguration, 0},
		{opCodeToSession, 40164, ClassConfiguration, 0},
		{opCodeToSession, 40029, ClassUser, 0},
		{opCodeToSession, 40163, ClassUser, 0},
		{opCodeToSession, 40226, ClassUser, 0},
		{opCodeToSession, 45011, ClassQuota, time.Minute},
		{opPhoneNumber, -1, ClassBusy, 0},
		{opPhoneNumber, 40001, ClassCredentialInvalid, 0},
		{opPhoneNumber, 40013, ClassUser, 0},
		{opPhoneNumber, 40029, ClassUser, 0},
		{opPhoneNumber, 45011, ClassQuota, time.Minute},
		{opCheckSession, 40001, ClassCredentialInvalid, 0},
		{opCheckSession, 42001, ClassCredentialInvalid, 0},
		{opCheckSession, 87009, ClassUser, 0},
		{opCheckSession, 87008, ClassBug, 0},
		{opResetSession, 87009, ClassUser, 0},
		{opResetSession, 45011, ClassQuota, time.Minute},
	} {
		t.Run(fmt.Sprintf("%s %d", c.op, c.code), func(t *testing.T) {
			e := &Error{Op: c.op, Code: c.code}
			if e.Class() != c.class || e.Pause() != c.pause {
				t.Errorf("%s %d: %v, pause %v; want %v, pause %v", c.op, c.code, e.Class(), e.Pause(), c.class, c.pause)
			}
		})
	}
}

func TestSecretRefused(t *testing.T) {
	for _, c := range []struct {
		op   string
		code int
		want bool
	}{
		{opToken, 40125, true},
		{opToken, 40001, true},
		{opStableToken, 40001, true},
		{opExchange, 40001, true},
		{opCodeToSession, 40001, true},
		{opTicket, 40001, false}, // of the token
		{opUserInfo, 40001, false},
		{opStableToken, 40013, false},
		{opExchange, 40014, false},
	} {
		t.Run(fmt.Sprintf("%s %d", c.op, c.code), func(t *testing.T) {
			if e := (&Error{Op: c.op, Code: c.code}); e.SecretRefused() != c.want {
				t.Errorf("%s %d: %v", c.op, c.code, !c.want)
			}
		})
	}
}

func TestClassNames(t *testing.T) {
	names := map[string]bool{}
	for c := ClassUnknown; c <= ClassUser; c++ {
		names[c.String()] = true
	}
	if len(names) != 7 || !names["credential invalid"] || !names["user"] {
		t.Errorf("names: %v", names)
	}
}

func TestIPIsReadFromTheMessage(t *testing.T) {
	for _, c := range []struct {
		name          string
		code          int
		message, want string
	}{
		{"IPv4 and mapped IPv6", 40164, "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist", "1.2.3.4"},
		{"with a request ID", 40164, "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 606eca32-0a5d1790-31fc3ba4", "1.2.3.4"},
		{"mapped IPv6 alone", 61004, "client ip ::ffff:203.0.113.9 is not registered", "203.0.113.9"},
		{"IPv4 before a full stop", 61004, "requestIP:203.0.113.9.", "203.0.113.9"},
		{"IPv6", 40164, "invalid ip 2001:db8::1, not in whitelist", "2001:db8::1"},
		{"a time and no address", 40164, "not in whitelist [20220110 14:01:40] rid: 606eca32-0a5d1790", ""},
		{"no address after the word ip", 40164, "ip :: bad", ""},
		{"no message", 40164, "", ""},
		{"another errcode", 40125, "invalid ip 1.2.3.4", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (&Error{Code: c.code, Message: c.message}).IP(); got != c.want {
				t.Errorf("%d %q: %q, want %q", c.code, c.message, got, c.want)
			}
		})
	}
}

func TestErrorNamesCallAndCause(t *testing.T) {
	for _, c := range []struct {
		err  Error
		want string
	}{
		{Error{Op: opTicket, Code: 40001, Status: 200, Message: "invalid"}, "wechat: getticket: errcode 40001: invalid"},
		{Error{Op: opToken, Status: 502, Message: "HTTP Bad Gateway"}, "wechat: token: HTTP status 502: HTTP Bad Gateway"},
		{Error{Op: opToken, Err: context.DeadlineExceeded}, "wechat: token: context deadline exceeded"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if got := c.err.Error(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if !errors.Is(&Error{Err: context.Canceled}, context.Canceled) {
		t.Error("a cancelled context must stay recognisable")
	}
}

package wechatsim

import (
	"fmt"
	"slices"
	"time"
)

// Content types of WeChat's JSON, as reported.
const (
	ContentTypeJSON      = "application/json; encoding=utf-8"
	ContentTypeText      = "text/plain"
	ContentTypeNoCharset = "application/json"
)

// RIDStyle is how an errmsg ends, as reported between 2017 and 2025; %s is the id.
type RIDStyle string

// The styles there are.
const (
	RIDNone  RIDStyle = ""
	RIDSpace RIDStyle = " rid: %s"
	RIDComma RIDStyle = ", rid: %s"
	RIDHints RIDStyle = ", hints: [ req_id: %s ]"
	RIDHint  RIDStyle = " hint: [%s]"
)

// Switches choose WeChat's behaviour where its pages say nothing or disagree. The zero value is what
// wechatfn assumes (docs/protocol.md#unknown-behaviour).
type Switches struct {
	ContentType   string // of every answer; default ContentTypeJSON
	StringErrcode bool   // "errcode":"40029" instead of 40029
	RID           RIDStyle

	WhitelistCode    int // caller not listed: 40164 (default) or 61004
	WrongSecretCode  int // 40125 (default), or 40001 as the page on classic tokens says
	ExpiredTokenCode int // 42001 (default) or 40001; a replaced token is always 40001
	UnknownTokenCode int // 40001 (default) or 40014, for a value that was never issued
	MinuteQuotaCode  int // 45011 (default), or 45009 as callers of classic tokens reported

	// ForceOverlap is how long a token stays valid after its forced replacement: 0 (default) as the
	// page says, or 300 s, as its advice of two forced calls after a leak suggests.
	ForceOverlap time.Duration
	// EarlyForceCode is the errcode of a forced call within 30 s of the last. 0 (default) answers
	// the current token.
	EarlyForceCode int
	// TokenLength is the length of access tokens, default 157. WeChat's page says to reserve 512.
	TokenLength int

	// TicketLead is how long before a ticket's end getticket answers the next one; default 0.
	TicketLead time.Duration
	// TicketOverlap is how long a ticket is still accepted after its end; default 0.
	TicketOverlap time.Duration
	// TicketEndsEarly ends a ticket TicketOverlap after the next one was answered, even before its
	// own end. It matters with TicketLead.
	TicketEndsEarly bool
	// TicketGrid puts ends on multiples of 7200 s of Unix time, so that a first fetch may be late in
	// a ticket's lifetime. By default the lifetime starts with the first fetch.
	TicketGrid bool
	// TicketRemaining answers the remaining seconds as expires_in. The default is always 7200, as
	// reported.
	TicketRemaining bool

	CodeLifetime         time.Duration // of a login code: 300 s (default), or up to 600 s as the website FAQ says
	ExpiredCodeCode      int           // 42003 (default) or 40029
	UsedCodeCode         int           // 40163 (default) or 40029
	UnknownUserTokenCode int           // 40014 (default) or 40001; expired ones follow ExpiredTokenCode
	// Refusal is what happens when a user refuses; default RefusalState.
	Refusal RefusalStyle
	// StateOptional accepts an authorize URL without state, as its page says. By default that is
	// error 10013, which the same page lists.
	StateOptional bool
	// RefreshRestarts makes a refresh restart the refresh token's 30 days; by default it does not.
	RefreshRestarts bool
	// UnionID decides which answers have a unionid; default UnionIDLinked.
	UnionID UnionIDStyle
	// SnapshotProfile answers a made-up profile for a snapshot user; the default is 48001.
	SnapshotProfile bool
	// JSCurrentOnIOS makes WeChat on iOS compare the signed address with the current one. By default
	// it compares with the address at which the page was opened.
	JSCurrentOnIOS bool
	// JSUnlistedOffline refuses a call that is not in jsApiList with "the permission value is offline
	// verifying"; by default it is "permission denied". WeChat's page gives both reasons for both.
	JSUnlistedOffline bool
	// JSReadyWaits makes wx.ready wait for the verdict of each wx.config. By default, and in the
	// known copies of WeChat's script, it waits for the first only.
	JSReadyWaits bool
	// NicknameControlByte puts a raw byte 0x14 into nicknames, so that the answer is not valid JSON.
	NicknameControlByte bool

	// SessionKey is when a mini-program's user gets a new session key; default SessionKeyAtLogin.
	SessionKey SessionKeyStyle
	// SessionKeyLifetime makes session keys expire; the default 0 is never. WeChat names no value.
	SessionKeyLifetime time.Duration
	// SessionProofInBody reads openid, signature and sig_method of checksession and
	// resetusersessionkey from a JSON body, as the page's table says. The default is the query, as
	// its example shows.
	SessionProofInBody bool
	// MiniErrcodeZero puts an errcode of 0 into the answer of jscode2session, as its example shows.
	MiniErrcodeZero bool
	// NumericCountryCode answers "countryCode":86, as the example does; the default is "86".
	NumericCountryCode bool
	UsedPhoneCodeCode  int // 40029 (default), the only one its page lists, or 40163
	// ForeignPhoneCodeCode is the errcode for a code of another mini-program: 40013 (default) as the
	// page of getuserphonenumber says, or 40029.
	ForeignPhoneCodeCode int
}

// RefusalStyle is what happens when a user refuses a login.
type RefusalStyle string

// The styles there are.
const (
	RefusalState RefusalStyle = ""      // redirect with state and without code, as older pages say
	RefusalBare  RefusalStyle = "bare"  // redirect to redirect_uri unchanged
	RefusalStays RefusalStyle = "stays" // no redirect, as the website page says
)

// UnionIDStyle is when WeChat's answers have a user's unionid.
type UnionIDStyle string

// The styles there are.
const (
	UnionIDLinked  UnionIDStyle = ""        // to apps with OpenPlatform, whatever the scope
	UnionIDProfile UnionIDStyle = "profile" // to any app, when the scope includes the profile
)

// complete fills in defaults. It refuses values that WeChat never uses.
func (w Switches) complete() (Switches, error) {
	if w.ContentType == "" {
		w.ContentType = ContentTypeJSON
	}
	if w.TokenLength == 0 {
		w.TokenLength = 157
	}
	if w.TokenLength < 32 || w.TokenLength > 2048 {
		return w, fmt.Errorf("wechatsim: TokenLength %d is not within 32 to 2048", w.TokenLength)
	}
	if !slices.Contains([]RIDStyle{RIDNone, RIDSpace, RIDComma, RIDHints, RIDHint}, w.RID) {
		return w, fmt.Errorf("wechatsim: unknown RID style %q", w.RID)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"ForceOverlap", w.ForceOverlap}, {"TicketOverlap", w.TicketOverlap}, {"TicketLead", w.TicketLead}} {
		if d.value < 0 || d.value >= lifetime {
			return w, fmt.Errorf("wechatsim: %s %v is not within 0 to %v", d.name, d.value, lifetime)
		}
	}
	if err := w.completeLogin(); err != nil {
		return w, err
	}
	return w, w.completeCodes()
}

func (w *Switches) completeLogin() error {
	if w.CodeLifetime == 0 {
		w.CodeLifetime = 300 * time.Second
	}
	if w.CodeLifetime < 0 || w.CodeLifetime > 600*time.Second {
		return fmt.Errorf("wechatsim: CodeLifetime %v is not within 0 to 600 s", w.CodeLifetime)
	}
	if !slices.Contains([]RefusalStyle{RefusalState, RefusalBare, RefusalStays}, w.Refusal) {
		return fmt.Errorf("wechatsim: unknown Refusal style %q", w.Refusal)
	}
	if !slices.Contains([]UnionIDStyle{UnionIDLinked, UnionIDProfile}, w.UnionID) {
		return fmt.Errorf("wechatsim: unknown UnionID style %q", w.UnionID)
	}
	if !slices.Contains([]SessionKeyStyle{SessionKeyAtLogin, SessionKeyAtExchange, SessionKeyReused}, w.SessionKey) {
		return fmt.Errorf("wechatsim: unknown SessionKey style %q", w.SessionKey)
	}
	if w.SessionKeyLifetime < 0 {
		return fmt.Errorf("wechatsim: SessionKeyLifetime %v is negative", w.SessionKeyLifetime)
	}
	return nil
}

func (w *Switches) completeCodes() error {
	for _, c := range []struct {
		name    string
		code    *int
		allowed []int
	}{
		{"WhitelistCode", &w.WhitelistCode, []int{40164, 61004}},
		{"WrongSecretCode", &w.WrongSecretCode, []int{40125, 40001}},
		{"ExpiredTokenCode", &w.ExpiredTokenCode, []int{42001, 40001}},
		{"UnknownTokenCode", &w.UnknownTokenCode, []int{40001, 40014}},
		{"MinuteQuotaCode", &w.MinuteQuotaCode, []int{45011, 45009}},
		{"ExpiredCodeCode", &w.ExpiredCodeCode, []int{42003, 40029}},
		{"UsedCodeCode", &w.UsedCodeCode, []int{40163, 40029}},
		{"UsedPhoneCodeCode", &w.UsedPhoneCodeCode, []int{40029, 40163}},
		{"ForeignPhoneCodeCode", &w.ForeignPhoneCodeCode, []int{40013, 40029}},
		{"UnknownUserTokenCode", &w.UnknownUserTokenCode, []int{40014, 40001}},
	} {
		if *c.code == 0 {
			*c.code = c.allowed[0]
		}
		if !slices.Contains(c.allowed, *c.code) {
			return fmt.Errorf("wechatsim: %s is one of %v", c.name, c.allowed)
		}
	}
	return nil
}

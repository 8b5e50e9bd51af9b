package wechatsim

import (
	"fmt"
	"slices"
	"time"
)

// Content types that WeChat has been seen to label its JSON with.
const (
	ContentTypeJSON      = "application/json; encoding=utf-8"
	ContentTypeText      = "text/plain"
	ContentTypeNoCharset = "application/json"
)

// RIDStyle is how an errmsg ends, as seen between 2017 and 2025; %s is the id.
type RIDStyle string

// The styles there are.
const (
	RIDNone  RIDStyle = ""
	RIDSpace RIDStyle = " rid: %s"
	RIDComma RIDStyle = ", rid: %s"
	RIDHints RIDStyle = ", hints: [ req_id: %s ]"
	RIDHint  RIDStyle = " hint: [%s]"
)

// Switches choose between the ways WeChat may behave where its pages are silent or at odds. The
// zero value is the world that section 8 of the protocol sheet assumes.
type Switches struct {
	ContentType   string // of every answer; default ContentTypeJSON
	StringErrcode bool   // "errcode":"40029" instead of 40029
	RID           RIDStyle

	WhitelistCode    int // caller not listed: 40164 (default) or 61004
	WrongSecretCode  int // 40125 (default), or 40001 as the page on classic tokens says
	ExpiredTokenCode int // 42001 (default) or 40001; a replaced token is always 40001
	UnknownTokenCode int // 40001 (default) or 40014, for a value that was never issued
	MinuteQuotaCode  int // 45011 (default), or 45009 as callers of classic tokens saw it

	// ForceOverlap is how long a token outlives its forced replacement: 0 (default) as the page
	// says, or 300 s, which its own recipe of two forced calls after a leak hints at.
	ForceOverlap time.Duration
	// EarlyForceCode answers a forced call within 30 s of the last: 0 (default) is the current
	// token, anything else that errcode.
	EarlyForceCode int
	// TokenLength is the length of access tokens: default 157; WeChat asks for room for 512.
	TokenLength int

	// TicketLead is how long before a ticket's end getticket hands out the next one; default 0.
	TicketLead time.Duration
	// TicketOverlap is how long a ticket is still accepted after its end; default 0.
	TicketOverlap time.Duration
	// TicketEndsEarly lets a ticket end TicketOverlap after the next one was handed out, even
	// when its own end is yet to come. It matters with TicketLead.
	TicketEndsEarly bool
	// TicketGrid puts ends on multiples of 7200 s of Unix time, so that a first fetch may come
	// late in a ticket's life. By default a ticket's life starts with the first fetch.
	TicketGrid bool
	// TicketRemaining answers expires_in with what is left, as one might expect, instead of the
	// constant 7200 that everybody saw.
	TicketRemaining bool

	CodeLifetime             time.Duration // of a login code: 300 s (default), or up to the 600 s that the website FAQ names
	ExpiredCodeCode      int           // 42003 (default) or 40029
	UsedCodeCode         int           // 40163 (default) or 40029
	UnknownUserTokenCode int           // 40014 (default) or 40001; expired ones follow ExpiredTokenCode
	// Refusal is what a user's no does; default RefusalState.
	Refusal RefusalStyle
	// StateOptional takes an authorize URL without state, as its page says; by default that is
	// error 10013, which the same page lists.
	StateOptional bool
	// RefreshRestarts lets a refresh restart the refresh token's 30 days; by default they run on.
	RefreshRestarts bool
	// UnionID is who gets one; default UnionIDLinked.
	UnionID UnionIDStyle
	// SnapshotProfile answers a snapshot user's profile, made up like its openid, where the default
	// is 48001.
	SnapshotProfile bool
	// JSCurrentOnIOS has WeChat on iOS compare the signed address with the current one; by default
	// it goes on to see the one at which the page was opened.
	JSCurrentOnIOS bool
	// JSUnlistedOffline refuses a call that is not in jsApiList with "the permission value is offline
	// verifying"; by default it is "permission denied". WeChat's page gives both reasons for both.
	JSUnlistedOffline bool
	// JSReadyWaits lets wx.ready wait for the verdict of each wx.config; by default, and in the
	// copies of WeChat's script that are known, only for that of the first.
	JSReadyWaits bool
	// NicknameControlByte puts a raw byte 0x14 into nicknames, which makes the answer no JSON.
	NicknameControlByte bool

	// SessionKey is when a mini-program's user gets a new session key; default SessionKeyAtLogin.
	SessionKey SessionKeyStyle
	// SessionKeyLife ends session keys by time alone; default 0 is never. WeChat names no figure.
	SessionKeyLifetime time.Duration
	// SessionProofInBody takes openid, signature and sig_method of checksession and
	// resetusersessionkey out of a JSON body, as the page's table has it; the default is the query,
	// as its example has it.
	SessionProofInBody bool
	// MiniErrcodeZero puts an errcode of 0 into the answer of jscode2session, as its example does.
	MiniErrcodeZero bool
	// NumericCountryCode answers "countryCode":86, as the example does; the default is "86".
	NumericCountryCode bool
	UsedPhoneCodeCode  int // 40029 (default), the only one its page lists, or 40163
	// ForeignPhoneCodeCode refuses another mini-program's code: 40013 (default), as the page of
	// getuserphonenumber has it, or 40029.
	ForeignPhoneCodeCode int
}

// RefusalStyle is what happens when a user refuses a login.
type RefusalStyle string

// The styles there are.
const (
	RefusalState RefusalStyle = ""      // back to redirect_uri with state and no code, as older pages say
	RefusalBare  RefusalStyle = "bare"  // back to redirect_uri as it is
	RefusalStays RefusalStyle = "stays" // not back at all, as the website page says
)

// UnionIDStyle is when WeChat tells a user's unionid.
type UnionIDStyle string

// The styles there are.
const (
	UnionIDLinked  UnionIDStyle = ""        // to apps with OpenPlatform, whatever the scope
	UnionIDProfile UnionIDStyle = "profile" // to any app, when the scope includes the profile
)

// complete fills in defaults and refuses what WeChat never does.
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
	for _, d := range []time.Duration{w.ForceOverlap, w.TicketOverlap, w.TicketLead} {
		if d < 0 || d >= lifetime {
			return w, fmt.Errorf("wechatsim: %v is not within 0 to %v", d, lifetime)
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
		return fmt.Errorf("wechatsim: CodeLife %v is not within 0 to 600 s", w.CodeLifetime)
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
		return fmt.Errorf("wechatsim: SessionKeyLife %v is negative", w.SessionKeyLifetime)
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

package wechat

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// UserInfo is a user's profile. Only OpenID is certain; since 2021-10-20 sex and region are as a
// rule 0 and empty. Texts are the user's own words: escape them wherever they are shown.
type UserInfo struct {
	OpenID     string
	UnionID    string // "" unless the account belongs to an Open Platform account
	Nickname   string
	HeadImgURL string // ends in the size: 0 (640), 46, 64, 96 or 132; "" when the user has no picture
	Sex        int    // 0 unknown, 1 male, 2 female
	Province   string
	City       string
	Country    string
	Privilege  []string
}

// UserInfo asks for the profile of the user whose access token it is (/sns/userinfo), which takes a
// token with ScopeUserInfo or ScopeLogin; see Error.NoPermission. lang is zh_CN (also for ""),
// zh_TW or en. A profile of another openid is refused. The call may be tried a second time.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
func (c *Client) UserInfo(ctx context.Context, accessToken, openid, lang string) (UserInfo, error) {
	r := call{
		op: opUserInfo, path: "/sns/userinfo", repeat: true, secrets: []string{accessToken, openid},
		query: url.Values{"access_token": {accessToken}, "openid": {openid}, "lang": {cmp.Or(lang, "zh_CN")}},
	}
	var a userInfoAnswer
	if err := c.do(ctx, r, &a); err != nil {
		return UserInfo{}, err
	}
	if string(a.OpenID) != openid || openid == "" {
		return UserInfo{}, &Error{Op: r.op, Status: 200, Message: "unexpected answer: not the profile of this openid"}
	}
	return a.info(), nil
}

type userInfoAnswer struct {
	OpenID    text   `json:"openid"`
	UnionID   text   `json:"unionid"`
	Nickname  text   `json:"nickname"`
	Picture   text   `json:"headimgurl"`
	Sex       loose  `json:"sex"`
	Province  text   `json:"province"`
	City      text   `json:"city"`
	Country   text   `json:"country"`
	Privilege labels `json:"privilege"`
}

func (a userInfoAnswer) info() UserInfo {
	return UserInfo{
		OpenID: string(a.OpenID), UnionID: string(a.UnionID), Nickname: string(a.Nickname), HeadImgURL: string(a.Picture),
		Sex: int(a.Sex), Province: string(a.Province), City: string(a.City), Country: string(a.Country), Privilege: a.Privilege,
	}
}

// What follows never fails: a code works once, so an odd field that is not needed must not cost the
// user the login.

// text is a string, or a number as it is written; anything else is "". Control characters become
// spaces, as raw ones do.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		var n json.Number
		_ = json.Unmarshal(b, &n) // what is no number either stays ""
		s = n.String()
	}
	*t = text(strings.Map(func(c rune) rune {
		if c < 0x20 || c == 0x7f {
			return ' '
		}
		return c
	}, s))
	return nil
}

// loose is a number, or 0 where none can be read.
type loose int

func (l *loose) UnmarshalJSON(b []byte) error {
	var n number
	*l = 0
	if n.UnmarshalJSON(b) == nil {
		*l = loose(n)
	}
	return nil
}

// flag is false for 0, "0", "", false and null. Anything else is true: to take a made-up user for
// a real one would be the worse mistake.
type flag bool

func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.ReplaceAll(string(b), `"`, "") {
	case "0", "", "false", "null":
		*f = false
	default:
		*f = true
	}
	return nil
}

// labels are the strings of a list; anything else in their place is none.
type labels []string

func (l *labels) UnmarshalJSON(b []byte) error {
	var list []text
	*l = nil
	if json.Unmarshal(b, &list) != nil {
		return nil
	}
	for _, s := range list {
		*l = append(*l, string(s))
	}
	return nil
}

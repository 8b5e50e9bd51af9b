package wechat_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/wechat"
)

const okUser = `{"access_token":"T","expires_in":7200,"refresh_token":"R","openid":"O","scope":"snsapi_base"}`

func TestUserTokenAnswers(t *testing.T) {
	base := wechat.UserToken{AccessToken: "T", RefreshToken: "R", OpenID: "O", Scope: "snsapi_base", ExpiresIn: 2 * time.Hour}
	snapshot, united := base, base
	snapshot.Snapshot, united.UnionID, united.Scope = true, "U", "snsapi_userinfo,snsapi_base"
	for _, c := range []struct {
		name string

		body string
		want wechat.UserToken
	}{
		{"plain", okUser, base},
		{"errcode zero", `{"errcode":"0",` + okUser[1:], base},
		{"lifetime as text", `{"access_token":"T","expires_in":"7200","refresh_token":"R","openid":"O","scope":"snsapi_base"}`, base},
		{"snapshot", `{"is_snapshotuser":1,` + okUser[1:], snapshot},
		{"snapshot as text", `{"is_snapshotuser":"1",` + okUser[1:], snapshot},
		{"snapshot as truth", `{"is_snapshotuser":true,` + okUser[1:], snapshot},
		{"snapshot is odd", `{"is_snapshotuser":{},` + okUser[1:], snapshot},
		{"no snapshot", `{"is_snapshotuser":0,` + okUser[1:], base},
		{"snapshot null", `{"is_snapshotuser":null,` + okUser[1:], base},
		{"snapshot false", `{"is_snapshotuser":false,` + okUser[1:], base},
		{"snapshot zero text", `{"is_snapshotuser":"0",` + okUser[1:], base},
		{"odd unionid", `{"unionid":["x"],` + okUser[1:], base},
		{"null unionid", `{"unionid":null,` + okUser[1:], base},
		{"unionid", `{"access_token":"T","expires_in":7200,"refresh_token":"R","openid":"O","scope":"snsapi_userinfo,snsapi_base","unionid":"U"}`, united},
		{"control bytes", "{\n\t" + okUser[1:] + "\x14", base},
	} {
		t.Run(c.name, func(t *testing.T) {
			c1, _ := clientOf(t, body(200, c.body))
			if got, err := c1.ExchangeCode(t.Context(), "wx1", "SECRET", "CODE"); err != nil || got != c.want {
				t.Errorf("%s: exchange differs: %v", c.name, err)
			}
			if got, err := c1.RefreshUserToken(t.Context(), "wx1", "R"); err != nil || got != c.want {
				t.Errorf("%s: refresh differs: %v", c.name, err)
			}
		})
	}
}

// TestRefreshKeepsItsToken: an answer without a refresh token must not lose the one there is.
func TestRefreshReturnsTheSameToken(t *testing.T) {
	for _, row := range []struct {
		answer string
		want   string
	}{
		{`{"access_token":"T","expires_in":7200,"openid":"O"}`, "OLD"},
		{`{"access_token":"T","expires_in":7200,"openid":"O","refresh_token":null}`, "OLD"},
		{`{"access_token":"T","expires_in":7200,"openid":"O","refresh_token":"N"}`, "N"},
	} {
		t.Run(row.answer, func(t *testing.T) {
			c, _ := clientOf(t, body(200, row.answer))
			if got, err := c.RefreshUserToken(t.Context(), "wx1", "OLD"); err != nil || got.RefreshToken != row.want {
				t.Errorf("%s: %v", row.answer, err)
			}
			if got, err := c.ExchangeCode(t.Context(), "wx1", "SECRET", "CODE"); err != nil || row.want == "OLD" && got.RefreshToken != "" {
				t.Errorf("%s: exchange: %v", row.answer, err)
			}
		})
	}
}

func TestUserTokenRefuses(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer string
	}{
		{"no openid", `{"access_token":"T","expires_in":7200,"refresh_token":"R"}`},
		{"odd openid", `{"access_token":"T","expires_in":7200,"openid":{}}`},
		{"no token", `{"openid":"O","expires_in":7200}`},
		{"odd token", `{"openid":"O","access_token":[],"expires_in":7200}`},
		{"no lifetime", `{"openid":"O","access_token":"T"}`},
		{"odd lifetime", `{"openid":"O","access_token":"T","expires_in":"soon"}`},
		{"endless lifetime", `{"openid":"O","access_token":"T","expires_in":86401}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, f := clientOf(t, body(200, row.answer))
			got, err := c.ExchangeCode(t.Context(), "wx1", "SECRET", "CODE")
			var e *wechat.Error
			if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || e.CodeUsed() || got != (wechat.UserToken{}) || len(f.seen) != 1 {
				t.Errorf("%s: %v", row.name, err)
			}
			if got, err := c.RefreshUserToken(t.Context(), "wx1", "R"); err == nil || got != (wechat.UserToken{}) {
				t.Errorf("%s: refreshed: %v", row.name, err)
			}
		})
	}
}

// TestExchangeEndsAfterFiveSeconds and is one attempt, however much time there is.
func TestExchangeEndsAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := clientOf(t, silent)
		start := time.Now()
		if _, err := c.ExchangeCode(t.Context(), "wx1", "SECRET", "CODE"); err == nil || len(f.seen) != 1 || time.Since(start) != 5*time.Second {
			t.Errorf("%d attempts in %v: %v", len(f.seen), time.Since(start), err)
		}
	})
}

func TestUserInfoAnswers(t *testing.T) {
	for _, c := range []struct {
		name string

		body string
		want wechat.UserInfo
	}{
		{"official sample", `{"openid":"O","nickname":"N","sex":1,"province":"P","city":"C","country":"CN",
			"headimgurl":"https://thirdwx.qlogo.cn/mmopen/g3/46","privilege":["PRIVILEGE1","PRIVILEGE2"],"unionid":"U"}`,
			wechat.UserInfo{OpenID: "O", UnionID: "U", Nickname: "N", HeadImgURL: "https://thirdwx.qlogo.cn/mmopen/g3/46", Sex: 1,
				Province: "P", City: "C", Country: "CN", Privilege: []string{"PRIVILEGE1", "PRIVILEGE2"}}},
		{"little", `{"openid":"O"}`, wechat.UserInfo{OpenID: "O"}},
		{"nothing set", `{"openid":"O","nickname":"","sex":0,"headimgurl":"","privilege":[]}`, wechat.UserInfo{OpenID: "O"}},
		{"all null", `{"openid":"O","nickname":null,"sex":null,"headimgurl":null,"privilege":null,"unionid":null}`, wechat.UserInfo{OpenID: "O"}},
		{"raw control byte", "{\"openid\":\"O\",\"nickname\":\"a\x14b\"}", wechat.UserInfo{OpenID: "O", Nickname: "a b"}},
		{"escaped control", `{"openid":"O","nickname":"a\u0014\nb\u007f"}`, wechat.UserInfo{OpenID: "O", Nickname: "a  b "}},
		{"emoji", `{"openid":"O","nickname":"小明😀 \ud83d\ude00"}`, wechat.UserInfo{OpenID: "O", Nickname: "小明😀 😀"}},
		{"half an emoji", `{"openid":"O","nickname":"\ud83d"}`, wechat.UserInfo{OpenID: "O", Nickname: "\uFFFD"}},
		{"invalid UTF-8", "{\"openid\":\"O\",\"nickname\":\"a\xff\"}", wechat.UserInfo{OpenID: "O", Nickname: "a\uFFFD"}},
		{"markup", `{"openid":"O","nickname":"<b>&amp;"}`, wechat.UserInfo{OpenID: "O", Nickname: "<b>&amp;"}},
		{"sex as text", `{"openid":"O","sex":"2"}`, wechat.UserInfo{OpenID: "O", Sex: 2}},
		{"sex empty", `{"openid":"O","sex":""}`, wechat.UserInfo{OpenID: "O"}},
		{"sex odd", `{"openid":"O","sex":[1]}`, wechat.UserInfo{OpenID: "O"}},
		{"nickname a number", `{"openid":"O","nickname":10086}`, wechat.UserInfo{OpenID: "O", Nickname: "10086"}},
		{"privilege as text", `{"openid":"O","privilege":"x"}`, wechat.UserInfo{OpenID: "O"}},
		{"privilege mixed", `{"openid":"O","privilege":["x",7,{}]}`, wechat.UserInfo{OpenID: "O", Privilege: []string{"x", "7", ""}}},
		{"unknown fields", `{"openid":"O","language":"zh_CN","x":{"y":[]}}`, wechat.UserInfo{OpenID: "O"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := clientOf(t, body(200, c.body))
			if got, err := client.UserInfo(t.Context(), "TOKEN", "O", "zh_CN"); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %+v, %v", c.name, got, err)
			}
		})
	}
}

// TestUserInfoOfAnother: a profile that is not the one asked for is no profile.
func TestUserInfoOfAnother(t *testing.T) {
	for _, c := range []struct{ name, openid, answer string }{
		{"another openid", "O", `{"openid":"P","nickname":"N"}`},
		{"no openid", "O", `{"nickname":"N"}`},
		{"other capitals", "O", `{"openid":"o"}`},
		{"empty openid asked for and answered", "", `{"openid":""}`},
		{"empty openid asked for, none answered", "", `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := clientOf(t, body(200, c.answer))
			got, err := client.UserInfo(t.Context(), "TOKEN", c.openid, "")
			var e *wechat.Error
			if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || !reflect.DeepEqual(got, wechat.UserInfo{}) {
				t.Errorf("%q, %s: %+v, %v", c.openid, c.answer, got, err)
			}
		})
	}
}

// TestCheckUserToken takes an errcode of 0 and nothing else for a yes.
func TestCheckUserToken(t *testing.T) {
	for _, c := range []struct {
		answer string
		good   bool
	}{
		{`{"errcode":0,"errmsg":"ok"}`, true},
		{`{"errcode":"0","errmsg":"ok"}`, true},
		{`{}`, false},
		{`{"errcode":null}`, false},
		{`{"errmsg":"ok"}`, false},
		{`{"errcode":40003,"errmsg":"invalid openid"}`, false},
		{`{"errcode":"40014","errmsg":"x"}`, false},
		{`<html>`, false},
		{`{"errcode":0,"errmsg":"ok"}{"errcode":"40014"`, false},
	} {
		t.Run(c.answer, func(t *testing.T) {
			client, _ := clientOf(t, body(200, c.answer))
			if err := client.CheckUserToken(t.Context(), "TOKEN", "O"); (err == nil) != c.good {
				t.Errorf("%s: %v", c.answer, err)
			}
		})
	}
}

// FuzzUserInfo: whatever WeChat sends, there is an error or a profile of the openid asked for, fit
// to be stored as JSON.
func FuzzUserInfo(f *testing.F) {
	for _, s := range []string{
		`{"openid":"O","nickname":"N","sex":1,"privilege":["x"]}`, "{\"openid\":\"O\",\"nickname\":\"\x14\xff\"}", `{"openid":"O","sex":"2"}`,
		`{"errcode":"48001"}`, `{"openid":7}`, `{"openid":"O","privilege":{"a":1}}`, `{"openid":"O","nickname":"\ud83d\u0000"}`, `[]`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		client, _ := clientOf(t, body(200, answer))
		info, err := client.UserInfo(t.Context(), "TOKEN", "O", "")
		var e *wechat.Error
		switch {
		case err == nil && info.OpenID != "O":
			t.Errorf("a profile of %q", info.OpenID)
		case err != nil && (!errors.As(err, &e) || !reflect.DeepEqual(info, wechat.UserInfo{})):
			t.Errorf("%v with %+v", err, info)
		}
		for _, s := range append([]string{info.Nickname, info.HeadImgURL, info.City, info.UnionID}, info.Privilege...) {
			for _, c := range s {
				if c < 0x20 || c == 0x7f {
					t.Errorf("control character in %q", s)
				}
			}
		}
		if _, err := json.Marshal(info); err != nil {
			t.Error(err)
		}
	})
}

package wechatsim_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

// loginError is how the product's client classifies one of WeChat's refusals.
type loginError struct {
	code                                             int
	class                                            wechat.Class
	codeUsed, tokenInvalid, noPermission, loginAgain bool
}

func badCode(code int) loginError {
	return loginError{code: code, class: wechat.ClassUser, codeUsed: true, loginAgain: true}
}

func invalidToken(code int) loginError {
	return loginError{code: code, class: wechat.ClassUser, tokenInvalid: true}
}

func loginAgain(code int) loginError {
	return loginError{code: code, class: wechat.ClassUser, loginAgain: true}
}

func noPermission(code int) loginError {
	return loginError{code: code, class: wechat.ClassUser, noPermission: true}
}

func configurationError(code int) loginError {
	return loginError{code: code, class: wechat.ClassConfiguration}
}

type loginErrorCase struct {
	name     string
	switches wechatsim.Switches
	want     loginError
	do       func(*testing.T, *clientFixture) error
}

// codeErrors are the errors of an exchange.
var codeErrors = []loginErrorCase{
	{name: "unknown code", want: badCode(40029), do: exchangeOf(appID, secret, "x")},
	{name: "foreign code", want: badCode(40029), do: func(t *testing.T, f *clientFixture) error {
		return f.exchange(t, siteID, secret, f.code(t, wechat.ScopeBase, false))
	}},
	{name: "used code", want: badCode(40163), do: exchangeTwice},
	{name: "used code, the other way", switches: wechatsim.Switches{UsedCodeCode: 40029}, want: badCode(40029), do: exchangeTwice},
	{name: "expired code", want: badCode(42003), do: exchangeLate},
	{name: "expired code, the other way", switches: wechatsim.Switches{ExpiredCodeCode: 40029}, want: badCode(40029), do: exchangeLate},
	{name: "missing code", want: loginAgain(41008), do: exchangeOf(appID, secret, "")},
	{name: "wrong secret", want: configurationError(40125), do: exchangeOf(appID, "other", "x")},
	{name: "wrong secret, as the token page says", switches: wechatsim.Switches{WrongSecretCode: 40001}, want: configurationError(40001), do: exchangeOf(appID, "other", "x")},
	{name: "no secret", want: configurationError(41004), do: exchangeOf(appID, "", "x")},
	{name: "unknown appid", want: configurationError(40013), do: exchangeOf("wx9", secret, "x")},
}

// userTokenErrors are the errors of calls with a user's tokens.
var userTokenErrors = []loginErrorCase{
	{name: "unknown refresh token", want: loginAgain(40030), do: func(t *testing.T, f *clientFixture) error { return f.refresh(t, "x") }},
	{name: "expired refresh token", want: loginAgain(42002), do: func(t *testing.T, f *clientFixture) error {
		token := f.login(t, wechat.ScopeBase)
		f.at = f.at.Add(30 * 24 * time.Hour)
		return f.refresh(t, token.RefreshToken)
	}},
	{name: "refresh after a new password", want: loginAgain(42007), do: func(t *testing.T, f *clientFixture) error {
		token := f.login(t, wechat.ScopeBase)
		return errors.Join(f.sim.VoidUserTokens(appID, "ming"), f.refresh(t, token.RefreshToken))
	}},
	{name: "profile after a new password", want: loginAgain(42007), do: func(t *testing.T, f *clientFixture) error {
		token := f.login(t, wechat.ScopeUserInfo)
		return errors.Join(f.sim.VoidUserTokens(appID, "ming"), f.profile(t, token))
	}},
	{name: "ended token", want: invalidToken(40014), do: func(t *testing.T, f *clientFixture) error {
		token := f.login(t, wechat.ScopeUserInfo)
		return errors.Join(f.sim.EndUserTokens(appID, "ming", 40014), f.profile(t, token))
	}},
	{name: "expired token", want: invalidToken(42001), do: profileLate},
	{name: "expired token, the other way", switches: wechatsim.Switches{ExpiredTokenCode: 40001}, want: invalidToken(40001), do: profileLate},
	{name: "expired token, checked", want: invalidToken(42001), do: func(t *testing.T, f *clientFixture) error {
		token := f.login(t, wechat.ScopeBase)
		f.at = f.at.Add(2 * time.Hour)
		return f.CheckUserToken(t.Context(), token.AccessToken, token.OpenID)
	}},
	{name: "unknown token", want: invalidToken(40014), do: func(t *testing.T, f *clientFixture) error { return f.CheckUserToken(t.Context(), "x", "y") }},
	{name: "openid of another user", want: loginAgain(40003), do: func(t *testing.T, f *clientFixture) error {
		return f.CheckUserToken(t.Context(), f.login(t, wechat.ScopeBase).AccessToken, f.sim.OpenID(appID, "hua"))
	}},
	{name: "profile of a silent login", want: noPermission(48001), do: func(t *testing.T, f *clientFixture) error { return f.profile(t, f.login(t, wechat.ScopeBase)) }},
	{name: "profile of a snapshot user", want: noPermission(48001), do: func(t *testing.T, f *clientFixture) error {
		token, err := f.ExchangeCode(t.Context(), appID, secret, f.code(t, wechat.ScopeUserInfo, true))
		if err != nil || !token.Snapshot {
			t.Errorf("snapshot: %v", err)
		}
		return f.profile(t, token)
	}},
}

// The product's client classifies each of WeChat's refusals, in every form of its answers.
func TestLoginErrors(t *testing.T) {
	for _, c := range slices.Concat(codeErrors, userTokenErrors) {
		for _, style := range answerStyles {
			t.Run(c.name+", "+style.name, func(t *testing.T) {
				sw := c.switches
				sw.ContentType, sw.StringErrcode, sw.RID = style.switches.ContentType, style.switches.StringErrcode, style.switches.RID
				var e *wechat.Error
				if err := c.do(t, newClientFixture(t, sw)); !errors.As(err, &e) {
					t.Fatal(err)
				}
				if got := (loginError{e.Code, e.Class(), e.CodeUsed(), e.UserTokenInvalid(), e.NoPermission(), e.LoginAgain()}); got != c.want {
					t.Errorf("%+v, want %+v", got, c.want)
				}
			})
		}
	}
}

func exchangeOf(app, secret, code string) func(*testing.T, *clientFixture) error {
	return func(t *testing.T, f *clientFixture) error { return f.exchange(t, app, secret, code) }
}

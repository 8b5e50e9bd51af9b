package wechat_test

import (
	"context"
	"errors"
	"fmt"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

// simulated is a client of a simulator that knows the account wx1.
func simulated() (*wechat.Client, *wechatsim.Sim) {
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: "wx1", Secret: "secret"}}})
	if err != nil {
		panic(err)
	}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	if err != nil {
		panic(err)
	}
	return client, sim
}

func ExampleClient_StableToken() {
	client, _ := simulated()
	token, err := client.StableToken(context.Background(), "wx1", "secret", false)
	fmt.Println(token, err)
	// Output: {[redacted] 2h0m0s} <nil>
}

func ExampleClient_ClassicToken() {
	client, _ := simulated()
	token, err := client.ClassicToken(context.Background(), "wx1", "secret")
	fmt.Println(token.ExpiresIn, err)
	// Output: 2h0m0s <nil>
}

func ExampleClient_Ticket() {
	client, _ := simulated()
	ctx := context.Background()
	token, err := client.StableToken(ctx, "wx1", "secret", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	ticket, err := client.Ticket(ctx, token.Value, wechat.JSAPI)
	fmt.Println(len(ticket.Value), ticket.ExpiresIn, err)
	// Output: 86 2h0m0s <nil>
}

func ExampleClient_ClearQuota() {
	client, _ := simulated()
	fmt.Println(client.ClearQuota(context.Background(), "wx1", "secret"))
	// Output: <nil>
}

func ExampleClient_CallbackIPs() {
	client, _ := simulated()
	ctx := context.Background()
	token, err := client.StableToken(ctx, "wx1", "secret", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.CallbackIPs(ctx, token.Value))
	fmt.Println(client.APIDomainIPs(ctx, token.Value))
	// Output:
	// [203.0.113.7 198.51.100.0/24] <nil>
	// [203.0.113.80 203.0.113.81] <nil>
}

func ExampleError_IP() {
	client, sim := simulated()
	if err := sim.Whitelist("wx1", wechatsim.GroupToken, "203.0.113.5"); err != nil {
		fmt.Println(err)
	}
	_, err := client.StableToken(context.Background(), "wx1", "secret", false)
	var refused *wechat.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Class(), refused.Code, "add to the whitelist:", refused.IP())
	}
	// Output: configuration 40164 add to the whitelist: 192.0.2.1
}

func ExampleAuthorizeURL() {
	fmt.Println(wechat.AuthorizeURL(wechat.LoginPage{
		OpenURL: wechat.DefaultOpenURL,
		AppID:   "wx1", RedirectURI: "https://shop.example/oauth/callback",
		Scope: wechat.ScopeUserInfo, State: "0123456789abcdef0123456789abcdef",
	}, false))
	// Output: https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1&redirect_uri=https%3A%2F%2Fshop.example%2Foauth%2Fcallback&response_type=code&scope=snsapi_userinfo&state=0123456789abcdef0123456789abcdef#wechat_redirect
}

func ExampleClient_ExchangeCode() {
	client, sim := simulated()
	ctx := context.Background()
	code, err := sim.IssueCode("wx1", "ming", wechat.ScopeUserInfo, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := client.ExchangeCode(ctx, "wx1", "secret", code)
	fmt.Println(token, err)
	user, err := client.UserInfo(ctx, token.AccessToken, token.OpenID, "")
	fmt.Println(user.Nickname, err)

	_, err = client.ExchangeCode(ctx, "wx1", "secret", code)
	var refused *wechat.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Class(), refused.Code, refused.CodeUsed(), refused.LoginAgain())
	}
	// Output:
	// {[redacted] 2h0m0s} <nil>
	// 小明 🌿 <nil>
	// user 40163 true true
}

func ExampleClient_CodeToSession() {
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: "wx5", Secret: "secret", Kind: wechatsim.MiniProgram}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	code, err := sim.MiniLogin("wx5", "ming") // the mini-program's wx.login
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := client.CodeToSession(ctx, "wx5", "secret", code)
	fmt.Println(session, session.OpenID == sim.OpenID("wx5", "ming"), err)

	_, err = client.CodeToSession(ctx, "wx5", "secret", code)
	var refused *wechat.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Class(), refused.Code, refused.CodeUsed(), refused.LoginAgain())
	}
	// Output:
	// [redacted] true <nil>
	// user 40163 true true
}

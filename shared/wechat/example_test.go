package wechat_test

import (
	"context"
	"errors"
	"fmt"

	"wechatfn/shared/wechat"
	"wechatfn/shared/wechatsim"
)

// simulated is a client of a simulator that knows the account wx1.
func simulated() (*wechat.Client, *wechatsim.Sim) {
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: "wx1", Secret: "secret"}}})
	if err != nil {
		panic(err)
	}
	client, err := wechat.New(wechat.Config{HTTPClient: sim.Client()})
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

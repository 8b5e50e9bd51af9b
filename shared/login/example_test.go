package login_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/login"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/wechat"
)

// The login of a mini-program: a code for a user, and a session for the user.
func Example() {
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: miniID, Secret: testSecret, Kind: wechatsim.MiniProgram}}})
	if err != nil {
		log.Fatal(err)
	}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	sessions, err := session.New(session.Config{Store: db, TTL: 24 * time.Hour, IdleTimeout: 24 * time.Hour, MaxDevices: 10})
	if err != nil {
		log.Fatal(err)
	}

	codes := login.Exchanger[wechat.MiniSession]{
		Secrets: func(context.Context, account.Account, bool) (secret.Secret, error) {
			return secret.New(testSecret), nil
		},
		Call: client.CodeToSession,
		Now:  time.Now,
	}
	opener := login.Opener{Sessions: sessions}
	logIn := func(code, token string) (login.Opened, error) {
		user, askedAt, err := codes.Exchange(context.Background(), mini, code)
		if err != nil {
			return login.Opened{}, err
		}
		return opener.Open(context.Background(), session.Login{
			App: mini.Name, AppID: mini.AppID, OpenID: user.OpenID, Began: askedAt,
			Tokens: &session.Tokens{SessionKey: user.SessionKey, AskedAt: askedAt},
		}, token)
	}

	code, err := sim.MiniLogin(miniID, "hua")
	if err != nil {
		log.Fatal(err)
	}
	first, err := logIn(code, "")
	fmt.Println("new user:", first.NewUser, "reused:", first.Reused, err)
	_, err = logIn(code, "")
	fmt.Println("code used:", login.FailureOf(err) == login.CodeUsed)
	if code, err = sim.MiniLogin(miniID, "hua"); err != nil {
		log.Fatal(err)
	}
	second, err := logIn(code, first.Token)
	fmt.Println("new user:", second.NewUser, "reused:", second.Reused, err)
	// Output:
	// new user: true reused: false <nil>
	// code used: true
	// new user: false reused: true <nil>
}

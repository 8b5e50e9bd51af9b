package session_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wechatfn/shared/session"
	"wechatfn/shared/store/sqlite"
)

func Example() {
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	sessions, err := session.New(session.Config{Store: db, TTL: 720 * time.Hour, IdleTimeout: 168 * time.Hour, MaxDevices: 10})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()

	token, s, newUser, err := sessions.Issue(ctx, session.Login{App: "shop", AppID: "wx0123456789abcdef", OpenID: "o6_bmjrPTlm6", Device: "phone"})
	fmt.Println(len(token), s.OpenID, newUser, err)

	next, s, err := sessions.Rotate(ctx, token)
	fmt.Println(next != token, s.Generation, err)

	_, err = sessions.Check(ctx, token) // somebody has a copy
	if revoked, ok := errors.AsType[*session.RevokedError](err); ok {
		fmt.Println(revoked.Reason)
	}
	_, err = sessions.Check(ctx, next)
	fmt.Println(err)
	// Output:
	// 64 o6_bmjrPTlm6 true <nil>
	// true 1 <nil>
	// reused
	// session: revoked: reused
}

func ExampleSessions_RevokeAll() {
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	sessions, err := session.New(session.Config{Store: db, TTL: 720 * time.Hour, IdleTimeout: 168 * time.Hour, MaxDevices: 5})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	login := session.Login{AppID: "wx0123456789abcdef", OpenID: "o6_bmjrPTlm6", SKU: "coffee"}

	phone, _, _, _ := sessions.Issue(ctx, login)
	tablet, _, _, _ := sessions.Issue(ctx, login)
	_, err = sessions.Check(ctx, phone, "tea")
	fmt.Println(err)
	fmt.Println(sessions.RevokeAll(ctx, phone, "coffee"))
	_, err = sessions.Check(ctx, tablet)
	fmt.Println(err)
	// Output:
	// session: the session is of another product
	// <nil>
	// session: revoked: logout_all
}

func ExampleSessions_Update() {
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	sessions, err := session.New(session.Config{Store: db, TTL: 720 * time.Hour, IdleTimeout: 168 * time.Hour, MaxDevices: 10})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	_, _, _, _ = sessions.Issue(ctx, session.Login{AppID: "wx0123456789abcdef", OpenID: "o6_bmjrPTlm6", UnionID: "ocMvos6Nj"})

	user, err := sessions.Update(ctx, "wx0123456789abcdef", "o6_bmjrPTlm6", func(u *session.User) error {
		u.Profile = &session.Profile{Nickname: "阿明"}
		return nil
	})
	fmt.Println(user.Profile.Nickname, err)
	links, err := sessions.OpenIDs(ctx, "ocMvos6Nj")
	fmt.Println(links, err)
	// Output:
	// 阿明 <nil>
	// map[wx0123456789abcdef:o6_bmjrPTlm6] <nil>
}

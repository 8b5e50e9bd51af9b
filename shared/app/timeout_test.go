package app

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wait"
)

// Whatever time each call of the store and of WeChat takes, and though the refresher
// does not run, there is an answer before Lambda ends the function.
func TestMiniProgramsAnswerBeforeTheTimeout(t *testing.T) {
	for _, store := range []time.Duration{0, 700 * time.Millisecond, 1900 * time.Millisecond, 4 * time.Second, 8400 * time.Millisecond, time.Hour} {
		for _, weChat := range []time.Duration{0, time.Second, 2 * time.Second, 4900 * time.Millisecond, time.Hour} {
			for _, errcode := range []int{0, 40001} {
				t.Run(fmt.Sprintf("store %v, WeChat %v, errcode %d", store, weChat, errcode), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFixture(t, miniOnly)
						token := f.logIn("")
						f.do("GET", "/miniprogram/session", "", token) // requests a refresh
						f.ignoreRequests = true
						f.delay(store, wechatsim.Fault{AnswerDelay: weChat, ErrCode: errcode})
						for _, path := range []string{"/miniprogram/login", "/miniprogram/decrypt", "/miniprogram/phone", "/miniprogram/session"} {
							f.wantAnswerInTime(path, token)
						}
					})
				})
			}
		}
	}
}

func (f *fixture) delay(store time.Duration, fault wechatsim.Fault) {
	f.storeDelay = store
	f.store.Intercept(f.slowCall)
	f.sim.ClearFaults()
	for _, fault.Path = range []string{wechatsim.PathPhoneNumber, wechatsim.PathCheckSession} {
		f.sim.Fail(fault)
	}
	f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, AnswerDelay: fault.AnswerDelay})
}

// slowCall takes storeDelay. As the store on DynamoDB does, it reads back a write whose
// context has ended.
func (f *fixture) slowCall(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
	_ = wait.For(ctx, f.storeDelay)
	if err := ctx.Err(); err != nil {
		if c.Verb != "get" {
			time.Sleep(OAuthReadBack)
		}
		return err
	}
	return do(ctx)
}

func (f *fixture) wantAnswerInTime(path, token string) {
	f.Helper()
	time.Sleep(2 * time.Minute) // until the function has forgotten what it cached
	method := "POST"
	if path == "/miniprogram/session" {
		method = "GET"
	}
	m, ok := manifest.Lookup("oauth")
	if !ok {
		f.Fatal("the manifest has no function oauth")
	}
	code, err := f.sim.MiniLogin(miniID, "hua")
	if err != nil {
		f.Fatal(err)
	}
	body := `{"code":"` + code + `"}`
	if path == "/miniprogram/decrypt" {
		body = `{"encryptedData":"AAAAAAAAAAAAAAAAAAAAAA==","iv":"AAAAAAAAAAAAAAAAAAAAAA=="}`
	}
	before := time.Now()
	got := f.do(method, path, body, token)
	if took := time.Since(before); took > m.Timeout-500*time.Millisecond || f.storeDelay > m.Timeout && got.Code != 503 {
		f.Errorf("%s: %v, %d %s", path, took, got.Code, got.Body)
	}
}

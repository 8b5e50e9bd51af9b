package app

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store"
)

// slowStore is a store each of whose calls takes some time. As the store on DynamoDB
// does, it reads back a write whose context has ended.
type slowStore struct {
	store.Store
	delay time.Duration
}

func (s *slowStore) wait(ctx context.Context) error {
	select {
	case <-time.After(s.delay):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slowStore) Get(ctx context.Context, key string) (store.Item, error) {
	if err := s.wait(ctx); err != nil {
		return store.Item{}, err
	}
	return s.Store.Get(ctx, key)
}

func (s *slowStore) Create(ctx context.Context, item store.Item) (store.Item, error) {
	return s.write(ctx, item, s.Store.Create)
}

func (s *slowStore) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	return s.write(ctx, item, s.Store.Replace)
}

func (s *slowStore) write(ctx context.Context, item store.Item, f func(context.Context, store.Item) (store.Item, error)) (store.Item, error) {
	if err := s.wait(ctx); err != nil {
		time.Sleep(OAuthReadBack)
		return store.Item{}, err
	}
	return f(ctx, item)
}

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
	f.store.delay = store
	f.sim.ClearFaults()
	for _, fault.Path = range []string{wechatsim.PathPhoneNumber, wechatsim.PathCheckSession} {
		f.sim.Fail(fault)
	}
	f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, AnswerDelay: fault.AnswerDelay})
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
	if took := time.Since(before); took > m.Timeout-500*time.Millisecond || f.store.delay > m.Timeout && got.Code != 503 {
		f.Errorf("%s: %v, %d %s", path, took, got.Code, got.Body)
	}
}

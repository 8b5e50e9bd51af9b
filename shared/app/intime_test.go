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

// tired is a table each of whose calls takes a while, or as long as it may. As
// DynamoDB's, it reads back what it wrote when its time is over.
type tired struct {
	store.Store
	takes time.Duration
}

func (s *tired) rest(ctx context.Context) error {
	select {
	case <-time.After(s.takes):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *tired) Get(ctx context.Context, key string) (store.Item, error) {
	if err := s.rest(ctx); err != nil {
		return store.Item{}, err
	}
	return s.Store.Get(ctx, key)
}

func (s *tired) Create(ctx context.Context, item store.Item) (store.Item, error) {
	return s.write(ctx, item, s.Store.Create)
}

func (s *tired) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	return s.write(ctx, item, s.Store.Replace)
}

func (s *tired) write(ctx context.Context, item store.Item, f func(context.Context, store.Item) (store.Item, error)) (store.Item, error) {
	if err := s.rest(ctx); err != nil {
		time.Sleep(OAuthReadBack)
		return store.Item{}, err
	}
	return f(ctx, item)
}

// Whatever each call of the table and of WeChat takes, and though no refresher comes,
// there is an answer before Lambda ends the function.
func TestMiniProgramsAnswerInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFixture(t, miniAlone)
		token := d.logIn("")
		d.do("GET", "/miniprogram/session", "", token) // the refresher is told
		d.onRefreshRequest = func(string) {}
		for _, table := range []time.Duration{0, 700 * time.Millisecond, 1900 * time.Millisecond, 4 * time.Second, 8400 * time.Millisecond, time.Hour} {
			for _, weChat := range []time.Duration{0, time.Second, 2 * time.Second, 4900 * time.Millisecond, time.Hour} {
				for _, errcode := range []int{0, 40001} {
					for _, path := range []string{"/miniprogram/login", "/miniprogram/decrypt", "/miniprogram/phone", "/miniprogram/session"} {
						d.slow(table, wechatsim.Fault{AnswerDelay: weChat, ErrCode: errcode})
						d.inTime(path, token, fmt.Sprintf("%s, the table takes %v, WeChat %v and says %d", path, table, weChat, errcode))
					}
				}
			}
		}
	})
}

func (d *fixture) slow(table time.Duration, f wechatsim.Fault) {
	d.table.takes = table
	d.sim.ClearFaults()
	for _, f.Path = range []string{wechatsim.PathPhoneNumber, wechatsim.PathCheckSession} {
		d.sim.Fail(f)
	}
	d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, AnswerDelay: f.AnswerDelay})
}

func (d *fixture) inTime(path, token, name string) {
	d.Helper()
	time.Sleep(2 * time.Minute) // what is remembered of the table
	method, limit := "POST", time.Duration(0)
	if path == "/miniprogram/session" {
		method = "GET"
	}
	for _, f := range manifest.Functions() {
		if f.Name == "oauth" {
			limit = f.Timeout
		}
	}
	code, err := d.sim.MiniLogin(oauthMini, "hua")
	if err != nil {
		d.Fatal(err)
	}
	before := time.Now()
	body := `{"code":"` + code + `"}`
	if path == "/miniprogram/decrypt" {
		body = `{"encryptedData":"AAAAAAAAAAAAAAAAAAAAAA==","iv":"AAAAAAAAAAAAAAAAAAAAAA=="}`
	}
	got := d.do(method, path, body, token)
	if took := time.Since(before); took > limit-500*time.Millisecond || d.table.takes > limit && got.Code != 503 {
		d.Errorf("%s: %v, %d %s", name, took, got.Code, got.Body)
	}
}

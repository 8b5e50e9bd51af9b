package message

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store/storetest"
)

func TestRoutesByMethodAndPath(t *testing.T) {
	w := newFixture(t)
	signed := "?" + w.signed(testToken, "").Encode() + "&echostr=1"
	for _, wants := range []struct {
		target string

		status int
		part   string
	}{
		{"/verify/shop" + signed, 200, "1"},
		{"/verify/second" + signed, 200, "1"},
		{"/verify/nobody" + signed, 404, `"app_unknown"`},
		{"/verify" + signed + "&app=second", 200, "1"},
		{"/verify/health", 200, `{"status":"ok","accounts":[{"app":"shop","ready":true},{"app":"second","ready":true}]}`},
		{"/MP_verify_abc123.txt", 200, "abc123"},
		{"/MP_verify_other.txt", 404, `"not_found"`},
		{"/verify/shop/more", 404, `"not_found"`},
	} {
		t.Run(wants.target, func(t *testing.T) {
			got := w.serve(httptest.NewRequest(http.MethodGet, wants.target, nil))
			want(t, wants.target, got, wants.status, wants.part)
		})
	}
	want(t, "PUT", w.serve(httptest.NewRequest(http.MethodPut, "/verify", nil)), 405, `"method_not_allowed"`)
}

// A push is claimed, delivered and done: two writes and one delivery. What
// comes again costs one call and is answered as it was.
func TestRepeatedPushIsDeliveredOnce(t *testing.T) {
	for _, mode := range []string{"plain", "secure"} {
		t.Run(mode, func(t *testing.T) {
			w := newFixture(t)
			request := func() *http.Request { return w.sealed(textMessage) }
			if mode == "plain" {
				w.plain()
				request = func() *http.Request { return w.post(w.signed(testToken, ""), textMessage) }
			}
			want(t, "first", w.serve(request()), 200, "success")
			if reads, writes := w.store.Take().Count(); reads != 0 || writes != 2 {
				t.Errorf("%d reads and %d writes for a push", reads, writes)
			}
			for range 3 {
				want(t, "again", w.serve(request()), 200, "success")
				if reads, writes := w.store.Take().Count(); reads != 0 || writes != 1 {
					t.Errorf("%d reads and %d writes for a push that came again", reads, writes)
				}
			}
			if m := w.sink.only(t); m.MsgID != "6272960105994287618" || m.FromUserName != "openid" || !strings.Contains(string(m.JSON), `"Content":"你好"`) {
				t.Errorf("%+v %s", m, m.JSON)
			}
		})
	}
}

// The mode is configured; a request cannot choose it.
func TestModeIsConfigured(t *testing.T) {
	w := newFixture(t)
	want(t, "plain to an account with a key", w.serve(w.post(w.signed(testToken, ""), textMessage)), 403, `"push_refused"`)
	if !strings.Contains(w.log.String(), `check="not encrypted"`) {
		t.Errorf("the log does not say so:\n%s", w.log.String())
	}
	both := w.signed(testToken, "x")
	both.Set("encrypt_type", "raw")
	want(t, "plain, with another type named", w.serve(w.post(both, textMessage)), 403, `"push_refused"`)
	forged := strings.Replace(textMessage, "</xml>", "<Encrypt>x</Encrypt></xml>", 1)
	want(t, "plain, with something encrypted beside it", w.serve(w.post(both, forged)), 403, `"push_refused"`)

	// In compatible mode the plain part may say anything: it is not looked at.
	encrypted := w.key(testKey).encrypt(make([]byte, 16), textMessage, testAppID)
	lie := "<xml><MsgType>event</MsgType><Content>lie</Content><MsgId>1</MsgId><Encrypt>" + encrypted + "</Encrypt></xml>"
	want(t, "compatible", w.serve(w.post(w.signed(testToken, encrypted), lie)), 200, "success")
	if m := w.sink.only(t); strings.Contains(string(m.JSON), "lie") || m.MsgType != "text" {
		t.Errorf("%s", m.JSON)
	}

	w.plain()
	want(t, "encrypted to an account without a key", w.serve(w.sealed(textMessage)), 403, `"push_refused"`)
	if !strings.Contains(w.log.String(), `check="encrypted, but no AES key"`) {
		t.Errorf("the log does not say so:\n%s", w.log.String())
	}
}

func eventMessage(id string) string {
	return "<xml><ToUserName>gh_1</ToUserName><FromUserName>openid</FromUserName><CreateTime>1714112445</CreateTime><MsgType>event</MsgType><Event>CLICK</Event><EventKey>" + id + "</EventKey></xml>"
}

// Events have no MsgId. Those that differ in anything are not the same.
func TestEventsWithoutIDsAreDistinct(t *testing.T) {
	w := newFixture(t)
	for _, key := range []string{"a", "b", "a", "c", "b"} {
		want(t, key, w.serve(w.sealed(eventMessage(key))), 200, "success")
	}
	for _, status := range []string{"success", "failed", "success"} { // of one template message
		want(t, status, w.serve(w.sealed("<xml><MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>7</MsgID><Status>"+status+"</Status></xml>")), 200, "success")
	}
	if len(w.sink.taken) != 5 {
		t.Errorf("%d events were delivered", len(w.sink.taken))
	}
}

// Whether the connection is still open does not matter: what is delivered is
// stored as done, and what is not is released.
func TestClientHangsUpAndThePushIsStillDone(t *testing.T) {
	w := newFixture(t)
	ctx, gone := context.WithCancel(t.Context())
	gone()
	w.sink.fail = errors.New("the bus is down")
	want(t, "failed", w.serve(w.sealed(textMessage).WithContext(ctx)), 500, `"delivery_failed"`)
	w.sink.fail = nil
	want(t, "taken", w.serve(w.sealed(textMessage).WithContext(ctx)), 200, "success")
	want(t, "again", w.serve(w.sealed(textMessage)), 200, "success")
	w.sink.only(t)
	if reads, writes := w.store.Take().Count(); reads != 0 || writes != 5 {
		t.Errorf("%d reads, %d writes", reads, writes)
	}
}

// Different messages of one user are not the same.
func TestMessagesWithTheirOwnIDsAreDistinct(t *testing.T) {
	w := newFixture(t)
	for _, id := range []string{"1", "2", "1"} {
		want(t, id, w.serve(w.sealed(strings.Replace(textMessage, "6272960105994287618", id, 1))), 200, "success")
	}
	if len(w.sink.taken) != 2 {
		t.Errorf("%d messages", len(w.sink.taken))
	}
}

func TestFailedDeliveryIsRepeated(t *testing.T) {
	w := newFixture(t)
	w.sink.fail = errors.New("the bus is down")
	want(t, "failed", w.serve(w.sealed(textMessage)), 500, `"delivery_failed"`)
	w.sink.fail = nil
	want(t, "again", w.serve(w.sealed(textMessage)), 200, "success")
	if reads, writes := w.store.Take().Count(); reads != 0 || writes != 4 {
		t.Errorf("%d reads and %d writes: claim, release, claim, done were expected", reads, writes)
	}
	w.sink.only(t)
}

// Out of time is as good as failed, within the budget; the next delivery takes the
// message.
func TestSlowDeliveryIsCutInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		w.sink.wait = time.Hour
		start := time.Now()
		want(t, "slow", w.serve(w.sealed(textMessage)), 500, `"delivery_failed"`)
		if took := time.Since(start); took > defaultBudget {
			t.Errorf("it took %v", took)
		}
		w.sink.wait, start = 3*time.Second, time.Now()
		want(t, "again", w.serve(w.sealed(textMessage)), 200, "success")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %v: the claim was not released", took)
		}
		w.sink.only(t)
	})
}

// Without the store nothing is delivered: it might be for the second time.
func TestStoreDownIsA5xx(t *testing.T) {
	w := newFixture(t)
	w.store.Fail(errors.New("throttled"))
	want(t, "down", w.serve(w.sealed(textMessage)), 500, `"internal"`)
	w.store.Fail(nil)
	want(t, "up", w.serve(w.sealed(textMessage)), 200, "success")
	w.sink.only(t)
}

func TestMissingSecretsAreA503(t *testing.T) {
	w := newFixture(t)
	w.secrets = secret.Push{}
	want(t, "check", w.serve(w.get(w.signed("", ""))), 503, `"push_secrets_unavailable"`)
	want(t, "push", w.serve(w.sealed(textMessage)), 503, `"push_secrets_unavailable"`)
	want(t, "health", w.serve(httptest.NewRequest(http.MethodGet, "/verify/health", nil)), 503, `{"status":"no_secrets","accounts":[{"app":"shop","ready":false}`)
}

func TestNewRefusesIncompleteConfig(t *testing.T) {
	accounts := account.List{{Name: "a", AppID: testAppID}}
	keys := func(context.Context, account.Account, bool) (*Keyring, error) { return nil, nil }
	for _, c := range []struct {
		name string
		c    Config
	}{
		{"no account", Config{Keys: keys, Sink: &recordingSink{}, Store: &storetest.Recorder{}, Window: testWindow}},
		{"no keys", Config{Accounts: accounts, Sink: &recordingSink{}, Store: &storetest.Recorder{}, Window: testWindow}},
		{"no sink", Config{Accounts: accounts, Keys: keys, Store: &storetest.Recorder{}, Window: testWindow}},
		{"no store", Config{Accounts: accounts, Keys: keys, Sink: &recordingSink{}, Window: testWindow}},
		{"no window", Config{Accounts: accounts, Keys: keys, Sink: &recordingSink{}, Store: &storetest.Recorder{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.c); err == nil {
				t.Errorf("%s: accepted", c.name)
			}
		})
	}
}

// What is stored of a push that is done.
func TestStoredItemHoldsNoContent(t *testing.T) {
	w := newFixture(t)
	now := time.Unix(1_800_000_000, 0)
	w.now = func() time.Time { return now }
	want(t, "push", w.serve(w.sealed(textMessage)), 200, "success")
	p := &push{Message: &Message{AppID: testAppID, MsgType: "text", MsgID: "6272960105994287618"}}
	item, err := w.store.Get(t.Context(), p.dedupeKey())
	if err != nil || !json.Valid(item.Value) || string(item.Value) != `{"answer":{}}` {
		t.Errorf("%s %v", item.Value, err)
	}
	// A push whose clock is a window ahead can be replayed for two windows.
	if left := item.ExpiresAt.Sub(now); left <= 2*testWindow || left > time.Hour {
		t.Errorf("it is stored for %v", left)
	}
}

package wechatsim

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func (w *fixture) tryStable(ctx context.Context) (reply, error) {
	return w.try(ctx, "POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": appID, "secret": secret})
}

func (w *fixture) issued() uint64 {
	w.Sim.mu.Lock()
	defer w.Sim.mu.Unlock()
	return w.state.Apps[appID].Issued
}

func TestErrCodeFaults(t *testing.T) {
	w := newFixture(t)
	w.Fail(Fault{Path: PathStableToken, ErrCode: -1, Times: 2})
	w.stable(false).expect(t, -1)
	w.stable(false).expect(t, -1)
	if w.issued() != 0 {
		t.Error("a refused call changed the state")
	}
	token := w.stable(false).token
	w.Fail(Fault{Path: PathTicket, ErrCode: 40001, ErrMsg: "not latest"})
	if r := w.fetchTicket(token, "jsapi"); r.code != 40001 || r.message != "not latest" {
		t.Errorf("%+v", r)
	}
	w.stable(false).expect(t, 0)
	for range 5 {
		w.fetchTicket(token, "jsapi").expect(t, 40001) // until cleared
	}
	w.ClearFaults()
	w.fetchTicket(token, "jsapi").expect(t, 0)
}

// TestFaultsMatch by account, after some that pass, and the first one first.
func TestFaultsMatch(t *testing.T) {
	w := newFixture(t)
	w.Fail(Fault{AppID: other, ErrCode: -1})
	w.stable(false).expect(t, 0)
	w.Fail(Fault{Skip: 2, Times: 1, ErrCode: 45011})
	w.Fail(Fault{Skip: 3, Times: 1, ErrCode: 45009})
	for _, code := range []int{0, 0, 45011, 0, 45009, 0} {
		w.stable(false).expect(t, code)
	}
	w.ask("POST", PathStableToken, nil, map[string]string{"appid": other}).expect(t, -1)
}

// TestFaultsMatchByToken: a call that sends no AppID belongs to its token's account.
func TestFaultsMatchByToken(t *testing.T) {
	w := newFixture(t)
	token := w.stable(false).token
	w.Fail(Fault{AppID: appID, Path: PathTicket, ErrCode: -1})
	w.fetchTicket(token, "jsapi").expect(t, -1)
	w.fetchTicket("foreign", "jsapi").expect(t, 40001)
}

func TestStatusAndBodyFaults(t *testing.T) {
	w := newFixture(t)
	w.Fail(Fault{Status: 500, Times: 1})
	w.Fail(Fault{Status: 502, Body: "bad gateway", Times: 1})
	w.Fail(Fault{Body: "<html>", Times: 1})
	for _, want := range []reply{{status: 500}, {status: 502, text: "bad gateway"}, {status: 200, text: "<html>"}} {
		if r := w.stable(false); r.status != want.status || r.text != want.text {
			t.Errorf("%+v", r)
		}
	}
	if w.issued() != 0 {
		t.Error("the state changed")
	}
}

func TestDropInProcess(t *testing.T) {
	w := newFixture(t)
	w.Fail(Fault{DropBefore: true, Times: 1})
	if _, err := w.tryStable(t.Context()); !errors.Is(err, syscall.ECONNRESET) || w.issued() != 0 {
		t.Errorf("%v, %d issued", err, w.issued())
	}
	w.Fail(Fault{DropAfter: true, Times: 1})
	_, err := w.tryStable(t.Context())
	var broken *net.OpError
	if !errors.As(err, &broken) || w.issued() == 0 {
		t.Errorf("%v, %d issued", err, w.issued())
	}
	issued := w.issued()
	w.stable(false).expect(t, 0)
	if w.issued() != issued || w.Calls(PathStableToken) != 3 {
		t.Error("the lost answer's token is not the one that is handed out")
	}
}

func TestDelays(t *testing.T) {
	for _, c := range []struct {
		fault  Fault
		issued bool // when the caller gives up half-way
	}{
		{Fault{Delay: 4 * time.Second}, false},
		{Fault{AnswerDelay: 4 * time.Second}, true},
		{Fault{BodyDelay: 4 * time.Second}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newFixture(t)
			w.Fail(c.fault)
			begin := time.Now()
			r, err := w.tryStable(t.Context())
			if err != nil || r.token == "" || time.Since(begin) != 4*time.Second {
				t.Errorf("%+v: after %v: %v", c.fault, time.Since(begin), err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			w := newFixture(t)
			w.Fail(c.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			begin := time.Now()
			_, err := w.tryStable(ctx)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Second {
				t.Errorf("%+v: after %v: %v", c.fault, time.Since(begin), err)
			}
			if (w.issued() > 0) != c.issued {
				t.Errorf("%+v: %d issued", c.fault, w.issued())
			}
		})
	}
}

// TestClientTimeout: http.Client.Timeout ends an in-process call as it would a real one.
func TestClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		w.Fail(Fault{Delay: time.Minute})
		client := w.Client()
		client.Timeout = 3 * time.Second
		begin := time.Now()
		_, err := client.Get("https://api.weixin.qq.com" + PathToken)
		var e net.Error
		if !errors.As(err, &e) || !e.Timeout() || time.Since(begin) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

func TestCancelledRequest(t *testing.T) {
	w := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.tryStable(ctx); !errors.Is(err, context.Canceled) || w.issued() != 0 {
		t.Errorf("%v, %d issued", err, w.issued())
	}
}

// TestFaultsOnASocket: the same over a real connection.
func TestFaultsOnASocket(t *testing.T) {
	w := newFixture(t)
	server := httptest.NewServer(w)
	defer server.Close()
	post := func() (string, error) {
		res, err := http.Post(server.URL+PathStableToken, "application/json",
			strings.NewReader(`{"grant_type":"client_credential","appid":"`+appID+`","secret":"`+secret+`"}`))
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return string(text), err
	}
	w.Fail(Fault{DropBefore: true, Times: 1})
	if _, err := post(); err == nil || w.issued() != 0 {
		t.Errorf("dropped before: %v", err)
	}
	w.Fail(Fault{DropAfter: true, Times: 1})
	if _, err := post(); err == nil || w.issued() == 0 {
		t.Errorf("dropped after: %v", err)
	}
	w.Fail(Fault{BodyDelay: time.Millisecond, Times: 1})
	if text, err := post(); err != nil || !strings.HasSuffix(text, "}") {
		t.Errorf("slow body: %q, %v", text, err)
	}
	w.Fail(Fault{Status: 503, Body: "x", Times: 1})
	if text, err := post(); err != nil || text != "x" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestHangUpEndsTheDelay: a handler does not wait for a caller who left.
func TestHangUpEndsTheDelay(t *testing.T) {
	for _, f := range []Fault{{Delay: time.Hour}, {BodyDelay: time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			w := newFixture(t)
			w.Fail(f)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Error("not aborted")
				}
			}()
			r := httptest.NewRequestWithContext(ctx, "GET", PathToken, nil)
			w.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
}

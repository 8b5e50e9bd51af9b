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

func (f *fixture) tryStable(ctx context.Context) (reply, error) {
	return f.try(ctx, "POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": appID, "secret": secret})
}

func (f *fixture) issued() uint64 {
	f.Sim.mu.Lock()
	defer f.Sim.mu.Unlock()
	return f.state.Apps[appID].Issued
}

func TestErrcodeFaultsLeaveTheState(t *testing.T) {
	f := newFixture(t)
	f.Fail(Fault{Path: PathStableToken, ErrCode: -1, Times: 2})
	f.stable(false).expect(t, -1)
	f.stable(false).expect(t, -1)
	if f.issued() != 0 {
		t.Error("a refused call changed the state")
	}
	token := f.stable(false).token
	f.Fail(Fault{Path: PathTicket, ErrCode: 40001, ErrMsg: "not latest"})
	if r := f.fetchTicket(token, "jsapi"); r.code != 40001 || r.message != "not latest" {
		t.Errorf("%+v", r)
	}
	f.stable(false).expect(t, 0)
	for range 5 {
		f.fetchTicket(token, "jsapi").expect(t, 40001) // until cleared
	}
	f.ClearFaults()
	f.fetchTicket(token, "jsapi").expect(t, 0)
}

// A fault matches by account, lets Skip requests pass, and an earlier fault wins.
func TestFaultsMatch(t *testing.T) {
	f := newFixture(t)
	f.Fail(Fault{AppID: other, ErrCode: -1})
	f.stable(false).expect(t, 0)
	f.Fail(Fault{Skip: 2, Times: 1, ErrCode: 45011})
	f.Fail(Fault{Skip: 3, Times: 1, ErrCode: 45009})
	for _, code := range []int{0, 0, 45011, 0, 45009, 0} {
		f.stable(false).expect(t, code)
	}
	f.ask("POST", PathStableToken, nil, map[string]string{"appid": other}).expect(t, -1)
}

// A call without an AppID belongs to its token's account.
func TestFaultsMatchByToken(t *testing.T) {
	f := newFixture(t)
	token := f.stable(false).token
	f.Fail(Fault{AppID: appID, Path: PathTicket, ErrCode: -1})
	f.fetchTicket(token, "jsapi").expect(t, -1)
	f.fetchTicket("foreign", "jsapi").expect(t, 40001)
}

func TestStatusAndBodyFaults(t *testing.T) {
	f := newFixture(t)
	f.Fail(Fault{Status: 500, Times: 1})
	f.Fail(Fault{Status: 502, Body: "bad gateway", Times: 1})
	f.Fail(Fault{Body: "<html>", Times: 1})
	for _, want := range []reply{{status: 500}, {status: 502, text: "bad gateway"}, {status: 200, text: "<html>"}} {
		if r := f.stable(false); r.status != want.status || r.text != want.text {
			t.Errorf("%+v, want %+v", r, want)
		}
	}
	if f.issued() != 0 {
		t.Error("the state changed")
	}
}

func TestDroppedConnectionsInProcess(t *testing.T) {
	f := newFixture(t)
	f.Fail(Fault{DropBefore: true, Times: 1})
	if _, err := f.tryStable(t.Context()); !errors.Is(err, syscall.ECONNRESET) || f.issued() != 0 {
		t.Errorf("%v, %d issued", err, f.issued())
	}
	f.Fail(Fault{DropAfter: true, Times: 1})
	_, err := f.tryStable(t.Context())
	var broken *net.OpError
	if !errors.As(err, &broken) || f.issued() == 0 {
		t.Errorf("%v, %d issued", err, f.issued())
	}
	issued := f.issued()
	f.stable(false).expect(t, 0)
	if f.issued() != issued || f.Calls(PathStableToken) != 3 {
		t.Error("the token of the lost answer is not handed out again")
	}
}

func TestDelays(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  Fault
		issued bool // when the caller gives up half-way
	}{
		{"call", Fault{Delay: 4 * time.Second}, false},
		{"answer", Fault{AnswerDelay: 4 * time.Second}, true},
		{"body", Fault{BodyDelay: 4 * time.Second}, true},
	} {
		t.Run(c.name+", patient caller", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.Fail(c.fault)
				begin := time.Now()
				r, err := f.tryStable(t.Context())
				if err != nil || r.token == "" || time.Since(begin) != 4*time.Second {
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
			})
		})
		t.Run(c.name+", caller with a deadline", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.Fail(c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				begin := time.Now()
				_, err := f.tryStable(ctx)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 2*time.Second {
					t.Errorf("after %v: %v", time.Since(begin), err)
				}
				if (f.issued() > 0) != c.issued {
					t.Errorf("%d issued", f.issued())
				}
			})
		})
	}
}

// http.Client.Timeout ends an in-process call as it ends one over a network.
func TestClientTimeoutInProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.Fail(Fault{Delay: time.Minute})
		client := f.Client()
		client.Timeout = 3 * time.Second
		begin := time.Now()
		_, err := client.Get("https://api.weixin.qq.com" + PathToken)
		var e net.Error
		if !errors.As(err, &e) || !e.Timeout() || time.Since(begin) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
}

func TestCancelledRequestIssuesNothing(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.tryStable(ctx); !errors.Is(err, context.Canceled) || f.issued() != 0 {
		t.Errorf("%v, %d issued", err, f.issued())
	}
}

// The same faults over a real connection.
func TestFaultsOnASocket(t *testing.T) {
	f := newFixture(t)
	server := httptest.NewServer(f)
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
	f.Fail(Fault{DropBefore: true, Times: 1})
	if _, err := post(); err == nil || f.issued() != 0 {
		t.Errorf("dropped before: %v", err)
	}
	f.Fail(Fault{DropAfter: true, Times: 1})
	if _, err := post(); err == nil || f.issued() == 0 {
		t.Errorf("dropped after: %v", err)
	}
	f.Fail(Fault{BodyDelay: time.Millisecond, Times: 1})
	if text, err := post(); err != nil || !strings.HasSuffix(text, "}") {
		t.Errorf("slow body: %q, %v", text, err)
	}
	f.Fail(Fault{Status: 503, Body: "x", Times: 1})
	if text, err := post(); err != nil || text != "x" {
		t.Errorf("%q, %v", text, err)
	}
}

// The handler does not wait for a caller who has left.
func TestHandlerEndsWithItsCaller(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault Fault
	}{{"delayed call", Fault{Delay: time.Hour}}, {"delayed body", Fault{BodyDelay: time.Hour}}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				f.Fail(c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				defer func() {
					if recover() != http.ErrAbortHandler {
						t.Error("not aborted")
					}
				}()
				r := httptest.NewRequestWithContext(ctx, "GET", PathToken, nil)
				f.ServeHTTP(httptest.NewRecorder(), r)
			})
		})
	}
}

package wechat_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"wechatfn/shared/wechat"
)

func dial(t *testing.T, cfg wechat.Config) *wechat.Client {
	t.Helper()
	c, err := wechat.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refusing is an address where nothing listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func expectBusy(t *testing.T, err error, status int) {
	t.Helper()
	var e *wechat.Error
	if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || e.Status != status {
		t.Errorf("%v (want status %d)", err, status)
	}
	if text := leaks(err); text != "" {
		t.Errorf("leaks: %s", text)
	}
}

func TestDialRefused(t *testing.T) {
	c := dial(t, wechat.Config{BaseURL: "http://" + refusing(t)})
	_, err := c.ClassicToken(t.Context(), "wx1", canary)
	expectBusy(t, err, 0)
	if !strings.Contains(err.Error(), "refused") {
		t.Errorf("says little: %v", err)
	}
}

func TestProxyRefused(t *testing.T) {
	for _, scheme := range []string{"http", "socks5"} {
		proxy := scheme + "://canary-user:canary-7k3z@" + refusing(t)
		_, err := dial(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, ProxyURL: proxy}).ClassicToken(t.Context(), "wx1", canary)
		expectBusy(t, err, 0)
	}
}

// TestProxyThatEchoes: a proxy that refuses to connect, and puts what it was sent into its answer.
func TestProxyThatEchoes(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.URL.String()+r.Header.Get("Proxy-Authorization")+" canary-7k3z", http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	cfg := wechat.Config{BaseURL: wechat.DefaultBaseURL, ProxyURL: strings.Replace(proxy.URL, "http://", "http://canary-user:canary-7k3z@", 1)}
	_, err := dial(t, cfg).ClassicToken(t.Context(), "wx1", canary)
	expectBusy(t, err, 0)
	cfg.BaseURL = "http://simulator.example"
	_, err = dial(t, cfg).ClassicToken(t.Context(), "wx1", canary)
	expectBusy(t, err, http.StatusProxyAuthRequired)
}

// TestProxyThatEchoesInItsStatus: net/http makes that line its error.
func TestProxyThatEchoesInItsStatus(t *testing.T) {
	proxy := "http://canary-user:canary-7k3z@" + answering(t, "HTTP/1.1 407 no canary-7k3z for canary-user")
	_, err := dial(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, ProxyURL: proxy}).ClassicToken(t.Context(), "wx1", canary)
	expectBusy(t, err, 0)
	if !strings.Contains(err.Error(), "no [redacted] for [redacted]") {
		t.Errorf("says little: %v", err)
	}
}

func TestThroughProxy(t *testing.T) {
	var seen, auth string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, auth = r.URL.Host+r.URL.Path, r.Header.Get("Proxy-Authorization")
		_, _ = io.WriteString(w, okTicket)
	}))
	defer proxy.Close()
	c := dial(t, wechat.Config{BaseURL: "http://simulator.example/below/", ProxyURL: strings.Replace(proxy.URL, "://", "://u:p@", 1)})
	if _, err := c.Ticket(t.Context(), "TOKEN", wechat.JSAPI); err != nil || seen != "simulator.example/below/cgi-bin/ticket/getticket" || auth == "" {
		t.Errorf("%v; proxy saw %q, auth %q", err, seen, auth)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/?"+r.URL.RawQuery, status)
		}))
		for _, given := range []*http.Client{nil, {}} {
			c := dial(t, wechat.Config{BaseURL: server.URL, HTTPClient: given})
			for _, verb := range canaryVerbs {
				expectBusy(t, verb.call(t.Context(), c), status)
			}
		}
		server.Close()
	}
	if followed.Load() != 0 {
		t.Errorf("followed %d times, with secrets", followed.Load())
	}
}

func TestConnectionIsReused(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && (r.ContentLength != 0 || len(r.TransferEncoding) != 0) {
			t.Errorf("a GET with a body: %d %v", r.ContentLength, r.TransferEncoding)
		}
		_, _ = io.WriteString(w, `{"errcode":0,"access_token":"T","ticket":"T","expires_in":7200,"ip_list":["203.0.113.1"],"openid":"canary-openid",
			"session_key":"tiihtNczf5v6AKRyjwEUhQ==","phone_info":{"phoneNumber":"1","purePhoneNumber":"1"}}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := dial(t, wechat.Config{BaseURL: server.URL})
	for range 3 {
		for _, verb := range canaryVerbs {
			if err := verb.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections", connections.Load())
	}
}

// TestNetHTTPDoesNotRepeat: on a reused connection that breaks, net/http would quietly send a GET
// again; each classic token call makes a token, and a code works once, so it must not.
func TestNetHTTPDoesNotRepeat(t *testing.T) {
	for _, row := range []struct {
		name string
		call func(*wechat.Client) error
	}{
		{"classic", func(c *wechat.Client) error {
			_, err := c.ClassicToken(t.Context(), "wx1", "SECRET")
			return err
		}},
		{"exchange", func(c *wechat.Client) error {
			_, err := c.ExchangeCode(t.Context(), "wx1", "SECRET", "CODE")
			return err
		}},
		{"mini session", func(c *wechat.Client) error {
			_, err := c.CodeToSession(t.Context(), "wx1", "SECRET", "CODE")
			return err
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var requests atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if requests.Add(1) > 1 {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, `{"access_token":"T","expires_in":7200,"openid":"O","session_key":"tiihtNczf5v6AKRyjwEUhQ=="}`)
			}))
			c := dial(t, wechat.Config{BaseURL: server.URL})
			if err := row.call(c); err != nil {
				t.Fatal(err)
			}
			expectBusy(t, row.call(c), 0)
			if requests.Load() != 2 {
				t.Errorf("%s: %d requests for two calls", row.name, requests.Load())
			}
			server.Close()
		})
	}
}

// TestMalformedAnswer: net/http quotes the line it cannot read, be it an echo of what was sent or
// a new token whose header got lost.
func TestMalformedAnswer(t *testing.T) {
	for _, answer := range []string{
		"NOTHTTP " + canary + " " + url.QueryEscape(canary),
		`{"access_token":"canary-new-token","expires_in":7200}`,
		"HTTP/1.1 canary-status OK",
		"HTTP/1.1 200 OK\r\ncanary-header without colon",
	} {
		_, err := dial(t, wechat.Config{BaseURL: "http://" + answering(t, answer)}).ClassicToken(t.Context(), "wx1", canary)
		expectBusy(t, err, 0)
		if !strings.Contains(err.Error(), "malformed HTTP answer") {
			t.Errorf("says little: %v", err)
		}
	}
}

// answering is the address of a server that answers one request with the bytes given.
func answering(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, answer+"\r\n\r\n")
	}()
	return l.Addr().String()
}

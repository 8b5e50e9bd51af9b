package forward_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"wechatfn/shared/forward"
	"wechatfn/shared/message"
)

func TestSendPostsTheMessage(t *testing.T) {
	var got *http.Request
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
	}))
	defer server.Close()
	p, err := forward.New(server.URL + "/in?x=1")
	if err != nil {
		t.Fatal(err)
	}
	reply, err := p.Send(t.Context(), &message.Message{App: "shop", AppID: "wx1", JSON: []byte(`{"Content":"hi"}`)})
	if reply != nil || err != nil {
		t.Errorf("%q, %v", reply, err)
	}
	h := got.Header
	if got.Method != "POST" || got.URL.String() != "/in?x=1" || body != `{"Content":"hi"}` || h.Get("Content-Type") != "application/json" || h.Get("X-Wechatfn-App") != "shop" || h.Get("X-Wechatfn-Appid") != "wx1" {
		t.Errorf("%s %s %s %v", got.Method, got.URL, body, h)
	}
}

func TestOnlyAJSONObjectIsAReply(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		reply  string
		err    string
	}{
		{"nothing", 204, "", "", ""},
		{"ok", 200, "ok", "", ""},
		{"a page", 200, "<html>", "", ""},
		{"a reply", 200, ` {"MsgType":"text"}` + "\n", `{"MsgType":"text"}`, ""},
		{"a list", 200, "[]", "", ""},
		{"XML", 200, "<xml></xml>", "", "is XML"},
		{"a redirect", 302, "", "", "answered 302"},
		{"an error", 500, `{"MsgType":"text"}`, "", "answered 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			p, err := forward.New(strings.Replace(server.URL, "http://", "http://user:canary@", 1))
			if err != nil {
				t.Fatal(err)
			}
			reply, err := p.Send(t.Context(), &message.Message{JSON: []byte("{}")})
			if string(reply) != c.reply || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v", reply, err)
			}
			if errors.Is(err, forward.ErrXMLReply) != (c.name == "XML") {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), "canary") || strings.Contains(p.String(), "canary") {
				t.Errorf("the password shows in %v or %s", err, p)
			}
		})
	}
}

func TestNewRefusesAddresses(t *testing.T) {
	for _, address := range []string{"", "localhost:3000", "ftp://a", "http://", "/in", "http://a b"} {
		t.Run(address, func(t *testing.T) {
			if _, err := forward.New(address); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestSendFailsWithoutAProgram(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	p, err := forward.New(strings.Replace(server.URL, "http://", "http://user:canary@", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context(), &message.Message{JSON: []byte("{}")}); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

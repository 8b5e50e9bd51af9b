package trigger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"wechatfn/dev/local"
)

const (
	testToken = "canary-of-the-token"
	testKey   = "canaryOfTheKey0123456789abcdefghijklmnopqrs"
	testApp   = "wx520c15f417810387"
)

var accountEnv = map[string]string{"WECHAT_TOKEN": testToken, "WECHAT_ENCODING_AES_KEY": testKey, "WECHAT_APP_ID": testApp}

func encryptingServer() *developer {
	return &developer{token: testToken, key: testKey, appID: testApp}
}

func plainServer() *developer { return &developer{token: testToken} }

// run is Run with the defaults of the command line. It checks that no secret is printed.
func run(t *testing.T, env map[string]string, o Options) (string, error) {
	t.Helper()
	o.Repeat = cmp.Or(o.Repeat, 1)
	out := new(bytes.Buffer)
	err := Run(t.Context(), o, out, func(name string) string { return env[name] })
	for _, secret := range []string{testToken, testKey, local.Account["WECHAT_ENCODING_AES_KEY"]} {
		if strings.Contains(out.String()+fmt.Sprint(err), secret) {
			t.Errorf("a secret is in %v\n%s", err, out)
		}
	}
	return out.String(), err
}

// expect checks what was printed, and the error: "" for none.
func expect(t *testing.T, out string, err error, wantErr string, want ...string) {
	t.Helper()
	if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
		t.Errorf("error %v, want %q\n%s", err, wantErr, out)
	}
	for _, text := range want {
		if !regexp.MustCompile(text).MatchString(out) {
			t.Errorf("no %q in\n%s", text, out)
		}
	}
}

func TestCheckAcceptsAServerThatEchoes(t *testing.T) {
	out, err := run(t, accountEnv, Options{Type: "check", URL: encryptingServer().start(t)})
	expect(t, out, err, "", `check     of the server URL, http://127.0.0.1:\d+/verify`, `answer    200 OK after \d+m?s`, "wechat    accepts the URL")
}

func TestCheckOfAQuotedEcho(t *testing.T) {
	bad := encryptingServer()
	bad.quotesEcho = true
	out, err := run(t, accountEnv, Options{Type: "check", URL: bad.start(t)})
	expect(t, out, err, "would not accept", `wechat    does not accept the URL: the body has more than the echostr: "\\"\d+\\""`)
}

func TestCheckWithAnotherToken(t *testing.T) {
	other := encryptingServer()
	other.token = "other"
	out, err := run(t, accountEnv, Options{Type: "check", URL: other.start(t)})
	expect(t, out, err, "would not accept", "answer    403 Forbidden", "problem   signature: no such push", "hint      Look at the token")
}

func TestModes(t *testing.T) {
	noKey := map[string]string{"WECHAT_TOKEN": testToken}
	encrypt, not := true, false
	for _, c := range []struct {
		name   string
		env    map[string]string
		server *developer
		o      Options
		query  string
		want   string
	}{
		{"key known", accountEnv, encryptingServer(), Options{}, "", "text, secure mode, XML"},
		{"asked to encrypt", accountEnv, encryptingServer(), Options{Encrypt: &encrypt}, "", "text, secure mode, XML"},
		{"compatible", accountEnv, encryptingServer(), Options{Compatible: true}, "", "text, compatible mode, XML"},
		{"JSON", accountEnv, encryptingServer(), Options{JSON: true}, "", "text, secure mode, JSON"},
		{"no key", noKey, plainServer(), Options{}, "", "text, plain mode, XML"},
		{"asked not to encrypt", accountEnv, plainServer(), Options{Encrypt: &not}, "", "text, plain mode, XML"},
		{"plain in JSON", noKey, plainServer(), Options{JSON: true}, "", "text, plain mode, JSON"},
		{"options alone", nil, encryptingServer(), Options{Token: testToken, AESKey: testKey, AppID: testApp}, "", "secure mode"},
		{"options win", map[string]string{"WECHAT_TOKEN": "x", "WECHAT_ENCODING_AES_KEY": testKey, "WECHAT_APP_ID": testApp}, encryptingServer(), Options{Token: testToken}, "", "secure mode"},
		{"simulated", nil, &developer{token: "simulated", key: local.Account["WECHAT_ENCODING_AES_KEY"], appID: local.Account["WECHAT_APP_ID"]}, Options{}, "", "secure mode"},
		{"URL with query", accountEnv, encryptingServer(), Options{}, "?app=shop", "secure mode"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Type, c.o.URL = "text", c.server.start(t)+c.query
			out, err := run(t, c.env, c.o)
			expect(t, out, err, "", c.want, `sent      \d\d\d bytes`, "answer    200 OK after", "wechat    accepts this: success")
			if len(c.server.seen) != 1 || between(c.server.seen[0], "MsgType") != "text" {
				t.Errorf("%q", c.server.seen)
			}
		})
	}
}

func TestWrongOptions(t *testing.T) {
	const url = "http://127.0.0.1:8080/verify"
	encrypt, not := true, false
	for _, c := range []struct {
		want string
		env  map[string]string
		o    Options
	}{
		{"--encrypt needs a key: set --aes-key", map[string]string{"WECHAT_TOKEN": "t", "WECHAT_APP_ID": "a"}, Options{Type: "text", Encrypt: &encrypt}},
		{"--compatible is a mode with encryption", map[string]string{"WECHAT_TOKEN": "t"}, Options{Type: "text", Compatible: true}},
		{"and remove --no-encrypt", accountEnv, Options{Type: "text", Compatible: true, Encrypt: &not}},
		{"set --app-id", map[string]string{"WECHAT_TOKEN": "t", "WECHAT_ENCODING_AES_KEY": testKey}, Options{Type: "text"}},
		{"no token: set --token", map[string]string{"WECHAT_APP_ID": "a"}, Options{Type: "text"}},
		{"an EncodingAESKey has 43", nil, Options{Type: "text", Token: "t", AppID: "a", AESKey: "short"}},
		{"the server URL needs http://", accountEnv, Options{Type: "text", URL: "127.0.0.1/verify"}},
		{"--repeat takes a number, at least 1", accountEnv, Options{Type: "text", Repeat: -1}},
		{"cannot be combined with --repeat", accountEnv, Options{Type: "text", Repeat: 2, Tamper: true}},
		{"--tamper needs a push", accountEnv, Options{Type: "check", Tamper: true}},
		{`--field takes NAME=VALUE, not "Title"`, accountEnv, Options{Type: "link", Field: []string{"Title"}}},
		{`not "a b=c"`, accountEnv, Options{Type: "link", Field: []string{"a b=c"}}},
		{`--field MsgId is a number, not "0x1"`, accountEnv, Options{Type: "text", Field: []string{"MsgId=0x1"}}},
		{"SendPicsInfo, which has fields of its own", accountEnv, Options{Type: "pic_sysphoto", Field: []string{"SendPicsInfo=1"}}},
	} {
		t.Run(c.want, func(t *testing.T) {
			c.o.URL = cmp.Or(c.o.URL, url)
			out, err := run(t, c.env, c.o)
			expect(t, out, err, c.want)
		})
	}
}

func TestUnreachableServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	for _, c := range []struct {
		name string
		o    Options
	}{{"push", Options{Type: "text"}}, {"check", Options{Type: "check"}}, {"tamper", Options{Type: "text", Tamper: true}}, {"repeat", Options{Type: "text", Repeat: 3}}} {
		t.Run(c.name, func(t *testing.T) {
			c.o.URL = strings.Replace(address, "http://", "http://me:password@", 1) + "/verify"
			out, err := run(t, accountEnv, c.o)
			expect(t, out, err, "nothing answers at http://me:xxxxx@127.0.0.1")
			if err != nil && (!strings.Contains(err.Error(), "--url") || strings.Contains(out+err.Error(), "password")) {
				t.Error(err)
			}
		})
	}
}

func TestMessageFields(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want []string
		not  string
	}{
		{"content", Options{Type: "text", Content: "a;b,c ]]> d"}, []string{`<Content><!\[CDATA\[a;b,c \]\]\]\]><!\[CDATA\[> d\]\]></Content>`, `<MsgId>\d{19}</MsgId>`}, ""},
		{"event key", Options{Type: "CLICK", EventKey: "menu,1"}, []string{`<Event><!\[CDATA\[CLICK\]\]>`, `<EventKey><!\[CDATA\[menu,1\]\]>`}, "MsgId"},
		{"from and to", Options{Type: "text", From: "oMe", To: "gh_you"}, []string{`<ToUserName><!\[CDATA\[gh_you\]\]></ToUserName><FromUserName><!\[CDATA\[oMe\]\]>`}, ""},
		{"a field changed and one added", Options{Type: "text", Field: []string{"MsgId=12345678901234567890", "New=a=b,c"}}, []string{`<MsgId>12345678901234567890</MsgId><New><!\[CDATA\[a=b,c\]\]></New></xml>`}, ""},
		{"a number", Options{Type: "location", Field: []string{"Location_X=-0.5"}}, []string{`<Location_X>-0\.5</Location_X>`}, ""},
		{"an unknown MsgType", Options{Type: "file", Field: []string{"Title=x.pdf"}}, []string{`<MsgType><!\[CDATA\[file\]\]></MsgType><MsgId>\d+</MsgId><Title>`}, "Event"},
		{"an unknown event", Options{Type: "card_pass_check", Event: true, Field: []string{"CardId=1"}}, []string{`<MsgType><!\[CDATA\[event\]\]></MsgType><Event><!\[CDATA\[card_pass_check\]\]></Event><CardId>`}, "MsgId"},
		{"a known event", Options{Type: "subscribe", Event: true}, []string{`<Event><!\[CDATA\[subscribe\]\]></Event><EventKey>`}, ""},
		{"an event named as a message", Options{Type: "text", Event: true}, []string{`<Event><!\[CDATA\[text\]\]></Event>`}, "Content"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := plainServer()
			c.o.URL = d.start(t)
			out, err := run(t, map[string]string{"WECHAT_TOKEN": testToken}, c.o)
			expect(t, out, err, "")
			if len(d.seen) != 1 {
				t.Fatal(d.seen)
			}
			expect(t, d.seen[0], nil, "", c.want...)
			if c.not != "" && strings.Contains(d.seen[0], c.not) {
				t.Error(d.seen[0])
			}
		})
	}
}

func TestWrongCapitals(t *testing.T) {
	out, err := run(t, accountEnv, Options{Type: "click", URL: encryptingServer().start(t)})
	expect(t, out, err, "", "hint      CLICK is a type of WeChat, click is not")
}

func TestEncryptedReply(t *testing.T) {
	d := encryptingServer()
	d.reply = "hello"
	out, err := run(t, accountEnv, Options{Type: "text", URL: d.start(t)})
	expect(t, out, err, "", "wechat    accepts this: a reply of type text", `reply     text, encrypted\n {10}<xml>.*<Content>hello</Content></xml>`)
}

// A plain reply to an encrypted push is accepted in compatible mode alone.
func TestPlainReplyToAnEncryptedPush(t *testing.T) {
	bare := encryptingServer()
	bare.reply, bare.answersPlain = "hello", true
	out, err := run(t, accountEnv, Options{Type: "text", URL: bare.start(t)})
	expect(t, out, err, "would not accept 1 of 1", "wechat    shows the user a notice: the reply to an encrypted push is not encrypted")
	out, err = run(t, accountEnv, Options{Type: "text", Compatible: true, URL: bare.start(t)})
	expect(t, out, err, "", "reply     text, plain")
}

func TestReplyInTheWrongFormat(t *testing.T) {
	wrong := encryptingServer()
	wrong.answersJSON = true
	out, err := run(t, accountEnv, Options{Type: "text", URL: wrong.start(t)})
	expect(t, out, err, "would not accept", "shows the user a notice: the answer to a push in XML is in JSON")
}

// A refusal comes with a hint at its likely reason.
func TestRefusalShowsItsLikelyReason(t *testing.T) {
	out, err := run(t, accountEnv, Options{Type: "text", Encrypt: new(bool), URL: encryptingServer().start(t)})
	expect(t, out, err, "would not accept", "push      text, plain mode", "problem   signature", "would repeat the push.*: status 403 instead of 200", "hint      a server that has an AES key refuses.*remove --no-encrypt")
	out, err = run(t, nil, Options{Type: "text", URL: encryptingServer().start(t)})
	expect(t, out, err, "would not accept", "hint      this was signed for the simulated account: set WECHAT_TOKEN")
}

// An error page is shortened, and cannot change the terminal.
func TestErrorPage(t *testing.T) {
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out\x1b[2J of order "+strings.Repeat("x", 1000), http.StatusBadGateway)
	}))
	defer down.Close()
	out, err := run(t, accountEnv, Options{Type: "text", URL: down.URL})
	expect(t, out, err, "would not accept", "answer    502 Bad Gateway", `body      out.\[2J of order x+ \.\.\.\n`, "would repeat")
	if strings.ContainsRune(out, '\x1b') || len(out) > 1000 {
		t.Errorf("%q", out)
	}
}

func TestBrokenConnections(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    []string
	}{
		{"closed", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, []string{"answer    none after", "would repeat the push.*: no answer: EOF"}},
		{"reset", reset, []string{"would repeat the push.*: no answer: read tcp.*reset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			out, err := run(t, accountEnv, Options{Type: "text", URL: server.URL})
			expect(t, out, err, "would not accept", c.want...)
		})
	}
}

// reset ends the connection with a RST.
func reset(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// A repeat is the same message with a new signature. Its reply can be the stored one.
func TestRepeatSendsTheSamePushWithNewSignatures(t *testing.T) {
	d := encryptingServer()
	var signatures, stored []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signatures = append(signatures, r.URL.Query().Get("msg_signature"))
		rec := httptest.NewRecorder()
		d.ServeHTTP(rec, r)
		stored = append(stored, rec.Body.String())
		_, _ = w.Write([]byte(stored[0]))
	}))
	defer server.Close()
	d.reply = "hello"
	out, err := run(t, accountEnv, Options{Type: "text", Repeat: 3, URL: server.URL})
	expect(t, out, err, "", "delivery  1 of 3, nonce", "delivery  3 of 3, nonce")
	if strings.Count(out, "accepts this") != 3 || len(d.seen) != 3 || d.seen[0] != d.seen[2] {
		t.Errorf("%q\n%s", d.seen, out)
	}
	if len(signatures) != 3 || signatures[0] == signatures[1] || signatures[1] == signatures[2] {
		t.Error(signatures)
	}
}

func TestRepeatReportsTheAnswersThatFail(t *testing.T) {
	n := 0
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 2 {
			w.WriteHeader(500)
		}
	}))
	defer failing.Close()
	out, err := run(t, accountEnv, Options{Type: "text", Repeat: 3, URL: failing.URL})
	expect(t, out, err, "would not accept 1 of 3", "delivery  3 of 3")
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := Options{Type: "text", URL: encryptingServer().start(t), Repeat: 1, Token: "t"}
	if err := Run(ctx, o, new(bytes.Buffer), func(string) string { return "" }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

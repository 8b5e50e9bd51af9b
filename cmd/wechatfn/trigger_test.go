package main

import (
	"bytes"
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

	"github.com/alecthomas/kong"
)

const (
	triggerToken = "canary-of-the-token"
	triggerKey   = "canaryOfTheKey0123456789abcdefghijklmnopqrs"
	triggerApp   = "wx520c15f417810387"
)

var accountEnv = map[string]string{"WECHAT_TOKEN": triggerToken, "WECHAT_ENCODING_AES_KEY": triggerKey, "WECHAT_APP_ID": triggerApp}

func encrypting() *developer {
	return &developer{token: triggerToken, key: triggerKey, appID: triggerApp}
}

func plainly() *developer { return &developer{token: triggerToken} }

// runTrigger runs the command line, and sees that it keeps its secrets.
func runTrigger(t *testing.T, env map[string]string, args ...string) (string, error) {
	t.Helper()
	var c commands
	parser, err := kong.New(&c, kong.Name("wechatfn"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"trigger"}, args...))
	if err != nil {
		return "", err
	}
	out := new(bytes.Buffer)
	c.Trigger.out, c.Trigger.getenv = out, func(name string) string { return env[name] }
	parsed.BindTo(t.Context(), (*context.Context)(nil))
	err = parsed.Run()
	for _, secret := range []string{triggerToken, triggerKey, simulatedAccount["WECHAT_ENCODING_AES_KEY"]} {
		if strings.Contains(out.String()+fmt.Sprint(err), secret) {
			t.Errorf("a secret is in %v\n%s", err, out)
		}
	}
	return out.String(), err
}

// expectTrigger checks what was printed, and the error: "" for none.
func expectTrigger(t *testing.T, out string, err error, wantErr string, want ...string) {
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

func TestTriggerCheck(t *testing.T) {
	out, err := runTrigger(t, accountEnv, "check", "--url", encrypting().start(t))
	expectTrigger(t, out, err, "", `check     of the server URL, http://127.0.0.1:\d+/verify`, `answer    200 OK after \d+m?s`, "wechat    takes the URL")

	bad := encrypting()
	bad.quotesEcho = true
	out, err = runTrigger(t, accountEnv, "check", "--url", bad.start(t))
	expectTrigger(t, out, err, "would not take", `wechat    does not take the URL: the body has more than the echostr: "\\"\d+\\""`)

	other := encrypting()
	other.token = "other"
	out, err = runTrigger(t, accountEnv, "check", "--url", other.start(t))
	expectTrigger(t, out, err, "would not take", "answer    403 Forbidden", "problem   signature: no such push", "hint      Look at the token")
}

func TestTriggerModes(t *testing.T) {
	noKey := map[string]string{"WECHAT_TOKEN": triggerToken}
	for name, c := range map[string]struct {
		env    map[string]string
		server *developer
		args   []string
		want   string
	}{
		"key known":      {accountEnv, encrypting(), nil, "text, secure mode, XML"},
		"told to":        {accountEnv, encrypting(), []string{"--encrypt"}, "text, secure mode, XML"},
		"compatible":     {accountEnv, encrypting(), []string{"--compatible"}, "text, compatible mode, XML"},
		"JSON":           {accountEnv, encrypting(), []string{"--json"}, "text, secure mode, JSON"},
		"no key":         {noKey, plainly(), nil, "text, plain mode, XML"},
		"told not to":    {accountEnv, plainly(), []string{"--no-encrypt"}, "text, plain mode, XML"},
		"plain in JSON":  {noKey, plainly(), []string{"--json"}, "text, plain mode, JSON"},
		"flags alone":    {nil, encrypting(), []string{"--token", triggerToken, "--aes-key", triggerKey, "--app-id", triggerApp}, "secure mode"},
		"flags win":      {map[string]string{"WECHAT_TOKEN": "x", "WECHAT_ENCODING_AES_KEY": triggerKey, "WECHAT_APP_ID": triggerApp}, encrypting(), []string{"--token", triggerToken}, "secure mode"},
		"simulated":      {nil, &developer{token: "simulated", key: simulatedAccount["WECHAT_ENCODING_AES_KEY"], appID: simulatedAccount["WECHAT_APP_ID"]}, nil, "secure mode"},
		"URL with query": {accountEnv, encrypting(), []string{"?app=shop"}, "secure mode"},
	} {
		args := append([]string{"text", "--url", c.server.start(t)}, c.args...)
		if name == "URL with query" {
			args = []string{"text", "--url", args[2] + args[3]}
		}
		out, err := runTrigger(t, c.env, args...)
		expectTrigger(t, out, err, "", c.want, `sent      \d\d\d bytes`, "answer    200 OK after", "wechat    accepts this: success")
		if len(c.server.seen) != 1 || between(c.server.seen[0], "MsgType") != "text" {
			t.Errorf("%s: %q", name, c.server.seen)
		}
	}
}

func TestTriggerBadUse(t *testing.T) {
	for want, c := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"--encrypt needs a key: give --aes-key":     {map[string]string{"WECHAT_TOKEN": "t", "WECHAT_APP_ID": "a"}, []string{"text", "--encrypt"}},
		"--compatible is a mode with encryption":    {map[string]string{"WECHAT_TOKEN": "t"}, []string{"text", "--compatible"}},
		"and leave --no-encrypt away":               {accountEnv, []string{"text", "--compatible", "--no-encrypt"}},
		"give --app-id":                             {map[string]string{"WECHAT_TOKEN": "t", "WECHAT_ENCODING_AES_KEY": triggerKey}, []string{"text"}},
		"no token: give --token":                    {map[string]string{"WECHAT_APP_ID": "a"}, []string{"text"}},
		"an EncodingAESKey has 43":                  {nil, []string{"text", "--token", "t", "--app-id", "a", "--aes-key", "short"}},
		"the server URL needs http://":              {accountEnv, []string{"text", "--url", "127.0.0.1/verify"}},
		"--repeat takes a number from 1":            {accountEnv, []string{"text", "--repeat", "0"}},
		"not with --repeat":                         {accountEnv, []string{"text", "--repeat", "2", "--tamper"}},
		"--tamper goes with a push":                 {accountEnv, []string{"check", "--tamper"}},
		`--field takes NAME=VALUE, not "Title"`:     {accountEnv, []string{"link", "--field", "Title"}},
		`not "a b=c"`:                               {accountEnv, []string{"link", "--field", "a b=c"}},
		`--field MsgId is a number, not "0x1"`:      {accountEnv, []string{"text", "--field", "MsgId=0x1"}},
		"SendPicsInfo, which has fields of its own": {accountEnv, []string{"pic_sysphoto", "--field", "SendPicsInfo=1"}},
		"expected \"<type>\"":                       {accountEnv, nil},
	} {
		out, err := runTrigger(t, c.env, c.args...)
		expectTrigger(t, out, err, want)
	}
}

func TestTriggerUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	for _, args := range [][]string{{"text"}, {"check"}, {"text", "--tamper"}, {"text", "--repeat", "3"}} {
		at := strings.Replace(address, "http://", "http://me:password@", 1) + "/verify"
		out, err := runTrigger(t, accountEnv, append(args, "--url", at)...)
		expectTrigger(t, out, err, "nothing answers at http://me:xxxxx@127.0.0.1")
		if err != nil && (!strings.Contains(err.Error(), "--url") || strings.Contains(out+err.Error(), "password")) {
			t.Error(err)
		}
	}
}

func TestTriggerFields(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
		not  string
	}{
		{[]string{"text", "--content", "a;b,c ]]> d"}, []string{`<Content><!\[CDATA\[a;b,c \]\]\]\]><!\[CDATA\[> d\]\]></Content>`, `<MsgId>\d{19}</MsgId>`}, ""},
		{[]string{"CLICK", "--event-key", "menu,1"}, []string{`<Event><!\[CDATA\[CLICK\]\]>`, `<EventKey><!\[CDATA\[menu,1\]\]>`}, "MsgId"},
		{[]string{"text", "--from", "oMe", "--to", "gh_you"}, []string{`<ToUserName><!\[CDATA\[gh_you\]\]></ToUserName><FromUserName><!\[CDATA\[oMe\]\]>`}, ""},
		{[]string{"text", "--field", "MsgId=12345678901234567890", "--field", "New=a=b,c"}, []string{`<MsgId>12345678901234567890</MsgId><New><!\[CDATA\[a=b,c\]\]></New></xml>`}, ""},
		{[]string{"location", "--field", "Location_X=-0.5"}, []string{`<Location_X>-0\.5</Location_X>`}, ""},
		{[]string{"file", "--field", "Title=x.pdf"}, []string{`<MsgType><!\[CDATA\[file\]\]></MsgType><MsgId>\d+</MsgId><Title>`}, "Event"},
		{[]string{"card_pass_check", "--event", "--field", "CardId=1"}, []string{`<MsgType><!\[CDATA\[event\]\]></MsgType><Event><!\[CDATA\[card_pass_check\]\]></Event><CardId>`}, "MsgId"},
		{[]string{"subscribe", "--event"}, []string{`<Event><!\[CDATA\[subscribe\]\]></Event><EventKey>`}, ""},
		{[]string{"text", "--event"}, []string{`<Event><!\[CDATA\[text\]\]></Event>`}, "Content"},
	} {
		d := plainly()
		out, err := runTrigger(t, map[string]string{"WECHAT_TOKEN": triggerToken}, append(c.args, "--url", d.start(t))...)
		expectTrigger(t, out, err, "")
		if len(d.seen) != 1 {
			t.Fatalf("%v: %v", c.args, d.seen)
		}
		expectTrigger(t, d.seen[0], nil, "", c.want...)
		if c.not != "" && strings.Contains(d.seen[0], c.not) {
			t.Errorf("%v: %s", c.args, d.seen[0])
		}
	}
	out, err := runTrigger(t, accountEnv, "click", "--url", encrypting().start(t))
	expectTrigger(t, out, err, "", "note      CLICK is a type of WeChat's, click is not")
}

func TestTriggerReplies(t *testing.T) {
	d := encrypting()
	d.reply = "hello"
	out, err := runTrigger(t, accountEnv, "text", "--url", d.start(t))
	expectTrigger(t, out, err, "", "wechat    accepts this: a reply of type text", `reply     text, encrypted\n {10}<xml>.*<Content>hello</Content></xml>`)

	bare := encrypting()
	bare.reply, bare.answersPlain = "hello", true
	out, err = runTrigger(t, accountEnv, "text", "--url", bare.start(t))
	expectTrigger(t, out, err, "would not accept 1 of 1", "wechat    shows the user a notice: the reply to an encrypted push is not encrypted")
	out, err = runTrigger(t, accountEnv, "text", "--compatible", "--url", bare.start(t))
	expectTrigger(t, out, err, "", "reply     text, plain")

	wrong := encrypting()
	wrong.answersJSON = true
	out, err = runTrigger(t, accountEnv, "text", "--url", wrong.start(t))
	expectTrigger(t, out, err, "would not accept", "shows the user a notice: the answer to a push in XML is in JSON")
}

func TestTriggerRefusals(t *testing.T) {
	out, err := runTrigger(t, accountEnv, "text", "--no-encrypt", "--url", encrypting().start(t))
	expectTrigger(t, out, err, "would not accept", "push      text, plain mode", "problem   signature", "would repeat the push.*: status 403 instead of 200", "hint      a server that has an AES key refuses.*leave --no-encrypt away")
	out, err = runTrigger(t, nil, "text", "--url", encrypting().start(t))
	expectTrigger(t, out, err, "would not accept", "hint      this was signed for the simulated account: set WECHAT_TOKEN")

	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out\x1b[2J of order "+strings.Repeat("x", 1000), http.StatusBadGateway)
	}))
	defer down.Close()
	out, err = runTrigger(t, accountEnv, "text", "--url", down.URL)
	expectTrigger(t, out, err, "would not accept", "answer    502 Bad Gateway", `body      out.\[2J of order x+ \.\.\.\n`, "would repeat")
	if strings.ContainsRune(out, '\x1b') || len(out) > 1000 {
		t.Errorf("%q", out)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer broken.Close()
	out, err = runTrigger(t, accountEnv, "text", "--url", broken.URL)
	expectTrigger(t, out, err, "would not accept", "answer    none after", "would repeat the push.*: no answer: EOF")
	resetting := httptest.NewServer(http.HandlerFunc(reset))
	defer resetting.Close()
	out, err = runTrigger(t, accountEnv, "text", "--url", resetting.URL)
	expectTrigger(t, out, err, "would not accept", "would repeat the push.*: no answer: read tcp.*reset")
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

// TestTriggerRepeat: the same message, each time signed anew. The reply to a
// repeat may be the one that was stored.
func TestTriggerRepeat(t *testing.T) {
	d := encrypting()
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
	out, err := runTrigger(t, accountEnv, "text", "--repeat", "3", "--url", server.URL)
	expectTrigger(t, out, err, "", "delivery  1 of 3, nonce", "delivery  3 of 3, nonce")
	if strings.Count(out, "accepts this") != 3 || len(d.seen) != 3 || d.seen[0] != d.seen[2] {
		t.Errorf("%q\n%s", d.seen, out)
	}
	if len(signatures) != 3 || signatures[0] == signatures[1] || signatures[1] == signatures[2] {
		t.Error(signatures)
	}
	n := 0
	moody := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 2 {
			w.WriteHeader(500)
		}
	}))
	defer moody.Close()
	out, err = runTrigger(t, accountEnv, "text", "--repeat", "3", "--url", moody.URL)
	expectTrigger(t, out, err, "would not accept 1 of 3", "delivery  3 of 3")
}

func TestTriggerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := trigger{Type: "text", URL: encrypting().start(t), Repeat: 1, Token: "t", out: new(bytes.Buffer), getenv: func(string) string { return "" }}
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

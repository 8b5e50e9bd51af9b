package message

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"wechatfn/shared/account"
)

// Whatever is decrypted without an error was sealed for this account, and seals
// to the same again.
func FuzzDecrypt(f *testing.F) {
	key, err := parseAESKey(testKey)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "hello", textMessage} {
		f.Add([]byte("0123456789abcdef" + seed))
		f.Add(framed(seed, testAppID, uint32(len(seed)), []byte{1}))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		encrypted := string(plain)
		if len(plain)%16 == 0 && len(plain) > 0 {
			encrypted = key.raw(plain)
		}
		text, err := key.decrypt(encrypted, testAppID)
		if err != nil {
			if !errors.As(err, new(refusal)) {
				t.Errorf("not a refusal: %v", err)
			}
			return
		}
		if again := key.encrypt(plain[:16], string(text), testAppID); again != encrypted {
			t.Errorf("%q opens %q, and that is %q", encrypted, text, again)
		}
	})
}

// fuzzParse: what is read becomes JSON that is valid, and reads the same again.
func fuzzParse(t *testing.T, body []byte) {
	read, _, err := parse(body)
	if err != nil {
		if !errors.As(err, new(malformed)) {
			t.Errorf("not a malformed: %v", err)
		}
		return
	}
	m, err := read.message(account.Account{})
	if err != nil || !json.Valid(m.JSON) || !utf8.Valid(m.JSON) {
		t.Fatalf("%q became %q, %v", body, m.JSON, err)
	}
	again, isXML, err := parse(m.JSON)
	if err != nil || isXML {
		t.Fatalf("%q became %q: %v", body, m.JSON, err)
	}
	if n, err := again.message(account.Account{}); err != nil || string(n.JSON) != string(m.JSON) {
		t.Errorf("%q became %q and then %q", body, m.JSON, n.JSON)
	}
}

func FuzzXML(f *testing.F) {
	for _, seed := range []string{textMessage, eventMessage("1"), `<?xml version="1.0"?><xml><a><item>1</item><item/></a></xml>`, "<!DOCTYPE x><xml/>", "<xml><a>&amp;]]&gt;</a><b><![CDATA[]]]]><![CDATA[>]]></b></xml>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) { fuzzParse(t, body) })
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"MsgId":23637352235060880,"CreateTime":"1","a":{"b":[1,null,true,"\u0000"]}}`, `{"a":1,"a":2}`, `{"List":{"item":[[]]}}`, `{"CreateTime":1e400}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) { fuzzParse(t, body) })
}

// Whatever query and body come, the answer is one of those that are documented,
// and without the secrets it is a refusal.
func FuzzRequest(f *testing.F) {
	w := newFixture(f)
	now := time.Unix(1_714_112_445, 0)
	w.now = func() time.Time { return now }
	signed := w.signed(testToken, "x").Encode()
	for _, seed := range []struct{ method, query, body string }{
		{http.MethodGet, signed + "&echostr=1", ""},
		{http.MethodPost, signed, textMessage},
		{http.MethodPost, signed, `{"Encrypt":"x"}`},
		{http.MethodPost, "signature=%zz&app=shop", "<xml/>"},
	} {
		f.Add(seed.method == http.MethodPost, seed.query, seed.body)
	}
	f.Fuzz(func(t *testing.T, isPost bool, query, body string) {
		method := http.MethodGet
		if isPost {
			method = http.MethodPost
		}
		r := httptest.NewRequest(method, "/verify", strings.NewReader(body))
		r.URL.RawQuery = query
		got := w.serve(r)
		values, _ := url.ParseQuery(query)
		known := strings.Contains(query, Sign(testToken, values.Get("timestamp"), values.Get("nonce")))
		switch got.Code {
		case 200:
			if isPost || !known {
				t.Errorf("%s: %s", query, got.Body)
			}
		case 400, 403, 404, 413:
		default:
			t.Errorf("%d %s", got.Code, got.Body)
		}
	})
}

// A reply is refused or comes out whole, in either format.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{`{"MsgType":"text","Content":"]]>"}`, `{"MsgType":"news","Articles":[{"Title":"a"}]}`, `{"MsgType":"image","Image":{"MediaId":"m"}}`, "null", `{"Msgtype":"text"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseReply(text)
		if r == nil || err != nil {
			return
		}
		a := r.answerTo(&Message{FromUserName: "openid", ToUserName: "gh_1"}, 1)
		read, isXML, err := parse([]byte(a.xml()))
		if err != nil || !isXML || read.get("ToUserName") != "openid" || read.get("MsgType") != r.MsgType {
			t.Errorf("%q became %s: %v", text, a.xml(), err)
		}
		if r.MsgType == "text" && read.get("Content") != string(clean([]byte(strings.ReplaceAll(strings.ReplaceAll(r.Content, "\r\n", "\n"), "\r", "\n")))) {
			t.Errorf("%q became %q", r.Content, read.get("Content"))
		}
		if out, err := a.json(); err != nil || !json.Valid([]byte(out)) {
			t.Errorf("%q became %s: %v", text, out, err)
		}
	})
}

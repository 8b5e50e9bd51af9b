package message

import (
	"fmt"
	"strings"
	"testing"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
)

// A whole text push in secure mode: from the envelope to the message as JSON.
func BenchmarkOpen(b *testing.B) {
	ring, err := NewKeyring(testAppID, secret.Push{Token: secret.New(testToken), AESKey: secret.New(testKey)})
	if err != nil {
		b.Fatal(err)
	}
	encrypted := ring.keys[0].encrypt(make([]byte, 16), textMessage, testAppID)
	body := []byte("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>")
	q := &query{timestamp: "1714112445", nonce: "1514711492"}
	q.msgSignature = Sign(testToken, q.timestamp, q.nonce, encrypted)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.open(account.Account{Name: "shop", AppID: testAppID}, q, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	key, err := parseAESKey(testKey)
	if err != nil {
		b.Fatal(err)
	}
	encrypted := key.encrypt(make([]byte, 16), textMessage, testAppID)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := key.decrypt(encrypted, testAppID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkXML(b *testing.B) {
	body := []byte(textMessage)
	b.ReportAllocs()
	for b.Loop() {
		t, _, err := parse(body)
		if err == nil {
			_, err = t.message(account.Account{})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// The most work that an attacker can make with a body: each element has to be repaired.
func BenchmarkRepairCDATA(b *testing.B) {
	var body strings.Builder
	body.WriteString("<xml>&")
	for i := 0; body.Len() < 60_000; i++ {
		fmt.Fprintf(&body, "<a%x><![CDATA[]]></a%x>", i, i)
	}
	body.WriteString("</xml>")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := parse([]byte(body.String())); err == nil {
			b.Fatal("it was read")
		}
	}
}

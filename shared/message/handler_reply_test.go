package message

import (
	"encoding/xml"
	"strings"
	"testing"
)

// The reply is encrypted with the request's nonce, and the same bytes for all
// deliveries.
func TestReplyIsTheSameForAllDeliveries(t *testing.T) {
	w := newFixture(t)
	w.sink.reply = `{"MsgType":"text","Content":"收到 ]]> <b>"}`
	first := w.serve(w.sealed(textMessage))
	want(t, "first", first, 200, "<Encrypt><![CDATA[")
	var sealed struct{ Encrypt, MsgSignature, TimeStamp, Nonce string }
	if err := xml.Unmarshal(first.Body.Bytes(), &sealed); err != nil {
		t.Fatal(err)
	}
	if sealed.Nonce != "1514711492" || sealed.MsgSignature != Sign(testToken, sealed.TimeStamp, sealed.Nonce, sealed.Encrypt) {
		t.Errorf("%+v", sealed)
	}
	text, err := w.key(testKey).decrypt(sealed.Encrypt, testAppID)
	if err != nil {
		t.Fatal(err)
	}
	var reply struct {
		ToUserName, FromUserName, MsgType, Content string
		CreateTime                                 int64
	}
	if err := xml.Unmarshal(text, &reply); err != nil || reply.ToUserName != "openid" || reply.FromUserName != "gh_1" || reply.Content != "收到 ]]> <b>" || reply.CreateTime == 0 {
		t.Errorf("%s: %v", text, err)
	}
	if again := w.serve(w.sealed(textMessage)); again.Body.String() != first.Body.String() || again.Header().Get("Content-Type") != "application/xml; charset=utf-8" {
		t.Errorf("again: %s", again.Body)
	}
}

// A JSON push is answered in JSON.
func TestReplyInJSON(t *testing.T) {
	w := newFixture(t)
	w.plain()
	w.sink.reply = `{"MsgType":"transfer_customer_service"}`
	got := w.serve(w.post(w.signed(testToken, ""), `{"ToUserName":"gh_1","FromUserName":"openid","CreateTime":1,"MsgType":"text","Content":"x","MsgId":1}`))
	want(t, "plain", got, 200, `"MsgType":"transfer_customer_service"}`)
	if got.Header().Get("Content-Type") != "application/json" || !strings.HasPrefix(got.Body.String(), `{"ToUserName":"openid","FromUserName":"gh_1","CreateTime":`) {
		t.Errorf("%s %v", got.Body, got.Header())
	}
}

// A reply that cannot be used is logged and left out: the message is delivered.
func TestReplyNotUsable(t *testing.T) {
	w := newFixture(t)
	w.sink.reply = `{"MsgType":"text","Content":""}`
	want(t, "no content", w.serve(w.sealed(textMessage)), 200, "success")
	if !strings.Contains(w.log.String(), "reply not usable") {
		t.Error("the log does not say so")
	}
	w.sink.reply = `{"MsgType":"text","Content":"x"}`
	want(t, "nobody to reply to", w.serve(w.sealed(`{"MsgType":"text","MsgId":5}`)), 200, "success")
}

// A reply that the store could not hold is none.
func TestReplyTooLarge(t *testing.T) {
	w := newFixture(t)
	w.sink.reply = `{"MsgType":"text","Content":"` + strings.Repeat("]]>", 21_000) + `"}`
	for range 2 {
		want(t, "large", w.serve(w.sealed(textMessage)), 200, "success")
	}
	w.sink.only(t)
	w.sink.reply = `{"MsgType":"text","Content":"` + strings.Repeat("<", 60_000) + `"}`
	want(t, "large, and stored", w.serve(w.sealed(eventMessage("1"))), 200, "Encrypt")
	want(t, "again", w.serve(w.sealed(eventMessage("1"))), 200, "Encrypt")
}

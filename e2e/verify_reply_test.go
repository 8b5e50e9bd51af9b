package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim/push"
)

const replyText = "what the account replied"

const textReply = `{"MsgType":"text","Content":"` + replyText + ` <]]>&"}`

// The reply of the team's function reaches the sender in the mode and format of the push.
// If WeChat repeats the push, it gets the same bytes.
func TestReply(t *testing.T) { onEachDriver(t, testReply) }

func testReply(t *testing.T, launch launcher) {
	for _, c := range []struct {
		name      string
		change    []func(*push.Config)
		encrypted bool
	}{
		{"plain XML", []func(*push.Config){plain}, false},
		{"plain JSON", []func(*push.Config){plain, inJSON}, false},
		{"secure XML", nil, true},
		{"secure JSON", []func(*push.Config){inJSON}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx := newFixture(t, launch)
			fx.settings["REPLY_FUNCTION"] = replyName
			fx.private.plant(replyText)
			if !c.encrypted {
				fx.plainMode()
			}
			fx.replies.set(replying(textReply))
			verify := fx.start("verify")
			series := verify.pusher(c.change...).Series(fx.sample("text"))
			first := verify.again(series)
			if first.Verdict != push.Accepted || first.Reply == nil || first.Reply.Type != "text" || first.Reply.Encrypted != c.encrypted || !strings.Contains(first.Reply.Plain, replyText) {
				t.Fatalf("%v because of %s: answer %d %s", first.Verdict, first.Reason, first.Status, first.Body)
			}
			verify.wantCalls(calls{"PutItem push": 2})
			for range 3 {
				if d := verify.again(series); d.Verdict != push.Accepted || d.Body != first.Body || d.ContentType != first.ContentType {
					t.Errorf("%v because of %s: answer %s, then %s", d.Verdict, d.Reason, first.Body, d.Body)
				}
			}
			verify.wantCalls(calls{"PutItem push refused": 3})
			events, asked := fx.bus.want(1, 1), fx.replies.want(1)
			if len(events) != 1 || len(asked) != 1 || asked[0] != events[0].Detail {
				t.Errorf("the function was asked %q, on the bus is %+v", asked, events)
			}
		})
	}
}

func TestWeChatAcceptsEachTypeOfReply(t *testing.T) {
	onEachDriver(t, testWeChatAcceptsEachTypeOfReply)
}

func testWeChatAcceptsEachTypeOfReply(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.settings["REPLY_FUNCTION"] = replyName
	verify := fx.start("verify")
	for _, p := range []*push.Sender{verify.pusher(), verify.pusher(inJSON)} {
		for _, c := range []struct{ typ, reply string }{
			{"image", `{"MsgType":"image","Image":{"MediaId":"m"}}`},
			{"voice", `{"MsgType":"voice","Voice":{"MediaId":"m"}}`},
			{"video", `{"MsgType":"video","Video":{"MediaId":"m","Title":"t"}}`},
			{"music", `{"MsgType":"music","Music":{"Title":"t","ThumbMediaId":"m"}}`},
			{"news", `{"MsgType":"news","Articles":[{"Title":"t","Description":"","PicUrl":"","Url":"https://www.example.com/?a=1&b=2"},{"Title":"u"}]}`},
			{"transfer_customer_service", `{"MsgType":"transfer_customer_service","TransInfo":{"KfAccount":"a@b"}}`},
		} {
			t.Run(c.typ, func(t *testing.T) {
				fx.replies.set(replying(c.reply))
				d := verify.deliver(p, fx.sample("text"))
				if d.Verdict != push.Accepted || d.Reply == nil || d.Reply.Type != c.typ {
					t.Errorf("%v because of %s: answer %d %s", d.Verdict, d.Reason, d.Status, d.Body)
				}
			})
		}
	}
}

// The message has been delivered, so the answer to WeChat is success even if there is no
// reply. The log says what went wrong.
func TestNoReply(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		logged string // as an error; empty: nothing

	}{
		{"none", replying("null"), ""},
		{"an empty one", replying("{}"), ""},
		{"success", replying(`"success"`), ""},
		{"an error", failing(`{"errorMessage":"` + messageText + `","errorType":"Error"}`), "reply failed"},
		{"throttled", refusing(http.StatusTooManyRequests, "TooManyRequestsException"), "reply failed"},
		{"not there", refusing(http.StatusNotFound, "ResourceNotFoundException"), "reply failed"},
		{"not JSON", replying(messageText), "reply not usable"},
		{"no text in it", replying(`{"MsgType":"text"}`), "reply not usable"},
		{"a misspelt name", replying(`{"MsgType":"text","content ":"` + messageText + `"}`), "reply not usable"},
		{"of an odd type", replying(`{"MsgType":"poem","Content":"` + messageText + `"}`), "reply not usable"},
		{"of another type", replying(`{"MsgType":"text","Content":"` + messageText + `","Image":{"MediaId":"m"}}`), "reply not usable"},
		{"a number", replying(`{"MsgType":"text","Content":7}`), "reply not usable"},
		{"an HTTP response", replying(`{"statusCode":200,"body":"` + messageText + `"}`), "reply not usable"},
		{"two", replying(textReply + textReply), "reply not usable"},
		{"far too long", replying(`{"MsgType":"text","Content":"` + strings.Repeat(messageText, 70_000/len(messageText)) + `"}`), "reply not usable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx := newFixture(t, runtimeAPI)
			fx.settings["REPLY_FUNCTION"] = replyName
			fx.private.plant(replyText)
			fx.replies.set(c.answer)
			verify := fx.start("verify")
			p, m := verify.pusher(), fx.sample("text")
			wantAccepted(t, verify.deliver(p, m))
			wantAccepted(t, verify.deliver(p, m))
			fx.bus.want(1, 1)
			fx.replies.want(1) // it is not called twice: it may have done something
			verify.wantErrors(c.logged)
		})
	}
}

// wantErrors ends the function, and checks that its log has this error only, or none if
// want is empty.
func (f *function) wantErrors(want string) {
	f.fx.Helper()
	f.Close()
	var got string
	for _, text := range f.Logs() {
		var line struct{ Level, Msg, Error string }
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			f.fx.Errorf("log %s: %v", text, err)
		}
		if line.Level == "ERROR" {
			got += line.Msg
		}
		if len(text) > 1000 {
			f.fx.Errorf("a log line of %d bytes: %.200s", len(text), text)
		}
	}
	if got != want {
		f.fx.Errorf("the log has the errors %q, want %q: %q", got, want, f.Logs())
	}
}

// The function for replies is not called if the message was not delivered.
func TestNoReplyWithoutADelivery(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.settings["REPLY_FUNCTION"] = replyName
	fx.replies.set(replying(textReply))
	verify := fx.start("verify")
	fx.bus.next("AccessDeniedException")
	series := verify.pusher().Series(fx.sample("text"))
	wantRefused(t, verify.again(series), http.StatusInternalServerError, "delivery_failed")
	fx.replies.want(0)
	if d := verify.again(series); d.Verdict != push.Accepted || d.Reply == nil {
		t.Errorf("%v because of %s: answer %s", d.Verdict, d.Reason, d.Body)
	}
	fx.replies.want(1)
}

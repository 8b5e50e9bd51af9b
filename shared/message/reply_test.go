package message

import (
	"strings"
	"testing"
)

// Every type, as WeChat's pages show it, in both formats.
func TestRepliesAreWrittenInXMLAndJSON(t *testing.T) {
	m := &Message{FromUserName: "openid", ToUserName: "gh_1"}
	for _, c := range []struct{ in, xml string }{
		{`{"MsgType":"text","Content":"a]]>b\u0001"}`, `<Content><![CDATA[a]]]]><![CDATA[>b�]]></Content>`},
		{`{"MsgType":"image","Image":{"MediaId":"m"}}`, `<Image><MediaId><![CDATA[m]]></MediaId></Image>`},
		{`{"MsgType":"voice","Voice":{"MediaId":"m"}}`, `<Voice><MediaId><![CDATA[m]]></MediaId></Voice>`},
		{`{"MsgType":"video","Video":{"MediaId":"m"}}`, `<Video><MediaId><![CDATA[m]]></MediaId></Video>`},
		{`{"MsgType":"video","Video":{"MediaId":"m","Title":"t","Description":"d"}}`,
			`<Video><MediaId><![CDATA[m]]></MediaId><Title><![CDATA[t]]></Title><Description><![CDATA[d]]></Description></Video>`},
		{`{"MsgType":"music","Music":{"Title":"t","Description":"d","MusicUrl":"u","HQMusicUrl":"h","ThumbMediaId":"m"}}`,
			`<Music><Title><![CDATA[t]]></Title><Description><![CDATA[d]]></Description><MusicUrl><![CDATA[u]]></MusicUrl><HQMusicUrl><![CDATA[h]]></HQMusicUrl><ThumbMediaId><![CDATA[m]]></ThumbMediaId></Music>`},
		{`{"MsgType":"news","Articles":[{"Title":"1","Description":"d","PicUrl":"p","Url":"u"},{"Title":"2"}]}`,
			`<ArticleCount>2</ArticleCount><Articles><item><Title><![CDATA[1]]></Title><Description><![CDATA[d]]></Description><PicUrl><![CDATA[p]]></PicUrl><Url><![CDATA[u]]></Url></item>` +
				`<item><Title><![CDATA[2]]></Title><Description><![CDATA[]]></Description><PicUrl><![CDATA[]]></PicUrl><Url><![CDATA[]]></Url></item></Articles>`},
		{`{"MsgType":"transfer_customer_service"}`, ``},
		{`{"MsgType":"transfer_customer_service","TransInfo":{"KfAccount":"k@x"}}`, `<TransInfo><KfAccount><![CDATA[k@x]]></KfAccount></TransInfo>`},
	} {
		t.Run(c.in, func(t *testing.T) {
			r, err := parseReply([]byte(c.in))
			if err != nil {
				t.Errorf("%s: %v", c.in, err)
				return
			}
			a := r.answerTo(m, 1714112445)
			want := `<xml><ToUserName><![CDATA[openid]]></ToUserName><FromUserName><![CDATA[gh_1]]></FromUserName><CreateTime>1714112445</CreateTime><MsgType><![CDATA[` + r.MsgType + `]]></MsgType>` + c.xml + `</xml>`
			if got := a.xml(); got != want {
				t.Errorf("%s:\n%s, want\n%s", c.in, got, want)
			}
			text, err := a.json()
			c.in = strings.Replace(c.in, `"Url":"u"},{"Title":"2"}]`, `"Url":"u"},{"Title":"2"}],"ArticleCount":2`, 1)
			if want := `{"ToUserName":"openid","FromUserName":"gh_1","CreateTime":1714112445,` + c.in[1:]; err != nil || text != strings.ReplaceAll(want, `{"Title":"2"}`, `{"Title":"2","Description":"","PicUrl":"","Url":""}`) {
				t.Errorf("%s, want\n%s, %v", text, want, err)
			}
		})
	}
}

func TestNoReply(t *testing.T) {
	for _, c := range []struct{ name, in string }{
		{"nothing", ""},
		{"white space", " \n"},
		{"null", "null"},
		{"null in white space", " null "},
		{"empty object", "{}"},
		{"empty text", `""`},
		{"the text success", `"success"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r, err := parseReply([]byte(c.in)); r != nil || err != nil {
				t.Errorf("%q: %v, %v", c.in, r, err)
			}
		})
	}
}

// An error names the field that is wrong and never quotes its value.
func TestRepliesRefused(t *testing.T) {
	for _, c := range []struct {
		name, in, why string
	}{
		{"text that is not JSON", "canary", "it is not JSON"},
		{"cut JSON", `{"MsgType":"text"`, "it is not JSON"},
		{"text after the object", `{"MsgType":"text"} more`, "something follows"},
		{"array", `[]`, "it is not a JSON object"},
		{"two objects", `{"MsgType":"text","Content":"x"}{}`, "something follows"},
		{"Content is a number", `{"MsgType":"text","Content":5}`, "Content is not a text"},
		{"unknown field", `{"MsgType":"text","Text":"canary"}`, `unknown field "Text"`},
		{"unknown MsgType", `{"MsgType":"canary"}`, `MsgType "canary" is none that can be a reply`},
		{"no MsgType", `{"Content":"canary"}`, `MsgType "" is none`},
		{"text without Content", `{"MsgType":"text"}`, "needs Content"},
		{"image without Image", `{"MsgType":"image"}`, "needs Image.MediaId"},
		{"empty Image", `{"MsgType":"image","Image":{}}`, "needs Image.MediaId"},
		{"empty MediaId of a voice", `{"MsgType":"voice","Voice":{"MediaId":""}}`, "needs Voice.MediaId"},
		{"video without MediaId", `{"MsgType":"video","Video":{"Title":"x"}}`, "needs Video.MediaId"},
		{"music without ThumbMediaId", `{"MsgType":"music","Music":{"Title":"x"}}`, "needs Music.ThumbMediaId"},
		{"news without an article", `{"MsgType":"news","Articles":[]}`, "needs Articles"},
		{"nine articles", `{"MsgType":"news","Articles":[{"Title":"1"},{"Title":"2"},{"Title":"3"},{"Title":"4"},{"Title":"5"},{"Title":"6"},{"Title":"7"},{"Title":"8"},{"Title":"9"}]}`, "9 Articles, the limit is 8"},
		{"article without Title", `{"MsgType":"news","Articles":[{"Title":"1"},{"Url":"u"}]}`, "needs a Title in each"},
		{"Articles is an object", `{"MsgType":"news","Articles":{"Title":"canary"}}`, "Articles is not a list"},
		{"Image is a text", `{"MsgType":"image","Image":"canary"}`, "Image is not an object"},
		{"text with an Image", `{"MsgType":"text","Content":"x","Image":{"MediaId":"m"}}`, "parts of another type"},
		{"customer service with Content", `{"MsgType":"transfer_customer_service","Content":"canary"}`, "parts of another type"},
		{"empty TransInfo", `{"MsgType":"transfer_customer_service","TransInfo":{}}`, "needs TransInfo.KfAccount"},
		{"too long", `{"MsgType":"text","Content":"` + strings.Repeat("x", maxReplyBytes) + `"}`, "the limit is 65536"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := parseReply([]byte(c.in))
			if err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%.80s: %v, %v, want %s", c.in, r, err, c.why)
			}
			if err != nil && strings.Contains(err.Error(), "canary") && !strings.Contains(c.why, "canary") {
				t.Errorf("%s is quoted: %v", c.in, err)
			}
		})
	}
}

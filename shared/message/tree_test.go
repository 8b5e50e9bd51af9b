package message

import (
	"errors"
	"strings"
	"testing"

	"wechatfn/shared/account"
)

func TestMessagesAreConvertedToJSON(t *testing.T) {
	for _, c := range []struct{ name, in, json string }{
		{"text", textMessage,
			`{"ToUserName":"gh_1","FromUserName":"openid","CreateTime":1714112445,"MsgType":"text","Content":"你好","MsgId":"6272960105994287618"}`},
		{"coordinates", `<xml><Location_X>23.134521</Location_X><Scale> 20 </Scale><Latitude>-1.5</Latitude><Precision>1e2</Precision><Label><![CDATA[7]]></Label></xml>`,
			`{"Location_X":23.134521,"Scale":20,"Latitude":-1.5,"Precision":1e2,"Label":"7"}`},
		{"not numbers after all", `<xml><CreateTime>soon</CreateTime><Scale>020</Scale><Latitude></Latitude></xml>`,
			`{"CreateTime":"soon","Scale":"020","Latitude":""}`},
		{"a list of one", `<xml><SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum><![CDATA[a]]></PicMd5Sum></item></PicList></SendPicsInfo></xml>`,
			`{"SendPicsInfo":{"Count":"1","PicList":{"item":[{"PicMd5Sum":"a"}]}}}`},
		{"a list of two, and what repeats", `<xml><E><List><A>1</A></List><List><A>2</A></List><B>1</B><B>2</B><B>3</B></E></xml>`,
			`{"E":{"List":[{"A":"1"},{"A":"2"}],"B":["1","2","3"]}}`},
		{"declaration, comments, space, entities", "\uFEFF<?xml version=\"1.0\"?>\n<xml>\n <!-- x -->\n <Content>a &lt;b&gt; &#65;</Content>\n <Empty/>\n</xml>\n<!-- end -->\n",
			`{"Content":"a <b> A","Empty":""}`},
		{"CDATA in two", `<xml><Content><![CDATA[a]]]]><![CDATA[>b]]></Content></xml>`, `{"Content":"a]]>b"}`},
		{"control characters and bytes that are not UTF-8", "<xml><Content>a\x01b\xffc\uFFFEd</Content></xml>", `{"Content":"a�b�c�d"}`},
		{"JSON", `{"ToUserName":"gh_1","CreateTime":"1714037059","MsgId":23637352235060880,"Event":"x","n":null,"t":true,"deep":{"list":[1,"a",{"b":[]}]}}`,
			`{"ToUserName":"gh_1","CreateTime":1714037059,"MsgId":"23637352235060880","Event":"x","n":null,"t":true,"deep":{"list":[1,"a",{"b":[]}]}}`},
		{"JSON with raw control characters", "{\"Content\":\"a\x14b\nc\"}\n\x00", `{"Content":"a b c"}`},
		{"XML with a NUL at the end", "<xml><a>1</a></xml>\x00", `{"a":"1"}`},
		{"objects that repeat at the root", `<xml><Count>2</Count><Actions><T>1</T></Actions><Actions><T>2</T></Actions></xml>`, `{"Count":"2","Actions":[{"T":"1"},{"T":"2"}]}`},
		{"one of them", `<xml><Actions><T>1</T></Actions><detail><d>1</d></detail></xml>`, `{"Actions":[{"T":"1"}],"detail":[{"d":"1"}]}`},
		{"or a text", `<xml><detail>text</detail></xml>`, `{"detail":"text"}`},
		{"a mark at the root", `<xml><a>1</a>webwx_msg_cli_ver_0x1</xml>`, `{"a":"1"}`},
		{"a text with an end of CDATA", `<xml><Content><![CDATA[a]]>b</status>]]]></Content><c><![CDATA[1]]></c></xml>`, `{"Content":"a]]>b</status>]","c":"1"}`},
		{"an element's own end in its text", `<xml><Content><![CDATA[x]]></Content><Event><![CDATA[y]]></Content></xml>`, `{"Content":"x]]></Content><Event><![CDATA[y"}`},
		{"deep inside", `<xml><a><b><Location_X>23</Location_X><MsgId>7</MsgId></b></a></xml>`, `{"a":{"b":{"Location_X":23,"MsgId":"7"}}}`},
		{"deep inside, in JSON", `{"List":{"MsgId":23637352235060880},"a":[{"CreateTime":"5"}]}`, `{"List":[{"MsgId":"23637352235060880"}],"a":[{"CreateTime":5}]}`},
		{"JSON is not escaped for HTML", `{"Content":"<a href='x'>\u003c/a>&"}`, `{"Content":"<a href='x'></a>&"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			read, _, err := parse([]byte(c.in))
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				return
			}
			m, err := read.message(account.Account{})
			if err != nil || string(m.JSON) != c.json {
				t.Errorf("%s:\n%s, %v, want\n%s", c.name, m.JSON, err, c.json)
			}
		})
	}
}

func TestCommonFields(t *testing.T) {
	read, isXML, err := parse([]byte(textMessage))
	if err != nil || !isXML {
		t.Fatal(err)
	}
	m, err := read.message(account.Account{Name: "shop", AppID: testAppID})
	if err != nil {
		t.Fatal(err)
	}
	if m.JSON = nil; m.App != "shop" || m.AppID != testAppID || m.MsgType != "text" || m.FromUserName != "openid" || m.ToUserName != "gh_1" || m.CreateTime != 1714112445 || m.MsgID != "6272960105994287618" || m.Event != "" {
		t.Errorf("%+v", m)
	}
}

// What is no id, and what is no text, is not taken for one.
func TestMsgIDIsATextOrAPositiveNumber(t *testing.T) {
	for _, c := range []struct {
		in   string
		want string
	}{
		{`{"MsgId":"6272960105994287618"}`, "6272960105994287618"},
		{`{"MsgId":6272960105994287618}`, "6272960105994287618"},
		{`<xml><MsgID> 7 </MsgID></xml>`, "7"},
		{`<xml><MsgId>7</MsgId><MsgID>8</MsgID></xml>`, "7"},
		{`{"MsgId":0,"MsgID":9}`, "9"},
		{`{"MsgId":null}`, ""},
		{`{"MsgId":"0"}`, ""},
		{`{"MsgId":" "}`, ""},
		{`{"MsgId":false}`, ""},
		{`{"MsgId":-1}`, ""},
		{`{"MsgId":"x"}`, ""},
		{`{"MsgId":{"a":1}}`, ""},
	} {
		t.Run(c.in, func(t *testing.T) {
			read, _, err := parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			m, err := read.message(account.Account{})
			if err != nil || m.MsgID != c.want {
				t.Errorf("%s: %q, %v, want %q", c.in, m.MsgID, err, c.want)
			}
		})
	}
	read, _, _ := parse([]byte(`{"ToUserName":null,"MsgType":true,"FromUserName":5}`))
	if m, err := read.message(account.Account{}); err != nil || m.ToUserName != "" || m.MsgType != "" || m.FromUserName != "5" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestTypeOfAnEventIsItsEvent(t *testing.T) {
	for _, c := range []struct {
		want string
		m    Message
	}{
		{"text", Message{MsgType: "text", Event: "ignored"}},
		{"subscribe", Message{MsgType: "event", Event: "subscribe"}},
		{"event", Message{MsgType: "event"}},
		{"SCAN", Message{MsgType: "Event", Event: "SCAN"}},
		{"unknown", Message{}},
	} {
		t.Run(c.want, func(t *testing.T) {
			if got := c.m.Type(); got != c.want {
				t.Errorf("%+v is %s, want %s", c.m, got, c.want)
			}
		})
	}
}

// What is refused, and why. Nothing of the body is quoted.
func TestMalformed(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for _, c := range []struct{ name, in, why string }{
		{"nothing", "", "it is empty"},
		{"space", " \n\t", "it is empty"},
		{"neither", "hello canary", "it is neither XML nor JSON"},
		{"document type", `<!DOCTYPE xml><xml><a>1</a></xml>`, "it holds a document type"},
		{"document type inside", `<xml><!DOCTYPE xml><a>1</a></xml>`, "it holds a document type"},
		{"entities", `<!DOCTYPE x [<!ENTITY a "canary">]><xml><a>&a;</a></xml>`, "it holds a document type"},
		{"unknown entity", `<xml><a>&canary;</a></xml>`, "it is not well-formed XML"},
		{"another root", `<html><a>1</a></html>`, "the root is not <xml>"},
		{"text as a root", `<xml>canary</xml>`, "the root holds no elements"},
		{"two roots", `<xml><a>1</a></xml><xml><a>2</a></xml>`, "something follows the root"},
		{"text after the root", `<xml><a>1</a></xml>canary`, "something follows the root"},
		{"an element twice", `<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>`, `field "MsgType" occurs twice`},
		{"a list element twice at the root", `<xml><List>1</List><List>2</List></xml>`, `field "List" occurs twice`},
		{"an attribute", `<xml><a canary="1">1</a></xml>`, "it holds an attribute or a namespace"},
		{"a namespace", `<xml xmlns="canary"><a>1</a></xml>`, "it holds an attribute or a namespace"},
		{"a prefix", `<xml><a:b>1</a:b></xml>`, "it holds an attribute or a namespace"},
		{"an element and its like", `<xml><a><b>1</b></a><a>canary</a></xml>`, `field "a" occurs twice`},
		{"and the other way round", `<xml><a>canary</a><a><b>1</b></a></xml>`, `field "a" occurs twice`},
		{"and thrice", `<xml><a><b>1</b></a><a><b>1</b></a><a>canary</a></xml>`, `field "a" occurs twice`},
		{"CDATA that does not end", `<xml><a><![CDATA[canary</a></xml>`, "it is not well-formed XML"},
		{"text beside elements", `<xml><o><a>1</a>canary</o></xml>`, "it has text beside elements"},
		{"cut off", `<xml><a>canary`, "it is not well-formed XML"},
		{"crossed", `<xml><a><b></a></b></xml>`, "it is not well-formed XML"},
		{"another charset", `<?xml version="1.0" encoding="gb2312"?><xml><a>1</a></xml>`, "it is not well-formed XML"},
		{"too deep", `<xml>` + nested(maxDepth) + `</xml>`, "it is nested too deeply"},
		{"very deep", `<xml>` + strings.Repeat("<a>", 20_000), "it is nested too deeply"},
		{"too many", `<xml><l>` + strings.Repeat("<a/>", maxFields) + `</l></xml>`, "it has too many fields"},
		{"JSON too deep", strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), "it is nested too deeply"},
		{"JSON very deep", strings.Repeat("[", 60_000), "it is nested too deeply"},
		{"JSON too many", `{"l":[` + strings.Repeat("1,", maxFields) + `1]}`, "it has too many fields"},
		{"JSON twice", `{"MsgType":"text","MsgType":"event"}`, `field "MsgType" occurs twice`},
		{"JSON twice, escaped", `{"MsgType":"text","Msg\u0054ype":"event"}`, `field "MsgType" occurs twice`},
		{"JSON twice inside", `{"a":{"b":1,"b":2}}`, `field "b" occurs twice`},
		{"JSON list", `[{"a":1}]`, "it is neither XML nor a JSON object"},
		{"JSON text", `"canary"`, "it is neither XML nor a JSON object"},
		{"two JSON values", `{"a":1}{"a":2}`, "something follows the object"},
		{"JSON and then text", `{"a":1}canary`, "something follows the object"},
		{"JSON cut off", `{"a":"canary`, "it is neither XML nor JSON"},
		{"JSON with a comma", `{"a":1,}`, "it is neither XML nor JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := parse([]byte(c.in))
			if why, ok := errors.AsType[malformed](err); !ok || string(why) != c.why {
				t.Errorf("%s: %v, want %s", c.name, err, c.why)
			}
		})
	}
}

func TestDeepEnough(t *testing.T) {
	in := `<xml>` + strings.Repeat("<a>", maxDepth-1) + strings.Repeat("</a>", maxDepth-1) + `</xml>`
	if _, _, err := parse([]byte(in)); err != nil {
		t.Error(err)
	}
	in = strings.Repeat(`{"a":`, maxDepth) + "1" + strings.Repeat("}", maxDepth)
	if _, _, err := parse([]byte(in)); err != nil {
		t.Error(err)
	}
}

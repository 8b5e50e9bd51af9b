package push

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestMessageForms(t *testing.T) {
	m := Message{
		{"Text", `a ]]> b ]]]]>> & < > "`}, {"Empty", ""}, {"Lines", "x\r\n\ty"},
		{"Id", uint64(18446744073709551615)}, {"Int", -1}, {"Point", json.Number("23.10")},
		{"Inner", Message{{"A", 1}, {"B", Message{}}}},
		{"Item", []Message{{{"C", "1"}}, {{"C", "2"}}}}, {"None", []Message{}},
		{"Event", Inline{{"D", 1}, {"E", "2"}}},
	}
	const wantXML = `<xml><Text><![CDATA[a ]]]]><![CDATA[> b ]]]]]]><![CDATA[>> & < > "]]></Text><Empty><![CDATA[]]></Empty>` +
		"<Lines><![CDATA[x\r\n\ty]]></Lines>" +
		`<Id>18446744073709551615</Id><Int>-1</Int><Point>23.10</Point><Inner><A>1</A><B></B></Inner>` +
		`<Item><C><![CDATA[1]]></C></Item><Item><C><![CDATA[2]]></C></Item><Event><D>1</D><E><![CDATA[2]]></E></Event></xml>`
	const wantJSON = `{"Text":"a ]]> b ]]]]>> & < > \"","Empty":"","Lines":"x\r\n\ty",` +
		`"Id":18446744073709551615,"Int":-1,"Point":23.10,"Inner":{"A":1,"B":{}},` +
		`"Item":[{"C":"1"},{"C":"2"}],"None":[],"D":1,"E":"2"}`
	inXML, err := m.XML()
	if err != nil || string(inXML) != wantXML {
		t.Errorf("%v\n%s\nwant\n%s", err, inXML, wantXML)
	}
	asJSON, err := m.JSON()
	if err != nil || string(asJSON) != wantJSON || !json.Valid(asJSON) {
		t.Errorf("%v\n%s\nwant\n%s", err, asJSON, wantJSON)
	}
	root, err := parseXML(string(inXML))
	must(t, err)
	if f, err := root.one("Text"); err != nil || f.text != m.Text("Text") {
		t.Errorf("read back: %v, %+v", err, f)
	}
}

func TestMessageOddValues(t *testing.T) {
	for _, m := range []Message{
		{{"A", 1.5}}, {{"A", nil}}, {{"A", Message{{"B", true}}}}, {{"A", []Message{{{"B", []string{}}}}}}, {{"A", Inline{{"B", false}}}},
	} {
		_, err := m.XML()
		mustContain(t, err, "has a value of type")
		_, err = m.JSON()
		mustContain(t, err, "has a value of type")
		_, err = sender(t, says(200, "")).Push(t.Context(), m)
		mustContain(t, err, "has a value of type")
	}
}

func TestMessageWith(t *testing.T) {
	m := Message{{"A", "1"}, {"B", 2}}
	changed := m.With("A", "x").With("C", "3")
	if fmt.Sprint(changed) != "[{A x} {B 2} {C 3}]" || fmt.Sprint(m) != "[{A 1} {B 2}]" {
		t.Error(changed, m)
	}
	if m.Text("B") != "2" || m.Text("X") != "" || (Message{{"A", Message{}}}).Text("A") != "" {
		t.Error("Text")
	}
}

func TestSampleMessages(t *testing.T) {
	want := strings.Fields(`text image voice video shortvideo location link
		miniprogrampage user_enter_tempsession wxa_media_check
		CLICK VIEW view_miniprogram scancode_push scancode_waitmsg pic_sysphoto pic_photo_or_album pic_weixin location_select
		subscribe subscribe_scan unsubscribe SCAN LOCATION TEMPLATESENDJOBFINISH MASSSENDJOBFINISH subscribe_msg_popup_event`)
	if !slices.Equal(SampleTypes(), want) {
		t.Errorf("%v", SampleTypes())
	}
	const id = 18446744073709551615
	for _, name := range want {
		m, ok := SampleMessage(name, openID, ghID, start, id)
		if !ok || m[0] != (Field{"ToUserName", ghID}) || m[1] != (Field{"FromUserName", openID}) || m[2] != (Field{"CreateTime", start.Unix()}) {
			t.Errorf("%s: %v", name, m)
		}
		wantType, wantEvent := name, ""
		if !slices.Contains(want[:8], name) {
			wantType, wantEvent = "event", strings.TrimSuffix(name, "_scan")
		} else if m.Text("MsgId") != "18446744073709551615" {
			t.Errorf("%s: no MsgId", name)
		}
		if m.Text("MsgType") != wantType || m.Text("Event") != wantEvent {
			t.Errorf("%s: %v", name, m)
		}
		inXML, err := m.XML()
		must(t, err)
		if _, err := parseXML(string(inXML)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		asJSON, err := m.JSON()
		if err != nil || !json.Valid(asJSON) {
			t.Errorf("%s: %v: %s", name, err, asJSON)
		}
	}
	if m, ok := SampleMessage("click", openID, ghID, start, 1); ok {
		t.Errorf("capitals count: %v", m)
	}
}

// TestSampleForms are the nested ones, as WeChat's pages show them.
func TestSampleForms(t *testing.T) {
	for name, want := range map[string]string{
		"location":                  `<MsgType><![CDATA[location]]></MsgType><Location_X>23.134521</Location_X><Location_Y>113.358803</Location_Y><Scale>20</Scale><Label><![CDATA[广州市海珠区]]></Label><MsgId>7</MsgId></xml>`,
		"subscribe_scan":            `<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_123123]]></EventKey><Ticket><![CDATA[gQ`,
		"scancode_push":             `<EventKey><![CDATA[key-scan]]></EventKey><ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[https://www.example.com/?q=1]]></ScanResult></ScanCodeInfo></xml>`,
		"pic_sysphoto":              `<SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum><![CDATA[1b5f7c23b5bf75682a53e7b6d163e185]]></PicMd5Sum></item><item><PicMd5Sum>`,
		"location_select":           `<SendLocationInfo><Location_X><![CDATA[23]]></Location_X><Location_Y><![CDATA[113]]></Location_Y><Scale><![CDATA[15]]></Scale><Label><![CDATA[广州市海珠区]]></Label><Poiname><![CDATA[]]></Poiname></SendLocationInfo></xml>`,
		"subscribe_msg_popup_event": `<SubscribeMsgPopupEvent><List><TemplateId><![CDATA[VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc]]></TemplateId><SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString><PopupScene>2</PopupScene></List><List>`,
		"TEMPLATESENDJOBFINISH":     `<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>7</MsgID><Status><![CDATA[success]]></Status></xml>`,
		"MASSSENDJOBFINISH":         `<CopyrightCheckResult><Count>0</Count><ResultList></ResultList><CheckState>0</CheckState></CopyrightCheckResult><ArticleUrlResult>`,
	} {
		m, _ := SampleMessage(name, openID, ghID, start, 7)
		if got, err := m.XML(); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
	for name, want := range map[string]string{
		"subscribe_msg_popup_event": `"Event":"subscribe_msg_popup_event","List":[{"TemplateId":`,
		"wxa_media_check":           `"version":2,"detail":[{"strategy":"content_model","errcode":0,"suggest":"pass","label":100,"prob":90}],"errcode":0,"errmsg":"ok","result":{"suggest":"pass","label":100}}`,
		"miniprogrampage":           `"MsgType":"miniprogrampage","MsgId":7,"Title":"A card"`,
	} {
		m, _ := SampleMessage(name, openID, ghID, start, 7)
		if got, err := m.JSON(); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
}

// TestEveryForm opens each sample as a developer does, in all modes and formats.
func TestEveryForm(t *testing.T) {
	for _, name := range SampleTypes() {
		m, _ := SampleMessage(name, openID, ghID, start, 7)
		for _, mode := range []Mode{Plain, Compatible, Secure} {
			for _, asJSON := range []bool{false, true} {
				p := sender(t, nil, func(c *Config) { c.Mode, c.JSON, c.URL = mode, asJSON, c.URL+"?app=a%20b&x" })
				req, err := p.Request(t.Context(), m)
				must(t, err)
				plain, err := p.Write(m)
				must(t, err)
				expectForm(t, p, req, plain)
			}
		}
	}
}

func expectForm(t *testing.T, p *Sender, req *http.Request, plain []byte) {
	t.Helper()
	body, err := io.ReadAll(req.Body)
	must(t, err)
	own, query, _ := strings.Cut(req.URL.RawQuery, "&signature=")
	q, err := url.ParseQuery("signature=" + query)
	must(t, err)
	root, err := p.parse(string(body))
	must(t, err)
	wantType := "text/xml"
	if p.cfg.JSON {
		wantType = "application/json"
	}
	if own != "app=a%20b&x" || q.Get("openid") != openID || req.Method != "POST" || req.Header.Get("Content-Type") != wantType ||
		q.Get("signature") != sign(testToken, q.Get("timestamp"), q.Get("nonce")) {
		t.Errorf("%v %v", req.URL, req.Header)
	}
	if p.cfg.Mode == Plain {
		if string(body) != string(plain) || len(q) != 4 {
			t.Errorf("%v %s", req.URL, body)
		}
		return
	}
	encrypted, err := root.filled("Encrypt")
	must(t, err)
	opened, err := unseal(p.key, encrypted, appID)
	if err != nil || string(opened) != string(plain) {
		t.Errorf("%v: %s", err, opened)
	}
	if q.Get("msg_signature") != sign(testToken, q.Get("timestamp"), q.Get("nonce"), encrypted) || q.Get("encrypt_type") != "aes" || len(q) != 6 {
		t.Errorf("%v", req.URL)
	}
	want, err := p.parse(string(plain))
	must(t, err)
	fields := len(want.fields) + 1
	if p.cfg.Mode == Secure {
		fields = 2
	}
	if to, err := root.filled("ToUserName"); err != nil || to != ghID || len(root.fields) != fields || root.fields[fields-1].name != "Encrypt" {
		t.Errorf("%v: %s", err, body)
	}
}

func TestRequestRaw(t *testing.T) {
	p := sender(t, nil, compatible)
	req, err := p.RequestRaw(t.Context(), []byte("<!DOCTYPE xml><xml>\n</xml>\n"), ghID, openID)
	must(t, err)
	body, _ := io.ReadAll(req.Body)
	if !strings.HasPrefix(string(body), "<!DOCTYPE xml><xml>\n<Encrypt><![CDATA[") || !strings.HasSuffix(string(body), "]]></Encrypt></xml>\n") {
		t.Errorf("%s", body)
	}
	_, err = p.RequestRaw(t.Context(), []byte("hello"), ghID, openID)
	mustContain(t, err, "no end to put Encrypt before")

	p = sender(t, nil, secure)
	const odd = "o+a&b=c d%"
	req, err = p.RequestRaw(t.Context(), []byte("anything"), ghID, odd)
	must(t, err)
	if got := req.URL.Query().Get("openid"); got != odd {
		t.Error(got)
	}
	body, _ = io.ReadAll(req.Body)
	root, err := parseXML(string(body))
	must(t, err)
	encrypted, err := root.filled("Encrypt")
	must(t, err)
	if plain, err := unseal(p.key, encrypted, appID); err != nil || string(plain) != "anything" {
		t.Errorf("%v: %q", err, plain)
	}
	for _, more := range []func(*Config){func(c *Config) { c.Rand = strings.NewReader("") }, func(c *Config) { c.Rand = strings.NewReader("1234") }} {
		p := sender(t, nil, secure, more)
		_, err := p.Request(t.Context(), text(t))
		mustContain(t, err, "EOF")
	}
}

package push

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestPlainReplies is every answer to a plain push in XML, and why it is refused.
func TestPlainReplies(t *testing.T) {
	article := "<item><Title>T</Title><Description></Description><PicUrl/><Url>u</Url></item>"
	for name, c := range map[string]struct{ body, refused string }{
		"success":          {"success", ""},
		"empty":            {"", ""},
		"text":             {passive(textReply), ""},
		"declaration":      {`<?xml version="1.0" encoding="UTF-8"?>` + passive(textReply) + "\n", ""},
		"image":            {passive("<MsgType>image</MsgType><Image><MediaId>m</MediaId></Image>"), ""},
		"voice":            {passive("<MsgType>voice</MsgType><Voice><MediaId>m</MediaId></Voice>"), ""},
		"video":            {passive("<MsgType>video</MsgType><Video><MediaId>m</MediaId><Title>t</Title></Video>"), ""},
		"music":            {passive("<MsgType>music</MsgType><Music><ThumbMediaId>m</ThumbMediaId></Music>"), ""},
		"news":             {passive("<MsgType>news</MsgType><ArticleCount>2</ArticleCount><Articles>" + article + article + "</Articles>"), ""},
		"customer":         {passive("<MsgType>transfer_customer_service</MsgType>"), ""},
		"customer by name": {passive("<MsgType>transfer_customer_service</MsgType><TransInfo><KfAccount>a@b</KfAccount></TransInfo>"), ""},

		"other word":        {"ok", "neither empty nor success nor XML"},
		"success newline":   {"success\n", "neither empty nor success"},
		"success in quotes": {`"success"`, "neither empty nor success"},
		"blank":             {" ", "neither empty nor success"},
		"JSON":              {`{"ToUserName":"x"}`, "the answer to a push in XML is in JSON"},
		"byte order mark":   {"\ufeff" + passive(textReply), "byte order mark"},
		"HTML":              {"<html><body>error</body></html>", "not one element called xml"},
		"broken":            {"<xml><ToUserName>", "not XML"},
		"two":               {passive(textReply) + passive(textReply), "not one element"},
		"text after":        {passive(textReply) + "x", "text around"},
		"DOCTYPE":           {"<!DOCTYPE xml []>" + passive(textReply), "DOCTYPE"},
		"entity":            {passive("<MsgType>text</MsgType><Content>&nbsp;</Content>"), "not XML"},

		"not swapped":     {`<xml><ToUserName>` + ghID + `</ToUserName><FromUserName>` + openID + `</FromUserName><CreateTime>1</CreateTime>` + textReply + `</xml>`, `ToUserName is "gh_97417a04a28d", but FromUserName of the push was`},
		"from elsewhere":  {strings.Replace(passive(textReply), ghID, "gh_other", 1), "FromUserName is \"gh_other\""},
		"nobody":          {strings.Replace(passive(textReply), openID, "", 1), "ToUserName is missing"},
		"no sender":       {strings.Replace(passive(textReply), ghID, "", 1), "FromUserName is missing"},
		"two receivers":   {passive("<ToUserName>" + openID + "</ToUserName>" + textReply), "ToUserName stands twice"},
		"no time":         {strings.Replace(passive(textReply), "1714112445", "", 1), "CreateTime is missing"},
		"a date":          {strings.Replace(passive(textReply), "1714112445", "2024-04-26", 1), "CreateTime is not a number"},
		"a fraction":      {strings.Replace(passive(textReply), "1714112445", "1714112445.5", 1), "CreateTime is not a number"},
		"no type":         {passive("<Content>hello</Content>"), "MsgType is missing"},
		"other type":      {passive("<MsgType>link</MsgType>"), `MsgType "link" is none`},
		"empty text":      {passive("<MsgType>text</MsgType><Content></Content>"), "Content is missing or empty"},
		"no text":         {passive("<MsgType>text</MsgType>"), "Content is missing"},
		"no image":        {passive("<MsgType>image</MsgType><MediaId>m</MediaId>"), "Image is missing"},
		"two images":      {passive("<MsgType>image</MsgType><Image/><Image/>"), "Image stands twice"},
		"no id":           {passive("<MsgType>voice</MsgType><Voice/>"), "in Voice, MediaId is missing"},
		"no id of video":  {passive("<MsgType>video</MsgType><Video><Title>t</Title></Video>"), "in Video, MediaId is missing"},
		"no thumb":        {passive("<MsgType>music</MsgType><Music><Title>t</Title></Music>"), "in Music, ThumbMediaId is missing"},
		"no count":        {passive("<MsgType>news</MsgType><Articles>" + article + "</Articles>"), "ArticleCount is missing"},
		"another count":   {passive("<MsgType>news</MsgType><ArticleCount>2</ArticleCount><Articles>" + article + "</Articles>"), "ArticleCount is 2, but there are 1 items"},
		"no articles":     {passive("<MsgType>news</MsgType><ArticleCount>1</ArticleCount>"), "no item in Articles"},
		"empty articles":  {passive("<MsgType>news</MsgType><ArticleCount>1</ArticleCount><Articles/>"), "no item in Articles"},
		"no title":        {passive("<MsgType>news</MsgType><ArticleCount>1</ArticleCount><Articles>" + strings.Replace(article, "T<", "<", 1) + "</Articles>"), "in item 1, Title is missing"},
		"no url":          {passive("<MsgType>news</MsgType><ArticleCount>1</ArticleCount><Articles>" + strings.Replace(article, "<Url>u</Url>", "", 1) + "</Articles>"), "in item 1, Url is missing"},
		"encrypted":       {wrap(passive(textReply), "1").xml(t), "the reply to a plain push is encrypted"},
		"two encryptions": {"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>", "Encrypt stands twice"},
	} {
		d := deliver(t, sender(t, says(200, c.body)))
		want := Accepted
		if c.refused != "" {
			want = Refused
		}
		if d.Verdict != want || !strings.Contains(d.Reason, c.refused) {
			t.Errorf("%s: %v: %s", name, d.Verdict, d.Reason)
		}
		if hasReply := strings.HasPrefix(c.body, "<") && want == Accepted; (d.Reply != nil) != hasReply {
			t.Errorf("%s: %+v", name, d.Reply)
		}
	}
}

func TestJSONReplies(t *testing.T) {
	head := `{"ToUserName":"` + openID + `","FromUserName":"` + ghID + `","CreateTime":1714112445,`
	for name, c := range map[string]struct{ body, refused string }{
		"success":         {"success", ""},
		"text":            {head + `"MsgType":"text","Content":"hello"}`, ""},
		"customer":        {head + `"MsgType":"transfer_customer_service"}`, ""},
		"time as text":    {strings.Replace(head, "1714112445", `"1714112445"`, 1) + `"MsgType":"text","Content":"x"}`, ""},
		"news":            {head + `"MsgType":"news","ArticleCount":1,"Articles":[{"Title":"t","Description":"","PicUrl":"","Url":"u"}]}`, ""},
		"news with items": {head + `"MsgType":"news","ArticleCount":1,"Articles":{"item":[{"Title":"t","Description":"","PicUrl":"","Url":"u"}]}}`, ""},
		"XML":             {passive(textReply), "the answer to a push in JSON is in XML"},
		"cut":             {head + `"MsgType":"text"`, "not a JSON object"},
		"more":            {head + `"MsgType":"text","Content":"x"} {}`, "not a JSON object: more follows"},
		"list":            {`[]`, "neither empty nor success nor JSON"},
		"word":            {`success!`, "neither empty nor success nor JSON"},
		"no text":         {head + `"MsgType":"text","Content":null}`, "Content is missing"},
		"no time":         {strings.Replace(head, "1714112445", "true", 1) + `"MsgType":"text","Content":"x"}`, "CreateTime is missing"},
	} {
		d := deliver(t, sender(t, says(200, c.body), inJSON))
		want := Accepted
		if c.refused != "" {
			want = Refused
		}
		if d.Verdict != want || !strings.Contains(d.Reason, c.refused) {
			t.Errorf("%s: %v: %s", name, d.Verdict, d.Reason)
		}
	}
}

// encryptedCase answers with what it makes of the request's nonce.
type encryptedCase struct {
	name    string
	answer  func(nonce string) string
	refused string
}

func encryptedCases(t *testing.T, write func(wrapped) string, plain string) []encryptedCase {
	with := func(f func(*wrapped)) func(string) string {
		return func(nonce string) string { w := wrap(plain, nonce); f(&w); return write(w) }
	}
	signed := func(w *wrapped, signature string) { w.signature = &signature }
	const otherKey = "BCDefghijklmnopqrstuvwxyz0123456789ABCDEFGa"
	return []encryptedCase{
		{"right", with(func(*wrapped) {}), ""},
		{"success", func(string) string { return "success" }, ""},
		{"empty", func(string) string { return "" }, ""},
		{"other token", with(func(w *wrapped) { w.token = "other" }), "MsgSignature does not fit"},
		{"other key", with(func(w *wrapped) { w.key = otherKey }), "bad padding"},
		{"other appid", with(func(w *wrapped) { w.appID = other }), "for the appid \"wx0000000000000002\" instead of"},
		{"appid and more", with(func(w *wrapped) { w.appID += "0" }), "for the appid"},
		{"no appid", with(func(w *wrapped) { w.appID = "" }), "for the appid"},
		{"other nonce", with(func(w *wrapped) { w.nonce = "1" }), "Nonce is not that of the push"},
		{"no nonce", with(func(w *wrapped) { w.nonce = "" }), "Nonce is missing"},
		{"no timestamp", with(func(w *wrapped) { w.timestamp = `""`; signed(w, "x") }), "TimeStamp is"},
		{"no signature", with(func(w *wrapped) { signed(w, "") }), "MsgSignature is missing"},
		{"capitals", with(func(w *wrapped) { signed(w, strings.ToUpper(w.values(t)[1])) }), "MsgSignature does not fit"},
		{"signature without Encrypt", with(func(w *wrapped) { signed(w, sign(testToken, w.timestamp, w.nonce)) }), "MsgSignature does not fit"},
		{"no plain reply within", with(func(w *wrapped) { w.plain = "success" }), "within the encrypted reply"},
		{"nothing within", with(func(w *wrapped) { w.plain = "" }), "within the encrypted reply"},
		{"not encrypted", func(string) string { return plain }, "the reply to an encrypted push is not encrypted"},
	}
}

func TestSecureReplies(t *testing.T) {
	inXML := func(w wrapped) string { return w.xml(t) }
	asJSON := func(w wrapped) string { return w.json(t) }
	jsonText := `{"ToUserName":"` + openID + `","FromUserName":"` + ghID + `","CreateTime":1,"MsgType":"text","Content":"hello"}`
	for _, c := range encryptedCases(t, inXML, passive(textReply)) {
		expectEncrypted(t, c, passive(textReply), secure)
	}
	for _, c := range encryptedCases(t, asJSON, jsonText) {
		expectEncrypted(t, c, jsonText, secure, inJSON)
	}
	for _, c := range encryptedCases(t, inXML, passive(textReply)) {
		if c.name == "not encrypted" {
			c.refused = "" // either will do
		}
		expectEncrypted(t, c, passive(textReply), compatible)
	}
	expectEncrypted(t, encryptedCase{"XML within JSON", func(n string) string { return wrap(passive(textReply), n).json(t) }, "within the encrypted reply: the answer to a push in JSON is in XML"}, "", secure, inJSON)
	expectEncrypted(t, encryptedCase{"timestamp as text", func(n string) string {
		return strings.Replace(wrap(jsonText, n).json(t), "1714112446", `"1714112446"`, 1)
	}, "TimeStamp is not a number"}, "", secure, inJSON)
	expectEncrypted(t, encryptedCase{"newlines in base64", func(n string) string {
		broken := wrap(passive(textReply), n).values(t)[0]
		broken = broken[:76] + "\n" + broken[76:]
		w := wrap("", n)
		w.encrypt = &broken
		return w.xml(t)
	}, "not base64"}, "", secure)
}

func expectEncrypted(t *testing.T, c encryptedCase, plain string, change ...func(*Config)) {
	t.Helper()
	p := sender(t, func(_ *http.Request, q url.Values, _ string) (int, string, error) {
		return 200, c.answer(q.Get("nonce")), nil
	}, change...)
	d := deliver(t, p)
	want := Accepted
	if c.refused != "" {
		want = Refused
	}
	if d.Verdict != want || !strings.Contains(d.Reason, c.refused) {
		t.Errorf("%s, %v: %v: %s", c.name, p.cfg.Mode, d.Verdict, d.Reason)
	}
	if c.name == "right" && (d.Reply == nil || d.Reply.Plain != plain || !d.Reply.Encrypted || d.Reply.Type != "text") {
		t.Errorf("%s: %+v", c.name, d.Reply)
	}
}

// TestReplyNonces: a server that stored its reply gives a repeat the nonce of the first try.
func TestReplyNonces(t *testing.T) {
	for _, c := range []struct {
		name   string
		nonce  func(n int, all []string) string
		any    bool
		accept bool
	}{
		{"of this delivery", func(n int, all []string) string { return all[n] }, false, true},
		{"of the first", func(_ int, all []string) string { return all[0] }, false, true},
		{"of none", func(int, []string) string { return "12345" }, false, false},
		{"of none, with the switch", func(int, []string) string { return "12345" }, true, true},
	} {
		var nonces []string
		p := sender(t, func(_ *http.Request, q url.Values, _ string) (int, string, error) {
			nonces = append(nonces, q.Get("nonce"))
			if len(nonces) == 1 {
				return 500, "", nil
			}
			return 200, wrap(passive(textReply), c.nonce(len(nonces)-1, nonces)).xml(t), nil
		}, secure, func(cfg *Config) { cfg.AnyReplyNonce = c.any })
		o, err := p.Push(t.Context(), text(t))
		must(t, err)
		if o.Accepted != c.accept || len(o.Deliveries) != 2 {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
	// Another push's nonce is none of this one's.
	var first string
	p := sender(t, func(_ *http.Request, q url.Values, _ string) (int, string, error) {
		if first == "" {
			first = q.Get("nonce")
		}
		return 200, wrap(passive(textReply), first).xml(t), nil
	}, secure)
	expectVerdict(t, deliver(t, p), Accepted, "")
	expectVerdict(t, deliver(t, p), Refused, "Nonce is not that of the push")
}

// FuzzReply: whatever a server answers, the verdict is one of three and nothing panics.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{"", "success", passive(textReply), "<xml><Encrypt>a</Encrypt></xml>", `{"Encrypt":"a","MsgSignature":"b","TimeStamp":1,"Nonce":"c"}`, `{"a":[[{}],1,null]}`} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, body string, asJSON bool) {
		d := deliver(t, sender(t, says(200, body), secure, func(c *Config) { c.JSON = asJSON }))
		if d.Verdict == Accepted && body != "" && body != "success" {
			t.Errorf("%q was accepted", body)
		}
		if n, err := parseJSON(body); (err == nil) != (json.Valid([]byte(body)) && strings.HasPrefix(strings.TrimSpace(body), "{")) {
			t.Errorf("%q: %v, %v", body, n, err)
		}
	})
}

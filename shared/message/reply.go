package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"wechatfn/shared/strictjson"
)

// Reply is a passive reply, which WeChat shows to the sender at once. The names
// are those of WeChat's XML, so its pages on passive replies describe it. Sender,
// receiver and time are filled in here. MsgType says which of the parts is set:
//
//	text                       Content
//	image                      Image
//	voice                      Voice
//	video                      Video
//	music                      Music
//	news                       Articles, 1 to 8
//	transfer_customer_service  TransInfo, which may be left out
//
// https://developers.weixin.qq.com/doc/subscription/guide/product/message/Passive_user_reply_message.html
type Reply struct {
	MsgType   string
	Content   string     `json:",omitzero"`
	Image     *Media     `json:",omitzero"`
	Voice     *Media     `json:",omitzero"`
	Video     *Video     `json:",omitzero"`
	Music     *Music     `json:",omitzero"`
	Articles  []Article  `json:",omitzero"`
	TransInfo *TransInfo `json:",omitzero"`
}

// Media is an uploaded picture or recording.
type Media struct{ MediaId string }

// Video is an uploaded video.
type Video struct {
	MediaId     string
	Title       string `json:",omitzero"`
	Description string `json:",omitzero"`
}

// Music is a link to a piece of music. ThumbMediaId is the uploaded cover.
type Music struct {
	Title        string `json:",omitzero"`
	Description  string `json:",omitzero"`
	MusicUrl     string `json:",omitzero"`
	HQMusicUrl   string `json:",omitzero"`
	ThumbMediaId string
}

// Article is a link with a title, a text and a picture.
type Article struct{ Title, Description, PicUrl, Url string }

// TransInfo names the customer service account that takes over; without it any
// may.
type TransInfo struct{ KfAccount string }

const (
	maxArticles = 8
	// WeChat's own limits are far lower. The store's is not much higher.
	maxReplyBytes  = 64 << 10  // of the JSON
	maxAnswerBytes = 128 << 10 // of what is made of it
)

// CheckReply returns what is wrong with a reply, nil where nothing is or where there is
// no reply. It never quotes the text of the reply.
func CheckReply(reply []byte) error {
	_, err := parseReply(reply)
	return err
}

// parseReply reads what a sink answered. Nil means no reply: null, {}, "" and
// "success" as well as nothing at all.
func parseReply(text []byte) (*Reply, error) {
	text = bytes.TrimSpace(text)
	switch string(text) {
	case "", "null", "{}", `""`, `"success"`:
		return nil, nil
	}
	if len(text) > maxReplyBytes {
		return nil, fmt.Errorf("it has %d bytes, the limit is %d", len(text), maxReplyBytes)
	}
	var r Reply
	if err := strictjson.Decode(text, &r); err != nil { // a misspelt name would be a reply without its text
		return nil, replySyntax(err)
	}
	return &r, r.check()
}

// replySyntax reports the names that are wrong and never quotes a value.
func replySyntax(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return mistyped(wrong)
	}
	if errors.Is(err, strictjson.ErrTrailing) {
		return errors.New("something follows the JSON object")
	}
	if strings.Contains(err.Error(), "unknown field") {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return errors.New("it is not JSON")
}

func mistyped(wrong *json.UnmarshalTypeError) error {
	kind := "an object"
	switch wrong.Type.Kind() {
	case reflect.String:
		kind = "a text"
	case reflect.Slice:
		kind = "a list"
	}
	if wrong.Field == "" {
		return errors.New("it is not a JSON object")
	}
	return fmt.Errorf("%s is not %s", wrong.Field, kind)
}

// check sees that the part that MsgType names is there, whole, and alone.
func (r *Reply) check() error {
	missing, ok := r.missing()
	switch {
	case !ok:
		return fmt.Errorf("MsgType %.32q is none that can be a reply", r.MsgType)
	case missing != "":
		return fmt.Errorf("a reply of MsgType %s needs %s", r.MsgType, missing)
	case len(r.Articles) > maxArticles:
		return fmt.Errorf("it has %d Articles, the limit is %d", len(r.Articles), maxArticles)
	}
	if parts := r.parts(); parts > 1 || parts == 1 && r.MsgType == "transfer_customer_service" && r.TransInfo == nil {
		return fmt.Errorf("a reply of MsgType %s has parts of another type", r.MsgType)
	}
	return nil
}

// missing names what a reply of that type lacks; ok is false for another type.
func (r *Reply) missing() (name string, ok bool) {
	needs := func(present bool, name string) (string, bool) {
		if present {
			return "", true
		}
		return name, true
	}
	switch r.MsgType {
	case "text":
		return needs(r.Content != "", "Content")
	case "image":
		return needs(r.Image != nil && r.Image.MediaId != "", "Image.MediaId")
	case "voice":
		return needs(r.Voice != nil && r.Voice.MediaId != "", "Voice.MediaId")
	case "video":
		return needs(r.Video != nil && r.Video.MediaId != "", "Video.MediaId")
	case "music":
		return needs(r.Music != nil && r.Music.ThumbMediaId != "", "Music.ThumbMediaId")
	case "news":
		if slices.ContainsFunc(r.Articles, func(a Article) bool { return a.Title == "" }) {
			return "a Title in each of its Articles", true
		}
		return needs(len(r.Articles) > 0, "Articles")
	case "transfer_customer_service":
		return needs(r.TransInfo == nil || r.TransInfo.KfAccount != "", "TransInfo.KfAccount")
	}
	return "", false
}

func (r *Reply) parts() (n int) {
	for _, set := range []bool{r.Content != "", r.Image != nil, r.Voice != nil, r.Video != nil, r.Music != nil, r.Articles != nil, r.TransInfo != nil} {
		if set {
			n++
		}
	}
	return n
}

// addressed is a reply with what goes around it.
type addressed struct {
	ToUserName   string
	FromUserName string
	CreateTime   int64 // Unix seconds
	*Reply
	ArticleCount int `json:",omitzero"`
}

// answerTo swaps sender and receiver.
func (r *Reply) answerTo(m *Message, now int64) addressed {
	return addressed{m.FromUserName, m.ToUserName, now, r, len(r.Articles)}
}

func (a addressed) json() (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(a)
	return strings.TrimSuffix(text.String(), "\n"), err
}

func (a addressed) xml() string {
	var w xmlWriter
	w.element("xml", func() {
		w.text("ToUserName", a.ToUserName)
		w.text("FromUserName", a.FromUserName)
		w.number("CreateTime", a.CreateTime)
		w.text("MsgType", a.MsgType)
		w.content(a.Reply, a.ArticleCount)
	})
	return w.String()
}

// xmlWriter writes XML as WeChat's pages show it: texts as CDATA, numbers bare.
type xmlWriter struct{ strings.Builder }

func (w *xmlWriter) content(r *Reply, articles int) {
	switch r.MsgType {
	case "text":
		w.text("Content", r.Content)
	case "image":
		w.element("Image", func() { w.text("MediaId", r.Image.MediaId) })
	case "voice":
		w.element("Voice", func() { w.text("MediaId", r.Voice.MediaId) })
	case "video":
		w.element("Video", func() {
			w.text("MediaId", r.Video.MediaId)
			w.optional("Title", r.Video.Title)
			w.optional("Description", r.Video.Description)
		})
	case "music":
		w.element("Music", func() { w.music(r.Music) })
	case "news":
		w.number("ArticleCount", int64(articles))
		w.element("Articles", func() { w.articles(r.Articles) })
	case "transfer_customer_service":
		if r.TransInfo != nil {
			w.element("TransInfo", func() { w.text("KfAccount", r.TransInfo.KfAccount) })
		}
	}
}

func (w *xmlWriter) music(m *Music) {
	w.optional("Title", m.Title)
	w.optional("Description", m.Description)
	w.optional("MusicUrl", m.MusicUrl)
	w.optional("HQMusicUrl", m.HQMusicUrl)
	w.text("ThumbMediaId", m.ThumbMediaId)
}

func (w *xmlWriter) articles(articles []Article) {
	for _, article := range articles {
		w.element("item", func() {
			w.text("Title", article.Title)
			w.text("Description", article.Description)
			w.text("PicUrl", article.PicUrl)
			w.text("Url", article.Url)
		})
	}
}

func (w *xmlWriter) element(name string, inside func()) {
	w.tag("<", name)
	inside()
	w.tag("</", name)
}

func (w *xmlWriter) tag(open, name string) {
	w.WriteString(open)
	w.WriteString(name)
	w.WriteByte('>')
}

func (w *xmlWriter) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

// text cuts a CDATA section in two where the text would end it.
func (w *xmlWriter) text(name, value string) {
	value = string(clean([]byte(value)))
	w.element(name, func() {
		w.WriteString("<![CDATA[")
		w.WriteString(strings.ReplaceAll(value, "]]>", "]]]]><![CDATA[>"))
		w.WriteString("]]>")
	})
}

func (w *xmlWriter) number(name string, value int64) {
	w.element(name, func() { w.WriteString(strconv.FormatInt(value, 10)) })
}

package push

import (
	"encoding/json"
	"time"
)

// SampleTypes are the names that SampleMessage knows, messages first. An event's name is WeChat's,
// capitals included (location is a message, LOCATION an event), but for subscribe_scan: a
// subscription by way of a QR code with a scene.
func SampleTypes() []string {
	var names []string
	for _, s := range samples(0) {
		names = append(names, s.name)
	}
	return names
}

// SampleMessage is a push of a type that WeChat sends, with made-up content. from is an openid, to
// the account's original id (gh_...), id the 64-bit MsgId of the types that bear one.
func SampleMessage(typ, from, to string, now time.Time, id uint64) (Message, bool) {
	for _, s := range samples(id) {
		if s.name != typ {
			continue
		}
		m := Message{{"ToUserName", to}, {"FromUserName", from}, {"CreateTime", now.Unix()}}
		if s.event == "" {
			return append(append(m, Field{"MsgType", s.name}), s.fields...), true
		}
		m = append(m, Field{"MsgType", "event"}, Field{"Event", s.event})
		return append(m, s.fields...), true
	}
	return nil, false
}

// sample is a type with the fields that come after those which all have.
type sample struct {
	name   string
	event  string // "" for a message
	fields Message
}

func samples(id uint64) []sample {
	all := append(messageSamples(id), miniProgramSamples(id)...)
	return append(append(all, menuSamples()...), eventSamples(id)...)
}

// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html
func messageSamples(id uint64) []sample {
	const media = "Zk3bX0m8sW2Tq5vR9yN1uD7cE4hJ6pLa"
	clip := Message{{"MediaId", media}, {"ThumbMediaId", "Th9qL2xV7nB4mC1zK8wR5sD3fG6hJ0pQ"}, {"MsgId", id}}
	return []sample{
		{"text", "", Message{{"Content", "你好, wechatfn"}, {"MsgId", id}}},
		{"image", "", Message{{"PicUrl", "http://mmbiz.qpic.cn/mmbiz_jpg/sample/0"}, {"MediaId", media}, {"MsgId", id}}},
		{"voice", "", Message{{"MediaId", media}, {"Format", "amr"}, {"MsgId", id}}},
		{"video", "", clip},
		{"shortvideo", "", clip},
		{"location", "", Message{
			{"Location_X", json.Number("23.134521")}, {"Location_Y", json.Number("113.358803")},
			{"Scale", 20}, {"Label", "广州市海珠区"}, {"MsgId", id}}},
		{"link", "", Message{
			{"Title", "A page & its <title>"}, {"Description", "What it is about"},
			{"Url", "https://www.example.com/page?a=1&b=2"}, {"MsgId", id}}},
	}
}

// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/customer-message/receive.html
func miniProgramSamples(id uint64) []sample {
	return []sample{
		{"miniprogrampage", "", Message{
			{"MsgId", id}, {"Title", "A card"}, {"AppId", "wx51a7ed0000000001"}, {"PagePath", "pages/index/index?from=card"},
			{"ThumbUrl", "http://mmbiz.qpic.cn/mmbiz_jpg/sample/0"}, {"ThumbMediaId", "Th9qL2xV7nB4mC1zK8wR5sD3fG6hJ0pQ"}}},
		{"user_enter_tempsession", "user_enter_tempsession", Message{{"SessionFrom", "weapp"}}},
		{"wxa_media_check", "wxa_media_check", Message{
			{"appid", "wx51a7ed0000000001"}, {"trace_id", "60f96f1d-3845297a-1976a3ae"}, {"version", 2},
			{"detail", []Message{{
				{"strategy", "content_model"}, {"errcode", 0}, {"suggest", "pass"}, {"label", 100}, {"prob", 90}}}},
			{"errcode", 0}, {"errmsg", "ok"},
			{"result", Message{{"suggest", "pass"}, {"label", 100}}}}},
	}
}

// https://developers.weixin.qq.com/doc/offiaccount/Custom_Menus/Custom_Menu_Push_Events.html
func menuSamples() []sample {
	scan := Message{
		{"EventKey", "key-scan"},
		{"ScanCodeInfo", Message{{"ScanType", "qrcode"}, {"ScanResult", "https://www.example.com/?q=1"}}}}
	pics := Message{{"EventKey", "key-pics"}, {"SendPicsInfo", Message{
		{"Count", 2},
		{"PicList", Message{{"item", []Message{
			{{"PicMd5Sum", "1b5f7c23b5bf75682a53e7b6d163e185"}},
			{{"PicMd5Sum", "5a75aaca956d97be686719218f275c6b"}}}}}}}}}
	return []sample{
		{"CLICK", "CLICK", Message{{"EventKey", "key-click"}}},
		{"VIEW", "VIEW", Message{{"EventKey", "https://www.example.com/?menu=1&x=2"}, {"MenuId", 433418371}}},
		{"view_miniprogram", "view_miniprogram", Message{{"EventKey", "pages/index/index"}, {"MenuId", 433418371}}},
		{"scancode_push", "scancode_push", scan},
		{"scancode_waitmsg", "scancode_waitmsg", scan},
		{"pic_sysphoto", "pic_sysphoto", pics},
		{"pic_photo_or_album", "pic_photo_or_album", pics},
		{"pic_weixin", "pic_weixin", pics},
		{"location_select", "location_select", Message{
			{"EventKey", "key-location"},
			{"SendLocationInfo", Message{
				{"Location_X", "23"}, {"Location_Y", "113"}, {"Scale", "15"}, {"Label", "广州市海珠区"}, {"Poiname", ""}}}}},
	}
}

// https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html
// and the pages of the calls whose outcome is told by an event.
func eventSamples(id uint64) []sample {
	const ticket = "gQH47joAAAAAAAAAASxodHRwOi8vd2VpeGluLnFxLmNvbS9xL3NhbXBsZQ"
	return []sample{
		{"subscribe", "subscribe", Message{{"EventKey", ""}}},
		{"subscribe_scan", "subscribe", Message{{"EventKey", "qrscene_123123"}, {"Ticket", ticket}}},
		{"unsubscribe", "unsubscribe", Message{{"EventKey", ""}}},
		{"SCAN", "SCAN", Message{{"EventKey", "123123"}, {"Ticket", ticket}}},
		{"LOCATION", "LOCATION", Message{
			{"Latitude", json.Number("23.137466")}, {"Longitude", json.Number("113.352425")}, {"Precision", json.Number("119.385040")}}},
		{"TEMPLATESENDJOBFINISH", "TEMPLATESENDJOBFINISH", Message{{"MsgID", id}, {"Status", "success"}}},
		{"MASSSENDJOBFINISH", "MASSSENDJOBFINISH", massSent(id)},
		{"subscribe_msg_popup_event", "subscribe_msg_popup_event", Message{
			{"SubscribeMsgPopupEvent", Inline{{"List", []Message{
				{{"TemplateId", "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc"}, {"SubscribeStatusString", "accept"}, {"PopupScene", 2}},
				{{"TemplateId", "9nLIlbOQZC5Y89AZteFEux3WCXRRRG5Wfzkpssu4bLI"}, {"SubscribeStatusString", "reject"}, {"PopupScene", 2}},
			}}}}}},
	}
}

func massSent(id uint64) Message {
	return Message{
		{"MsgID", id}, {"Status", "send success"},
		{"TotalCount", 100}, {"FilterCount", 80}, {"SentCount", 75}, {"ErrorCount", 5},
		{"CopyrightCheckResult", Message{{"Count", 0}, {"ResultList", Message{}}, {"CheckState", 0}}},
		{"ArticleUrlResult", Message{{"Count", 1}, {"ResultList", Message{{"item", []Message{
			{{"ArticleIdx", 1}, {"ArticleUrl", "https://mp.weixin.qq.com/s/sample"}}}}}}}},
	}
}

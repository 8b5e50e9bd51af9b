// Package message is the server URL of an account: it answers WeChat's check of
// the URL and takes the messages and events that WeChat pushes. A push is
// verified and decrypted, claimed in the store so that it counts once, handed to
// a Sink, and answered, in that order.
//
// https://developers.weixin.qq.com/doc/subscription/guide/dev/push/
package message

import (
	"context"
	"strings"
)

// Message is one push, verified and decrypted.
type Message struct {
	App   string // name of the account, as configured
	AppID string

	MsgType      string // "text", "image", ..., "event"; empty when WeChat sent none
	Event        string // of an event, as WeChat spells it: "subscribe", "SCAN", ...
	FromUserName string // openid of the sender
	ToUserName   string
	CreateTime   int64  // Unix seconds, 0 when WeChat sent none
	MsgID        string // a 64-bit number in decimal; events mostly have none

	// JSON is the whole message as one JSON object with WeChat's names. CreateTime
	// and coordinates are numbers, MsgId is a string, because JavaScript would
	// round it. Nothing is left out, whatever the type.
	JSON []byte
}

// IsEvent reports whether the push is an event. WeChat's pages do not agree on the
// capitals.
func (m *Message) IsEvent() bool { return strings.EqualFold(m.MsgType, "event") }

// Type is what a consumer selects by: the Event of an event, else the MsgType, and
// "unknown" where there is neither.
func (m *Message) Type() string {
	switch {
	case m.IsEvent() && m.Event != "":
		return m.Event
	case m.MsgType != "":
		return m.MsgType
	}
	return "unknown"
}

// Sink receives messages. A nil error means that the message is safely stored or
// handled; only then does WeChat get its answer. After an error WeChat sends the
// message again.
//
// reply is the passive reply as JSON (see Reply), nil for none. A sink that has stored
// the message but has no reply returns nil for both.
//
// Deliver must return soon after ctx ends. It is called once for a message unless an
// earlier call failed or its process crashed: a sink that must not do a thing twice
// compares MsgID.
type Sink interface {
	Deliver(ctx context.Context, m *Message) (reply []byte, err error)
}

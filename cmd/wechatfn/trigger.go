package main

import (
	"context"
	"os"
	"strings"
	"time"

	"wechatfn/dev/trigger"
	"wechatfn/dev/wechatsim/push"
)

// triggerCommand is `wechatfn trigger`: its fields are those of trigger.Options.
type triggerCommand struct {
	Type string `arg:"" help:"One of the types above (capitals count), or any other word: a message of that MsgType."`
	URL  string `name:"url" default:"http://127.0.0.1:8080/verify" help:"The server URL."`

	Encrypt    *bool `negatable:"" help:"Encrypt the push. Done without being told when an AES key is known."`
	Compatible bool  `help:"Compatible mode: the plain fields go along with the encrypted message."`
	JSON       bool  `name:"json" help:"Push in JSON, as a mini-program may have it."`

	Repeat int  `default:"1" placeholder:"N" help:"Send the very same push so many times, each signed anew as WeChat's repeats are."`
	Tamper bool `help:"Send the push tampered with in many ways instead; every one must be refused."`

	Token  string `placeholder:"TOKEN" help:"Token of the server URL (default: WECHAT_TOKEN)."`
	AESKey string `name:"aes-key" placeholder:"KEY" help:"EncodingAESKey (default: WECHAT_ENCODING_AES_KEY)."`
	AppID  string `name:"app-id" placeholder:"APPID" help:"AppID (default: WECHAT_APP_ID). With no account given at all: the simulated one of wechatfn dev."`

	From     string   `placeholder:"OPENID" help:"The user (default: a made-up one)."`
	To       string   `placeholder:"GH_ID" help:"Original id of the account (default: a made-up one)."`
	Event    bool     `help:"TYPE is the name of an event."`
	Content  string   `placeholder:"TEXT" help:"Text of the message."`
	EventKey string   `placeholder:"KEY" help:"EventKey of the event."`
	Field    []string `sep:"none" placeholder:"NAME=VALUE" help:"Set or add any other field; may be given again."`

	Ahead time.Duration `placeholder:"DURATION" help:"How far the server's clock is ahead, where the page of wechatfn dev has moved it."`
}

// Help lists the types below what the flags say.
func (c *triggerCommand) Help() string {
	return "Types: check " + strings.Join(push.SampleTypes(), " ") + "\n\n" +
		"subscribe_scan is a subscription by way of a QR code; location is a message, LOCATION an event. " +
		"Any other word is a MsgType, or with --event the name of an event."
}

// Run fails unless WeChat would accept every answer.
func (c *triggerCommand) Run(ctx context.Context) error {
	return trigger.Run(ctx, trigger.Options(*c), os.Stdout, os.Getenv)
}

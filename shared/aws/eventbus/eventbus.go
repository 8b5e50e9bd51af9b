// Package eventbus hands messages to EventBridge. It stands apart from package app
// so that only the function that takes pushes holds its client.
package eventbus

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
)

// Source is the source of each event, for the rules of a bus.
const Source = "wechatfn"

// maxDetailType is EventBridge's limit, which is in characters.
const maxDetailType = 128

// latest is the year 2100: EventBridge would refuse a time out of all reason, and
// the message with it.
const latest = 4_102_444_800

// Bus is a message.Sink that puts each message on an EventBridge bus:
//
//	source       wechatfn
//	detail-type  the message's Type: text, image, subscribe, ...
//	detail       the message as JSON
//	resources    the account's AppID
//	time         when WeChat made the message
type Bus struct {
	client *eventbridge.Client
	name   string
}

// New builds a Bus for the bus that the configuration names.
func New(c *config.Config) *Bus {
	return &Bus{name: c.EventBus, client: eventbridge.New(eventbridge.Options{
		Region:       awsconfig.Region(),
		Credentials:  awsconfig.Credentials("EVENTBRIDGE"),
		BaseEndpoint: awsconfig.Endpoint("EVENTBRIDGE"),
		Retryer:      awsconfig.Retryer(),
	})}
}

// Deliver implements message.Sink; there is never a reply. A try whose answer was
// lost is made again, so that an event may come twice. Errors do not hold the
// message.
func (b *Bus) Deliver(ctx context.Context, m *message.Message) ([]byte, error) {
	out, err := b.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{b.entry(m)}})
	if err != nil {
		return nil, fmt.Errorf("EventBridge: %w", awsconfig.RedactSDKError(err))
	}
	if out.FailedEntryCount != 0 {
		return nil, refused(out.Entries)
	}
	return nil, nil
}

func (b *Bus) entry(m *message.Message) types.PutEventsRequestEntry {
	e := types.PutEventsRequestEntry{
		EventBusName: &b.name,
		Source:       aws.String(Source),
		DetailType:   aws.String(cut(m.Type(), maxDetailType)),
		Detail:       aws.String(string(m.JSON)),
		Resources:    []string{m.AppID},
	}
	if 0 < m.CreateTime && m.CreateTime < latest {
		e.Time = aws.Time(time.Unix(m.CreateTime, 0))
	}
	return e
}

// cut keeps whole characters of the first n bytes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// refused tells why the bus did not take the one entry.
func refused(entries []types.PutEventsResultEntry) error {
	code, text := "no reason given", ""
	if len(entries) > 0 && entries[0].ErrorCode != nil {
		code, text = *entries[0].ErrorCode, aws.ToString(entries[0].ErrorMessage)
	}
	return fmt.Errorf("EventBridge: the event was refused: %s: %.200s", code, text)
}

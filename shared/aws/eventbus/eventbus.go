// Package eventbus delivers messages to EventBridge. It is a package of its own so that
// only the function that takes pushes links the client.
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
	"wechatfn/shared/message"
)

// Source is the source of each event, for the rules of a bus.
const Source = "wechatfn"

// maxDetailType is EventBridge's limit, which is in characters.
const maxDetailType = 128

// maxEventTime is the beginning of the year 2100, in Unix seconds. EventBridge refuses an
// event whose time is far from now, so such a time is left out.
const maxEventTime = 4_102_444_800

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

// New makes a Bus for the bus of that name or ARN.
func New(name string) *Bus {
	return &Bus{name: name, client: eventbridge.New(eventbridge.Options{
		Region:       awsconfig.Region(),
		Credentials:  awsconfig.Credentials("EVENTBRIDGE"),
		BaseEndpoint: awsconfig.Endpoint("EVENTBRIDGE"),
		Retryer:      awsconfig.Retryer(),
	})}
}

// Deliver implements message.Sink. It never returns a reply. If the answer of EventBridge
// is lost, it tries again, so an event can arrive twice. Errors do not quote the message.
func (b *Bus) Deliver(ctx context.Context, m *message.Message) ([]byte, error) {
	out, err := b.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{b.entry(m)}})
	if err != nil {
		return nil, fmt.Errorf("EventBridge: %w", awsconfig.RedactSDKError(err))
	}
	if out.FailedEntryCount != 0 {
		return nil, entryError(out.Entries)
	}
	return nil, nil
}

func (b *Bus) entry(m *message.Message) types.PutEventsRequestEntry {
	e := types.PutEventsRequestEntry{
		EventBusName: &b.name,
		Source:       aws.String(Source),
		DetailType:   aws.String(truncate(m.Type(), maxDetailType)),
		Detail:       aws.String(string(m.JSON)),
		Resources:    []string{m.AppID},
	}
	if 0 < m.CreateTime && m.CreateTime < maxEventTime {
		e.Time = aws.Time(time.Unix(m.CreateTime, 0))
	}
	return e
}

// truncate shortens s to n bytes at most, and splits no character.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// entryError says why EventBridge refused the only entry.
func entryError(entries []types.PutEventsResultEntry) error {
	code, text := "no reason given", ""
	if len(entries) > 0 && entries[0].ErrorCode != nil {
		code, text = *entries[0].ErrorCode, aws.ToString(entries[0].ErrorMessage)
	}
	return fmt.Errorf("EventBridge: the event was refused: %s: %.200s", code, text)
}

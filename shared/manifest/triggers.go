package manifest

import (
	"encoding/json"
	"fmt"
	"time"

	"wechatfn/shared/store"
)

// How the schedule and the table's stream invoke a function.
const (
	// MaxEventAge is how old an event may get. After a minute the next event does
	// the same work.
	MaxEventAge = time.Minute

	ScheduleRetries   = 1   // by the scheduler, which only delivers the event to Lambda
	InvocationRetries = 0   // by Lambda, of an invocation by the schedule that failed
	StreamRetries     = 1   // of a batch that failed
	StreamBatch       = 100 // records in a batch, at most
)

// Schedule is the expression of Every for a schedule: rate(1 minute). It is empty
// for a function that no schedule invokes.
func (f Function) Schedule() string {
	switch minutes := int(f.Every / time.Minute); minutes {
	case 0:
		return ""
	case 1:
		return "rate(1 minute)"
	default:
		return fmt.Sprintf("rate(%d minutes)", minutes)
	}
}

// StreamFilter is the pattern of the records that invoke the function: those of
// items of its kinds that were written. A deletion, which TTL makes too, is none of
// them. It is empty for a function that no stream invokes.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
func (f Function) StreamFilter() string {
	if len(f.Stream) == 0 {
		return ""
	}
	var prefixes []any
	for _, kind := range f.Stream {
		prefixes = append(prefixes, map[string]string{"prefix": store.Prefix(kind)})
	}
	pattern, _ := json.Marshal(map[string]any{ // maps and lists of strings
		"eventName": []string{"INSERT", "MODIFY"},
		"dynamodb":  map[string]any{"Keys": map[string]any{store.TableKey: map[string]any{"S": prefixes}}},
	})
	return string(pattern)
}

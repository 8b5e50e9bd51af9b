package manifest

import (
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration
		want  string
	}{
		{"none", 0, ""},
		{"one minute", time.Minute, "rate(1 minute)"},
		{"an hour", time.Hour, "rate(60 minutes)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Function{Every: c.every}).Schedule(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSchedulesAreWholeMinutes(t *testing.T) {
	each(t, func(t *testing.T, f Function) {
		if f.Every < 0 || f.Every%time.Minute != 0 {
			t.Errorf("every %v", f.Every)
		}
	})
}

func TestStreamFilter(t *testing.T) {
	for _, c := range []struct {
		name  string
		kinds []string
		want  string
	}{
		{"none", nil, ""},
		{"one kind", []string{"a"}, `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"a#"}]}}},"eventName":["INSERT","MODIFY"]}`},
		{"two kinds", []string{"a", "b"}, `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"a#"},{"prefix":"b#"}]}}},"eventName":["INSERT","MODIFY"]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Function{Stream: c.kinds}).StreamFilter(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestOnlyRefreshRequestsOfTheStreamInvokeTheRefresher(t *testing.T) {
	each(t, func(t *testing.T, f Function) {
		want := ""
		if f.Name == "refresher" {
			want = `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"refresh_request#"}]}}},"eventName":["INSERT","MODIFY"]}`
		}
		if got := f.StreamFilter(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

package store_test

import (
	"math"
	"strings"
	"testing"

	"wechatfn/shared/store"
)

func TestEncodeAndDecodeAreInverse(t *testing.T) {
	type value struct {
		Text string `json:"text"`
		N    int    `json:"n,omitzero"`
	}
	for _, c := range []struct {
		name  string
		value value
		want  string
	}{
		{"zero", value{}, `{"text":""}`},
		{"markup", value{"<xml>&'\"</xml>", 1}, `{"text":"<xml>&'\"</xml>","n":1}`},
		{"line break", value{"a\n", -1}, `{"text":"a\n","n":-1}`},
		{"Chinese", value{"微信", 1 << 40}, `{"text":"微信","n":1099511627776}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			item := store.Item{Key: "user#1", Value: store.Encode(c.value)}
			if string(item.Value) != c.want {
				t.Errorf("encoded %s, want %s", item.Value, c.want)
			}
			var got value
			if err := item.Decode(&got); err != nil || got != c.value {
				t.Errorf("decoded %+v, %v", got, err)
			}
		})
	}
}

func TestDecodeFailureQuotesNothing(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"empty", ""},
		{"not JSON", "canary"},
		{"cut off", `{"secret":"canary`},
		{"another type", `{"secret":{"canary":1}}`},
		{"followed by something", `{"secret":"a"} canary`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v struct{ Secret string }
			err := store.Item{Key: "session#canary", Value: []byte(c.value)}.Decode(&v)
			if err == nil || err.Error() != "store: the value of a session item cannot be decoded" {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestEncodePanicsWithoutQuoting(t *testing.T) {
	defer func() {
		if text, ok := recover().(string); !ok || !strings.Contains(text, "map[string]float64") || strings.Contains(text, "canary") {
			t.Errorf("panic %q", text)
		}
	}()
	store.Encode(map[string]float64{"canary": math.NaN()})
	t.Error("no panic")
}

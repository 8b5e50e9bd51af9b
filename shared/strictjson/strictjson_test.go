package strictjson_test

import (
	"errors"
	"strings"
	"testing"

	"wechatfn/shared/strictjson"
)

func TestDecodeTakesOneValueWithKnownMembers(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // part of the error; "" for none
	}{
		{"one object", ` {"name":"a"} ` + "\n", ""},
		{"no member", `{}`, ""},
		{"nothing", "", "EOF"},
		{"broken off", `{"name":"a"`, "unexpected EOF"},
		{"an unknown member", `{"name":"a","nam":"b"}`, `unknown field "nam"`},
		{"another type", `{"name":5}`, "cannot unmarshal number"},
		{"a second value", `{"name":"a"}{"name":"b"}`, "something follows"},
		{"text after it", `{"name":"a"} x`, "something follows"},
		{"a bracket after it", `{"name":"a"}]`, "something follows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v struct {
				Name string `json:"name"`
			}
			err := strictjson.Decode([]byte(c.text), &v)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if errors.Is(err, strictjson.ErrTrailing) != (c.want == "something follows") {
				t.Errorf("ErrTrailing: %v", err)
			}
		})
	}
}

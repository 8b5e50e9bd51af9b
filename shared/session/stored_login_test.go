package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

// A login that was stored is the same login again, but for its seed.
func TestStoredLoginRoundTrip(t *testing.T) {
	full := seeded(Login{
		App: "shop", AppID: testAppID, OpenID: testOpenID, UnionID: testUnionID, SKU: "sku", Device: "phone",
		Profile: &Profile{Nickname: "小明", Sex: 1}, Began: 1700000000000,
		Tokens: &Tokens{AccessToken: "canary-access", RefreshToken: "canary-refresh", Scope: "s", AccessEnd: 1, AskedAt: 2, LeaseUntil: 3, SessionKey: "canary-key"},
	})
	for _, c := range []struct {
		name  string
		login Login
		json  string
	}{
		{"everything", full, ""},
		{"a user alone", Login{AppID: testAppID, OpenID: testOpenID}, `{"appId":"` + testAppID + `","openid":"` + testOpenID + `"}`},
		{"nothing", Login{}, `{"appId":"","openid":""}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := json.Marshal(StoredLogin(c.login))
			if err != nil {
				t.Fatal(err)
			}
			if c.json != "" && string(text) != c.json {
				t.Errorf("%s, want %s", text, c.json)
			}
			var stored StoredLogin
			if err := json.Unmarshal(text, &stored); err != nil {
				t.Fatal(err)
			}
			want := c.login
			want.Seed = nil
			if got := Login(stored); !reflect.DeepEqual(got, want) {
				t.Errorf("%s became another login", text)
			}
		})
	}
}

// Only the JSON of a StoredLogin has the tokens, and not even that has the seed.
func TestStoredLoginIsNotPrinted(t *testing.T) {
	l := StoredLogin(seeded(Login{AppID: testAppID, OpenID: testOpenID, Tokens: &Tokens{AccessToken: "canary-access"}}))
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x %d\n", l, l, l, l, l, l, l)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", l)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", l)
	if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), fmt.Sprintf("%x", "canary-access")) {
		t.Errorf("%s", &out)
	}
	text, err := json.Marshal(l)
	if err != nil || !strings.Contains(string(text), "canary-access") || strings.Contains(string(text), "canary-seed") || strings.Contains(strings.ToLower(string(text)), `"seed"`) {
		t.Errorf("%s, %v", text, err)
	}
}

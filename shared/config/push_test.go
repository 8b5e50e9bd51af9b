package config

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/secret"
)

const (
	pushID       = "wx520c15f417810387"
	pushKey      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO+/" // 43
	pushAccounts = `[{"name":"shop","kind":"official_account","appId":"wx520c15f417810387"},
		{"name":"mini","kind":"mini_program","appId":"wx4f4bc4dec97d474b"},
		{"name":"site","kind":"website","appId":"wxbdc5610cc59c1631"},
		{"name":"news","kind":"official_account","appId":"wx520c15f417810388"}]`
)

// shown reveals s, for comparison.
func shown(s secret.Push) string {
	return strings.Join([]string{s.Token.Reveal(), s.AESKey.Reveal(), s.PreviousToken.Reveal(), s.PreviousAESKey.Reveal()}, " ")
}

func TestPushSecretsOfOneAccount(t *testing.T) {
	other := pushKey[1:] + "9"
	for _, c := range []struct {
		name string
		env  func(string) string
		want string
	}{
		{"token alone", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", " tok "), "tok   "},
		{"all", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", "tok", "WECHAT_ENCODING_AES_KEY", pushKey,
			"WECHAT_TOKEN_PREVIOUS", "old", "WECHAT_ENCODING_AES_KEY_PREVIOUS", other), "tok " + pushKey + " old " + other},
		{"blank previous", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", "tok", "WECHAT_TOKEN_PREVIOUS", " "), "tok   "},
		{"longest", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", strings.Repeat("~", 64)), strings.Repeat("~", 64) + "   "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Load(c.env, Pushes)
			if err != nil {
				t.Fatal(err)
			}
			push, ok := got.PushSecretsOf(got.Accounts[0])
			if !ok || shown(push) != c.want {
				t.Errorf("got %q, want %q", shown(push), c.want)
			}
		})
	}
}

func TestPushSecretsOfSeveralAccounts(t *testing.T) {
	c, err := Load(env("WECHAT_APPS", pushAccounts, "WECHAT_PUSH_SECRETS", `{"shop":{"token":"a","encodingAESKey":"`+pushKey+`","previousToken":"b"},"wx4f4bc4dec97d474b":{"token":" c "},"site":{"token":"d"}}`), Pushes)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range c.Accounts {
		push, _ := c.PushSecretsOf(a)
		got = append(got, fmt.Sprintf("%s %v [%s]", a.Name, a.TakesPushes(), shown(push)))
	}
	if want := "shop true [a " + pushKey + " b ],mini true [c   ],site false [   ],news true [   ]"; strings.Join(got, ",") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ","), want)
	}
}

// A problem with one of an account's four fields names that field, in the environment
// and in JSON.
func TestPushSecretsAreChecked(t *testing.T) {
	const env, json = "WECHAT_TOKEN,WECHAT_ENCODING_AES_KEY,WECHAT_TOKEN_PREVIOUS,WECHAT_ENCODING_AES_KEY_PREVIOUS", "token,encodingAESKey,previousToken,previousEncodingAESKey"
	key := canary + pushKey[len(canary):43]
	good := strings.Replace(key, "-", "/", -1)
	for _, c := range []struct {
		name   string
		values string // token, key, previous token, previous key
		wrong  int    // the one that is named
		want   string
	}{
		{"key without token", "," + good + ",,", 0, "is missing or empty"},
		{"blank token", " ," + good + ",,", 0, "is missing or empty"},
		{"previous without token", ",," + canary + ",", 0, "is missing or empty"},
		{"space in a token", "a " + canary + ",,,", 0, "is not 1 to 64 printable"},
		{"control in a token", "a\u007f" + canary + ",,,", 0, "is not 1 to 64 printable"},
		{"token not ASCII", "é" + canary + ",,,", 0, "is not 1 to 64 printable"},
		{"long token", canary + strings.Repeat("x", 65-len(canary)) + ",,,", 0, "is not 1 to 64 printable"},
		{"space in a previous token", "tok,,a " + canary + ",", 2, "is not 1 to 64 printable"},
		{"short key", "tok," + good[:42] + ",,", 1, "is not 43 characters"},
		{"long key", "tok," + good + "a,,", 1, "is not 43 characters"},
		{"key with other characters", "tok," + key + ",,", 1, "is not 43 characters"},
		{"short previous key", "tok," + good + ",," + good[:42], 3, "is not 43 characters"},
		{"previous key without a key", "tok,,," + good, 3, "is set, but"},
	} {
		t.Run(c.name, func(t *testing.T) {
			values := strings.Split(c.values, ",")
			_, err := Load(pairEnv("WECHAT_APP_ID", pushID, env, values), 0)
			wantProblem(t, err, strings.Split(env, ",")[c.wrong]+": "+c.want)
			_, err = secret.ParsePushSecrets(`{"shop":` + pairJSON(json, values) + `}`)
			wantProblem(t, err, `account "shop": `+strings.Split(json, ",")[c.wrong]+" "+c.want)
		})
	}
}

// wantProblem expects one problem, which quotes no secret.
func wantProblem(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want %q alone", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), canary[:6]) || strings.Contains(err.Error(), "xxx")) {
		t.Errorf("a secret is quoted: %v", err)
	}
}

func pairEnv(name, value, names string, values []string) func(string) string {
	pairs := []string{name, value}
	for i, name := range strings.Split(names, ",") {
		pairs = append(pairs, name, values[i])
	}
	return env(pairs...)
}

func pairJSON(names string, values []string) string {
	var pairs []string
	for i, name := range strings.Split(names, ",") {
		if values[i] != "" {
			pairs = append(pairs, fmt.Sprintf("%q:\"%s\"", name, values[i]))
		}
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func TestAllPushProblemsComeAtOnce(t *testing.T) {
	_, err := Load(env("WECHAT_APPS", pushAccounts, "WECHAT_TOKEN", "to ken", "WECHAT_PUSH_WINDOW", "1s",
		"WECHAT_PUSH_SECRETS", `{"shop":{"token":""},"mini":{"token":"a","encodingAESKey":"x"}}`), Bus)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"WECHAT_TOKEN: is not 1 to 64", "WECHAT_PUSH_WINDOW: ", "EVENT_BUS_NAME: is not set",
		`WECHAT_PUSH_SECRETS: account "shop": token is missing`, `WECHAT_PUSH_SECRETS: account "mini": encodingAESKey is not 43`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in:\n%v", want, err)
		}
	}
}

func TestSecretsOfPushesAreRequiredOnRequest(t *testing.T) {
	for _, c := range []struct {
		name string
		env  func(string) string
		ok   bool
	}{
		{"token", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", "a"), true},
		{"none", env("WECHAT_APP_ID", pushID), false},
		{"blank", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", " \t"), false},
		{"ARN", env("WECHAT_APP_ID", pushID, "WECHAT_PUSH_SECRETS_ARN", "arn"), true},
		{"the AppSecrets'", env("WECHAT_APP_ID", pushID, "WECHAT_SECRETS_ARN", "arn"), false},
		{"one of several", env("WECHAT_APPS", pushAccounts, "WECHAT_PUSH_SECRETS", `{"news":{"token":"a"}}`), true},
		{"only a site's", env("WECHAT_APPS", pushAccounts, "WECHAT_PUSH_SECRETS", `{"site":{"token":"a"}}`), false},
		{"as for several", env("WECHAT_APP_ID", pushID, "WECHAT_PUSH_SECRETS", `{"default":{"token":"a"}}`), true},
		{"by its AppID", env("WECHAT_APP_ID", pushID, "WECHAT_PUSH_SECRETS", `{"`+pushID+`":{"token":"a"}}`), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(c.env, Pushes)
			if c.ok != (err == nil) || (err != nil && !strings.Contains(err.Error(), "WECHAT_TOKEN: is not set")) {
				t.Errorf("%v", err)
			}
			if _, err := Load(c.env, 0); err != nil {
				t.Errorf("required though not requested: %v", err)
			}
		})
	}
}

func TestPushWindow(t *testing.T) {
	for _, c := range []struct {
		value string
		want  time.Duration // 0: refused
	}{
		{"1m", time.Minute}, {" 90s ", 90 * time.Second}, {"24h", 24 * time.Hour},
		{"59.999999999s", 0}, {"24h0m0.000000001s", 0}, {"-10m", 0}, {"10", 0}, {"soon", 0},
	} {
		t.Run(c.value, func(t *testing.T) {
			got, err := Load(env("WECHAT_APP_ID", pushID, "WECHAT_PUSH_WINDOW", c.value), 0)
			switch {
			case c.want == 0 && (err == nil || !strings.Contains(err.Error(), "WECHAT_PUSH_WINDOW: ")):
				t.Error(err)
			case c.want != 0 && (err != nil || got.PushWindow != c.want):
				t.Errorf("%v, %v", got.PushWindow, err)
			}
		})
	}
}

func TestDomainProofs(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		name, value string
		want        map[string]string // nil: refused
	}{
		{"none", "", map[string]string{}},
		{"a code", "AbC09", map[string]string{"AbC09": "AbC09"}},
		{"two, one with a content", " one , two=x_Y-9,", map[string]string{"one": "one", "two": "x_Y-9"}},
		{"the longest", long + "=" + long + long, map[string]string{long: long + long}},
		{"a code that is too long", long + "a", nil},
		{"a content that is too long", "a=" + long + long + "a", nil},
		{"an empty content", "a=", nil},
		{"an empty code", "=a", nil},
		{"two contents", "a=b=c", nil},
		{"a space", "a b", nil},
		{"an underscore in a code", "a_b", nil},
		{"a path", "../a", nil},
		{"markup", "a=<script>", nil},
		{"a code twice", "a,b,a", nil},
		{"a code with two contents", "a=b,a=c", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Load(env("WECHAT_APP_ID", pushID, "WECHAT_DOMAIN_PROOFS", c.value), 0)
			switch {
			case c.want == nil && (err == nil || !strings.Contains(err.Error(), "WECHAT_DOMAIN_PROOFS: ")):
				t.Error(err)
			case c.want != nil && (err != nil || !maps.Equal(got.DomainProofs, c.want)):
				t.Errorf("%v, %v", got.DomainProofs, err)
			}
		})
	}
}

func TestBusAndReplyFunction(t *testing.T) {
	c, err := Load(env("WECHAT_APP_ID", pushID, "EVENT_BUS_NAME", " bus ", "REPLY_FUNCTION", " answers ", "WECHAT_PUSH_SECRETS_ARN", " arn "), Bus)
	if err != nil || c.EventBus != "bus" || c.ReplyFunction != "answers" || c.PushSecretsARN != "arn" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Load(env("WECHAT_APP_ID", pushID), Bus); err == nil || !strings.Contains(err.Error(), "EVENT_BUS_NAME: is not set") {
		t.Error(err)
	}
}

func TestNoAccountIsNamedHealth(t *testing.T) {
	accounts := func(name string) func(string) string {
		return env("WECHAT_APPS", strings.Replace(pushAccounts, "shop", name, 1))
	}
	if _, err := Load(accounts("health"), 0); err == nil || !strings.Contains(err.Error(), `account name "health" is taken`) {
		t.Error(err)
	}
	if _, err := Load(accounts("healthy"), 0); err != nil {
		t.Error(err)
	}
}

// Nothing that is set is ignored in silence.
func TestPushSettingsThatConflictAreRefused(t *testing.T) {
	secrets := `{"default":{"token":"` + canary + `"}}`
	for _, c := range []struct {
		name string
		env  func(string) string
		want string
	}{
		{"token and secrets", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", canary, "WECHAT_PUSH_SECRETS", secrets), "WECHAT_TOKEN: is set and so is WECHAT_PUSH_SECRETS"},
		{"token and accounts", env("WECHAT_APPS", pushAccounts, "WECHAT_TOKEN", canary), "WECHAT_TOKEN: is for the one account of WECHAT_APP_ID"},
		{"token and ARN", env("WECHAT_APP_ID", pushID, "WECHAT_TOKEN", canary, "WECHAT_PUSH_SECRETS_ARN", "arn"), "WECHAT_PUSH_SECRETS_ARN: is set, and so are"},
		{"secrets and ARN", env("WECHAT_APP_ID", pushID, "WECHAT_PUSH_SECRETS", secrets, "WECHAT_PUSH_SECRETS_ARN", "arn"), "WECHAT_PUSH_SECRETS_ARN: is set, and so are"},
		{"an account that is not", env("WECHAT_APPS", pushAccounts, "WECHAT_PUSH_SECRETS", `{"shoop":{"token":"a"}}`), `WECHAT_PUSH_SECRETS: account "shoop" is none`},
		{"a bus with a space", env("WECHAT_APP_ID", pushID, "EVENT_BUS_NAME", "x y"), `EVENT_BUS_NAME: "x y" is neither a name nor an ARN`},
		{"a function with a bang", env("WECHAT_APP_ID", pushID, "REPLY_FUNCTION", "!!"), `REPLY_FUNCTION: "!!" is neither a name nor an ARN`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(c.env, 0)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
				t.Error(err)
			}
		})
	}
}

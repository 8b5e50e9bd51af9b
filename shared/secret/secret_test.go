package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"wechatfn/shared/secret"
)

const (
	canary = "canary-secret-value"
	pushID = "wx520c15f417810387"
)

func TestSecretNeverPrints(t *testing.T) {
	s := secret.New(canary)
	inside := struct {
		S secret.Secret
		P *secret.Secret
	}{s, &s}
	text, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "inside", inside)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "inside", inside)
	all := string(text) + log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		all += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, inside) + fmt.Sprintf(verb, []secret.Secret{s})
	}
	if strings.Contains(all, canary) || strings.Contains(all, fmt.Sprintf("%x", canary)) {
		t.Errorf("the secret shows in %s", all)
	}
}

// wantProblem demands one problem, which quotes no secret.
func wantProblem(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want %q alone", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), canary[:6]) || strings.Contains(err.Error(), "xxx")) {
		t.Errorf("a secret is quoted: %v", err)
	}
}

func TestParsePushSecretsRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
	}{
		{"text that is not JSON", canary, "the text is not a JSON object"},
		{"nothing", "", "the text is not a JSON object"},
		{"null", "null", "the text is not a JSON object"},
		{"array", `["` + canary + `"]`, "the text is not a JSON object"},
		{"text after the object", `{"shop":{"token":"a"}} ` + canary, "the text is not a JSON object"},
		{"account is a text", `{"shop":"` + canary + `"}`, `account "shop": not an object`},
		{"token is a number", `{"shop":{"token":7}}`, `account "shop": not an object`},
		{"unknown field with a value", `{"shop":{"token":"a","k":"` + canary + `"}}`, `account "shop": not an object`},
		{"unknown field that is empty", `{"shop":{"token":"a","` + canary + `":""}}`, `account "shop": not an object`},
		{"account is null", `{"shop":null}`, `account "shop": token is missing`},
		{"account is an empty object", `{"shop":{}}`, `account "shop": token is missing`},
		{"token of spaces", `{"shop":{"token":"  "}}`, `account "shop": token is missing`},
		{"wrong key", `{"Q ` + canary + `":{"token":"a"}}`, "a key is neither"},
	} {
		t.Run(c.name, func(t *testing.T) {
			secrets, err := secret.ParsePushSecrets(c.text)
			wantProblem(t, err, c.want)
			if secrets != nil {
				t.Errorf("%s: secrets beside an error", c.text)
			}
		})
	}
}

func TestPushSecretsAreFoundByNameAndAppID(t *testing.T) {
	const id = "wxABCDEF0123456789" // could not be an account's name
	secrets, err := secret.ParsePushSecrets(`{"` + id + `":{"token":"a"},"shop":{"token":"b"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, account, appID, want string
	}{
		{"by AppID", "mini", id, "a"},
		{"name before AppID", "shop", id, "b"},
		{"by name", "shop", pushID, "b"},
		{"by neither", "mini", pushID, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := secrets.For(c.account, c.appID)
			if got.Token.Reveal() != c.want || ok != (c.want != "") {
				t.Errorf("%s, %s: %q, %v", c.account, c.appID, got.Token.Reveal(), ok)
			}
		})
	}
}

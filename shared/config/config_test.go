package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/account"
	"wechatfn/shared/wechat"
)

func env(pairs ...string) func(string) string {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

const canary = "canary-secret-value"

func TestLoadOneAccount(t *testing.T) {
	c, err := Load(env("WECHAT_APP_ID", "wx520c15f417810387", "WECHAT_APP_SECRET", canary,
		"ALLOWED_ORIGINS", " https://WWW.Example.com:443 , http://localhost:8080/,https://www.example.com,", "TABLE_NAME", "t"), Origins|Secrets|Table)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"https://www.example.com", "http://localhost:8080"}; !slices.Equal(c.Origins, want) {
		t.Errorf("origins %q, want %q", c.Origins, want)
	}
	a, ok := c.Accounts.Find("")
	secret, err := c.Secret(t.Context(), a, false)
	if !ok || a.Name != "default" || a.Kind != account.OfficialAccount || err != nil || secret.Reveal() != canary || !slices.Equal(a.Tickets, []wechat.TicketType{"jsapi"}) {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestLoadSeveralAccounts(t *testing.T) {
	c, err := Load(env(
		"WECHAT_APPS", `[{"name":"shop","kind":"official_account","appId":"wx520c15f417810387","tickets":["jsapi","wx_card"]},
			{"name":"news","kind":"official_account","appId":"wx520c15f417810388"},
			{"name":"site","kind":"website","appId":"wxbdc5610cc59c1631"},
			{"name":"mini","kind":"mini_program","appId":"wx4f4bc4dec97d474b"}]`,
		"WECHAT_APP_SECRETS", `{"shop":"a","news":"b","site":"c","wx4f4bc4dec97d474b":"d"}`,
		"WECHAT_TICKETS", "wx_card"), Secrets)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range c.Accounts {
		secret, err := c.Secret(t.Context(), a, false)
		if err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprint(a.Name, a.Tickets, secret.Reveal(), a.HasToken()))
	}
	if want := []string{"shop[jsapi wx_card]atrue", "news[wx_card]btrue", "site[]cfalse", "mini[]dtrue"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// All problems come at once, each naming its variable, none quoting a secret.
func TestLoadReportsAllProblems(t *testing.T) {
	_, err := Load(env(
		"WECHAT_APP_ID", "520c15f417810387", "WECHAT_TOKEN_MODE", "fast", "WECHAT_TICKETS", "jsapi,card", "WECHAT_API_BASE", "api.weixin.qq.com",
		"WECHAT_PROXY_URL", "user:"+canary+"@proxy", "ALLOWED_ORIGINS", "https://*.example.com,example.com,https://a.com/path,ftp://b.com",
		"SIGNATURE_CACHE", "redis", "LOG_LEVEL", "loud"), Origins|Secrets|Table)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"WECHAT_APP_ID: \"520c15f417810387\" is not an AppID", "WECHAT_TOKEN_MODE", "WECHAT_TICKETS: ticket \"card\"", "WECHAT_API_BASE", "WECHAT_PROXY_URL",
		"ALLOWED_ORIGINS: \"https://*.example.com\" is a wildcard", `ALLOWED_ORIGINS: "example.com"`, `ALLOWED_ORIGINS: "https://a.com/path"`, `ALLOWED_ORIGINS: "ftp://b.com"`,
		"SIGNATURE_CACHE", "LOG_LEVEL", "TABLE_NAME", "WECHAT_APP_SECRET",
	} {
		t.Run(want, func(t *testing.T) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("not in:\n%v", err)
			}
		})
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("a secret is quoted:\n%v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	const id, good = "wx520c15f417810387", `{"name":"a","kind":"official_account","appId":"wx520c15f417810387"}`
	for _, c := range []struct {
		name string
		env  func(string) string
		want string
	}{
		{"nothing", env(), "WECHAT_APP_ID: is not set, and neither is WECHAT_APPS"},
		{"both", env("WECHAT_APP_ID", id, "WECHAT_APPS", "["+good+"]"), "remove one of them"},
		{"not JSON", env("WECHAT_APPS", "shop"), "is not a JSON list"},
		{"unknown field", env("WECHAT_APPS", `[{"name":"a","appid":"x","secret":"`+canary+`"}]`), "is not a JSON list"},
		{"trailing", env("WECHAT_APPS", "["+good+"] x"), "something follows"},
		{"empty list", env("WECHAT_APPS", "[]"), "lists no account"},
		{"same twice", env("WECHAT_APPS", "["+good+","+good+"]"), "is listed twice"},
		{"bad name", env("WECHAT_APPS", strings.ReplaceAll("["+good+"]", `"a"`, `"A B"`)), "account name"},
		{"bad kind", env("WECHAT_APPS", strings.ReplaceAll("["+good+"]", "official_account", "service")), "kind"},
		{"ticket of a site", env("WECHAT_APPS", `[{"name":"a","kind":"website","appId":"wx520c15f417810387","tickets":["jsapi"]}]`), "has no tickets"},
		{"ticket twice", env("WECHAT_APP_ID", id, "WECHAT_TICKETS", "jsapi,jsapi"), "is listed twice"},
		{"no origin", env("WECHAT_APP_ID", id), "ALLOWED_ORIGINS: is not set"},
		{"secret of nobody", env("WECHAT_APPS", "["+good+"]", "WECHAT_APP_SECRETS", `{"b":"x"}`), `has no AppSecret for account "a"`},
		{"secrets not JSON", env("WECHAT_APPS", "["+good+"]", "WECHAT_APP_SECRETS", canary), "WECHAT_APP_SECRETS: is not a JSON object"},
		{"unicode origin", env("WECHAT_APP_ID", id, "ALLOWED_ORIGINS", "https://例子.中国"), "Punycode"},
		{"base with a query", env("WECHAT_APP_ID", id, "WECHAT_API_BASE", "https://a/?x=1"), "must not have"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(c.env, Origins|Secrets)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNoAppSecretIsNeededBesideItsARN(t *testing.T) {
	if _, err := Load(env("WECHAT_APP_ID", "wx520c15f417810387", "WECHAT_SECRETS_ARN", "arn:aws:secretsmanager:x"), Secrets); err != nil {
		t.Error(err)
	}
}

// Every variable that Load reads is documented, and every documented one is read.
func TestDocumentedVariablesAreThoseRead(t *testing.T) {
	read := map[string]bool{}
	base := env("WECHAT_APPS", `[{"name":"a","kind":"website","appId":"wx520c15f417810387"}]`)
	_, _ = Load(func(name string) string { read[name] = true; return base(name) }, Origins|Secrets|Table)
	for _, v := range Variables() {
		if !read[v.Name] && v.Name != "WECHAT_APP_SECRET" {
			t.Errorf("%s is documented but not read", v.Name)
		}
		delete(read, v.Name)
	}
	delete(read, EnvFunctionName) // Lambda sets it
	for name := range read {
		t.Errorf("%s is read but not documented", name)
	}
}

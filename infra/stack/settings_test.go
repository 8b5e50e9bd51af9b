package stack

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/config"
)

const canary = "canary-password"

// TestSettingsAreRefused with one sentence that names the key, the value and the fix.
func TestSettingsAreRefused(t *testing.T) {
	built := stubs(t)
	app := func(name, kind, id string) map[string]any {
		return map[string]any{"name": name, "kind": kind, "appId": id}
	}
	certificate := "arn:aws:acm:us-east-1:123456789012:certificate/0f"
	for _, c := range []struct {
		settings map[string]any
		want     string
	}{
		{map[string]any{"allowedOrigins": []any{"*"}}, `allowedOrigins: "*" is a wildcard; list each origin`},
		{map[string]any{"allowedOrigins": []any{"https://*.example.com"}}, `allowedOrigins: "https://*.example.com" is a wildcard`},
		{map[string]any{"allowedOrigins": []any{"http://www.example.com"}}, `allowedOrigins: "http://www.example.com" is not encrypted`},
		{map[string]any{"allowedOrigins": []any{}}, "allowedOrigins: is not set; list the origins of your pages, for example"},
		{map[string]any{"apps": []any{app("mini", "mini_program", shopID), app("desktop", "website", "wxfedcba9876543210")}, "allowedOrigins": []any{}}, "allowedOrigins: is not set; list the origins of your pages"},
		{map[string]any{"allowedOrigins": "https://a.example"}, `allowedOrigins: "https://a.example" is not a list of texts such as ["a", "b"]`},
		{map[string]any{"apps": []any{}}, "apps: lists no account; add one"},
		{map[string]any{"apps": []any{app("desktop", "website", shopID)}}, "apps: lists websites alone"},
		{map[string]any{"apps": []any{app("shop", "service", shopID)}}, `apps: account "shop": kind "service" is not one of`},
		{map[string]any{"apps": []any{app("shop", "official_account", "520c")}}, `apps: "520c" is not an AppID`},
		{map[string]any{"apps": []any{map[string]any{"name": "shop", "secret": canary}}}, "apps: is not a list such as"},
		{map[string]any{"alowedOrigins": []any{}}, "stages.prod.alowedOrigins: is no setting; there are account, alarmEmail, allowedOrigins"},
		{map[string]any{"egress": "vpn"}, `egress: "vpn" is not one of none, proxy, nat`},
		{map[string]any{"egress": "proxy"}, "egress: is proxy, and no proxy is named; set proxyUrl"},
		{map[string]any{"egress": "nat", "proxyUrl": "http://proxy.example.com"}, `egress: is "nat", and a proxy is named; write proxy`},
		{map[string]any{"egress": "proxy", "proxyUrl": "http://user:" + canary + "@proxy.example.com"}, "proxyUrl: holds a user or a password, which everybody could read in the template; put the whole URL into a secret"},
		{map[string]any{"egress": "proxy", "proxyUrl": "proxy.example.com"}, "proxyUrl: is not an http, https or socks5 URL"},
		{map[string]any{"egress": "proxy", "proxySecretArn": "proxy"}, `proxySecretArn: "proxy" is not the ARN of a secret`},
		{map[string]any{"egress": "proxy", "proxyUrl": "http://p.example", "proxySecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:p-AbCdEf"}, "proxyUrl: is set and so is proxySecretArn"},
		{map[string]any{"eipAllocationId": "eipalloc-0123456789abcdef0"}, `eipAllocationId: is set, and egress is "none"; write nat`},
		{map[string]any{"egress": "nat", "eipAllocationId": "203.0.113.7"}, `eipAllocationId: "203.0.113.7" is not the ID of an Elastic IP`},
		{map[string]any{"domain": map[string]any{"name": "https://api.example.com", "certificateArn": certificate}}, `domain: name "https://api.example.com" is not a host name`},
		{map[string]any{"domain": map[string]any{"name": "api.example.com", "certificateArn": "x"}}, `domain: certificateArn "x" is not the ARN of a certificate`},
		{map[string]any{"region": "ap-east-1", "domain": map[string]any{"name": "api.example.com", "certificateArn": certificate}}, "domain: certificateArn is of us-east-1, and the API of ap-east-1; take a certificate"},
		{map[string]any{"keepApiUrl": true}, "keepApiUrl: is true, and there is no domain"},
		{map[string]any{"keepApiUrl": "yes"}, `keepApiUrl: "yes" is not true or false`},
		{map[string]any{"architecture": "arm"}, `architecture: "arm" is not one of arm64, x86_64`},
		{map[string]any{"account": "1234"}, `account: "1234" is not the ID of an AWS account, such as "123456789012"`},
		{map[string]any{"account": 123456789012.0}, "account: is not a text in quotes"},
		{map[string]any{"region": "Hong Kong"}, `region: "Hong Kong" is not a region`},
		{map[string]any{"region": "cn-north-1", "tracing": true}, "tracing: is true, and Lambda sends no traces to X-Ray in cn-north-1; take it out"},
		{map[string]any{"logRetentionDays": 10.0}, "logRetentionDays: 10 is not one that CloudWatch knows: 1 3 5 7 14"},
		{map[string]any{"logRetentionDays": "ten"}, `logRetentionDays: "ten" is not a whole number`},
		{map[string]any{"logRetentionDays": 14.5}, "logRetentionDays: 14.5 is not a whole number"},
		{map[string]any{"domain": "api.example.com"}, `domain: "api.example.com" is not an object such as {"name": `},
		{map[string]any{"domain": map[string]any{"nme": "api.example.com"}}, `{"nme":"api.example.com"} is not an object such as {"name": "api.example.com", "certificateArn": "arn:..."} (unknown field "nme")`},
		{map[string]any{"throttles": map[string]any{"signature": 5.0}}, `throttles: {"signature":5} is not an object such as {"signature": {"rate": 500, "burst": 1000}}`},
		{map[string]any{"proxyUrl": []any{canary}}, "proxyUrl: is not a text in quotes"},
		{map[string]any{"alarmEmail": "ops"}, `alarmEmail: "ops" is not an address`},
		{map[string]any{"reservedConcurrency": map[string]any{"sign": 5.0}}, `reservedConcurrency: "sign" is no function; there are signature, oauth, verify, refresher`},
		{map[string]any{"reservedConcurrency": map[string]any{"signature": 0.0}}, "reservedConcurrency: signature: 0 is not from 1 to 900"},
		{map[string]any{"throttles": map[string]any{"signature": map[string]any{"rate": 10.0, "burst": 5.0}}}, "throttles: signature: rate 10, burst 5"},
		{map[string]any{"authorizerApis": []any{"https://x"}}, `authorizerApis: "https://x" is not the ID of an HTTP API`},
		{map[string]any{"authorizerApis": []any{""}}, `authorizerApis: "" is not the ID of an HTTP API`},
		{map[string]any{"authorizerApis": []any{"a1b2c3d4e5", "a1b2c3d4e5"}}, `authorizerApis: "a1b2c3d4e5" is listed twice`},
		{map[string]any{"tokenMode": "fast"}, `tokenMode: "fast" is not one of stable, classic`},
		{map[string]any{"tickets": []any{"card"}}, `tickets: ticket "card" is not one of`},
		{map[string]any{"signatureCache": "redis"}, `signatureCache: "redis" is not one of`},
		{map[string]any{"sessionTtl": "30d"}, `sessionTtl: "30d" is not a duration`},
		{map[string]any{"sessionDevices": 0.0}, `sessionDevices: "0" is not a number from 1 to 256`},
		{map[string]any{"sessionDevices": 1000.0}, `sessionDevices: "1000" is not a number from 1 to 256`},
		{map[string]any{"pushWindow": "1s"}, `pushWindow: "1s" is not a duration`},
		{map[string]any{"domainProofs": []any{"a b"}}, `domainProofs: "a b": a code is`},
		{map[string]any{"replyFunction": "two words"}, `replyFunction: "two words" is neither`},
		{map[string]any{"apiBase": "ftp://api.weixin.qq.com"}, `apiBase: "ftp://api.weixin.qq.com" is not an http(s) URL, such as https://api.weixin.qq.com`},
		{map[string]any{"apiBase": "user:" + canary + "@api.weixin.qq.com"}, "apiBase: is not an http(s) URL, such as https://api.weixin.qq.com"},
		{map[string]any{"replyFunction": "123456789012:function:replies"}, `replyFunction: "123456789012:function:replies" is neither the name nor the whole ARN of a function`},
		{map[string]any{"region": "ap-east-1", "replyFunction": "arn:aws:lambda:us-east-1:123456789012:function:replies"}, "replyFunction: is of us-east-1, and the stack of ap-east-1; Lambda does not call"},
		{map[string]any{"region": "ap-east-1", "egress": "proxy", "proxySecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:p-AbCdEf"}, "proxySecretArn: is of us-east-1, and the stack of ap-east-1; CloudFormation reads"},
		{map[string]any{"apiBase": "http://api.weixin.qq.com"}, `apiBase: "http://api.weixin.qq.com" is not encrypted`},
		{map[string]any{"logLevel": "loud"}, `logLevel: "loud" is not one of`},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := Load(stage("prod", c.settings), built)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "Go value") {
				t.Errorf("%s\n got %v\nwant %s", show(c.settings), err, c.want)
			}
			if err != nil && strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("%s: more than one sentence: %v", show(c.settings), err)
			}
		})
	}
}

// TestTooManyOriginsAreRefused: Lambda takes 4 KB of variables.
func TestTooManyOriginsAreRefused(t *testing.T) {
	for _, c := range []struct {
		origins int
		want    string
	}{{80, ""}, {120, "bytes of variables for signature, and Lambda has room for 3500"}} {
		t.Run(fmt.Sprint(c.origins), func(t *testing.T) {
			var origins []any
			for i := range c.origins {
				origins = append(origins, fmt.Sprintf("https://shop-number-%04d.example.com", i))
			}
			_, err := Load(stage("prod", map[string]any{"allowedOrigins": origins}), stubs(t))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := Load(stage("prod", map[string]any{"allowedOrigins": []any{"http://a.example"}, "egress": "proxy", "tokenMode": "fast", "alarmEmail": "x"}), "nowhere")
	for _, want := range []string{"allowedOrigins: ", "egress: ", "tokenMode: ", "alarmEmail: ", "nowhere/signature/bootstrap: is missing; run make build", "nowhere/refresher/bootstrap: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing of %s in %v", want, err)
		}
	}
}

func TestStageIsChosen(t *testing.T) {
	stages := map[string]any{"dev": map[string]any{}, "prod": map[string]any{}, "No Name": map[string]any{}}
	for _, c := range []struct {
		name    string
		context map[string]any
		want    string
	}{
		{"no stages", map[string]any{"stage": "prod"}, "stages: cdk.json has none"},
		{"none chosen", map[string]any{"stages": stages}, "stage: is not set; choose one of those in cdk.json (No Name, dev, prod)"},
		{"one that is not there", map[string]any{"stages": stages, "stage": "test"}, `stage: "test" is none of those in cdk.json; choose one of No Name, dev`},
		{"a name that no resource can have", map[string]any{"stages": stages, "stage": "No Name"}, `stage: "No Name" becomes a part of names; use 1 to 16 of a-z and 0-9`},
		{"a setting in the wrong case", map[string]any{"stages": stages, "stage": "dev", "tokenmode": "stable"}, `tokenmode: is no setting; there are `},
		{"a setting with a hyphen", map[string]any{"stages": stages, "stage": "dev", "token-mode": "stable"}, `token-mode: is no setting; there are `},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Load(c.context, stubs(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestCommandLineWins: what -c gives is text, whatever the setting's type.
func TestCommandLineWins(t *testing.T) {
	context := stage("prod", map[string]any{"tokenMode": "stable", "tickets": []any{"jsapi"}})
	maps.Copy(context, map[string]any{
		"tokenMode": "classic", "allowedOrigins": "https://a.example,https://b.example", "logRetentionDays": "14", "tickets": `["wx_card"]`,
		"domain": `{"name":"api.example.com","certificateArn":"arn:aws:acm:us-east-1:123456789012:certificate/0f"}`, "keepApiUrl": "true",
		"@aws-cdk/core:target-partitions": []any{"aws"}, "aws:cdk:enable-path-metadata": true, "cli-telemetry": false,
	})
	s, err := Load(context, stubs(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.TokenMode != "classic" || !slices.Equal(s.AllowedOrigins, []string{"https://a.example", "https://b.example"}) || s.LogRetentionDays != 14 ||
		!slices.Equal(s.Tickets, []string{"wx_card"}) || s.Domain.Name != "api.example.com" || !s.KeepAPIURL {
		t.Errorf("%+v", s)
	}
	context = stage("prod", nil)
	context["proxyUrl"] = "http://u:" + canary + "@p.example"
	if _, err := Load(context, stubs(t)); err == nil || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

// Without credentials there is nothing to compare.
func TestCredentialsOfAnotherAccountAreRefused(t *testing.T) {
	const own, other = "012345678901", "210987654321" // text, though only digits
	for _, c := range []struct{ name, setting, credentials, want string }{
		{"no credentials", own, "", ""},
		{"its own", own, own, ""},
		{"another's", own, other, `account: "012345678901" is not that of your credentials, which are of 210987654321; choose`},
		{"no account is set", "", other, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			context := stage("prod", nil)
			context["account"] = c.setting
			s, err := Load(context, stubs(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Belongs(c.credentials); (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
				t.Error(err)
			}
		})
	}
}

func TestPlainHTTPIsRefusedInAProductionStage(t *testing.T) {
	for _, c := range []struct {
		name, stage string
		setting     any // of the key production
		production  bool
	}{
		{"dev", "dev", nil, false},
		{"prod", "prod", nil, true},
		{"a stage of another name", "staging", nil, true},
		{"one that is set to be one", "test", true, true},
		{"one that is set not to be one", "test", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := map[string]any{"allowedOrigins": []any{"http://127.0.0.1:8080"}}
			if c.setting != nil {
				settings["production"] = c.setting
			}
			s, err := Load(stage(c.stage, settings), stubs(t))
			if (err != nil) != c.production || s.IsProduction() != c.production {
				t.Errorf("production %v, %v", s.IsProduction(), err)
			}
		})
	}
}

// TestEverySettingIsSet in the variant full, so that its tests cover all settings.
func TestEverySettingIsSet(t *testing.T) {
	given := everySetting()
	for key := range new(Settings).fields() {
		alone := key == "proxyUrl" || key == "eipAllocationId" // not beside proxySecretArn
		if _, ok := given[key]; ok == alone {
			t.Errorf("%s is given: %v", key, ok)
		}
	}
}

// TestSettingsAreDocumented compares docs/deploy.md with the settings, and the
// defaults there with those of the variables that the settings fill.
func TestSettingsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "deploy.md"))
	if err != nil {
		t.Fatal(err)
	}
	filled := map[string]string{} // default of the variable, by setting
	for _, v := range new(Settings).variables() {
		filled[v.key] = defaultOf(t, v.name)
	}
	for _, key := range slices.Sorted(maps.Keys(new(Settings).fields())) {
		t.Run(key, func(t *testing.T) {
			_, row, ok := strings.Cut(string(text), fmt.Sprintf("| `%s` | ", key))
			if !ok {
				t.Fatal("docs/deploy.md does not explain it")
			}
			documented, _, _ := strings.Cut(row, " |")
			if want := filled[key]; want != "" && strings.Trim(documented, "`") != want {
				t.Errorf("docs/deploy.md says that the default is %s, config says %s", documented, want)
			}
		})
	}
}

func defaultOf(t *testing.T, variable string) string {
	t.Helper()
	i := slices.IndexFunc(config.Variables(), func(v config.Variable) bool { return v.Name == variable })
	if i < 0 {
		t.Fatalf("no variable %s", variable)
	}
	return config.Variables()[i].Default
}

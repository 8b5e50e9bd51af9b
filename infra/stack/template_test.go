package stack

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
)

var update = flag.Bool("update", false, "write testdata anew")

var assetHash = regexp.MustCompile(`[0-9a-f]{64}\.zip`)

// TestSnapshots shows in a diff what a change does to each template. The same files
// are linted by make check-templates.
func TestSnapshots(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(variants(t))) {
		path := "testdata/" + name + ".template.json"
		got := assetHash.ReplaceAllString(synth(t, name).text, "HASH.zip")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != got {
			t.Errorf("%s differs: read the diff after go test ./infra/stack -update (%v)", path, err)
		}
	}
}

func TestResourceCount(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		if n := len(m.Resources); n >= 200 {
			t.Errorf("%d resources", n)
		}
	})
}

// TestEveryRouteOfTheManifest: those, the preflights of what pages call, and no other.
func TestEveryRouteOfTheManifest(t *testing.T) {
	want := map[string]string{}
	for _, f := range manifest.Functions() {
		for _, r := range f.Routes {
			path := strings.Replace(r.Path, "/MP_verify_{code}.txt", "/{filename}", 1)
			want[r.Method+" "+path] = f.Name
			if slices.Contains(f.Env, "ALLOWED_ORIGINS") {
				want["OPTIONS "+path] = f.Name
			}
		}
	}
	each(t, func(t *testing.T, m *template) {
		got := map[string]string{}
		for _, r := range m.all("AWS::ApiGatewayV2::Route") {
			integration := m.Resources[at(r.Properties, "Target", "Fn::Join", 1, 1, "Ref").(string)]
			function := m.Resources[at(integration.Properties, "IntegrationUri", "Fn::GetAtt", 0).(string)]
			name := function.Properties["FunctionName"].(string)
			got[r.Properties["RouteKey"].(string)] = name[strings.LastIndex(name, "-")+1:]
			if integration.Properties["PayloadFormatVersion"] != "2.0" {
				t.Errorf("%s: %v", name, integration.Properties)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
		stage := m.one(t, "AWS::ApiGatewayV2::Stage")
		for route := range want {
			if rate, _ := at(stage.Properties, "RouteSettings", route, "ThrottlingRateLimit").(float64); rate < 1 {
				t.Errorf("%s is not throttled", route)
			}
		}
		if n := len(stage.DependsOn.([]any)); n < len(want) {
			t.Errorf("the stage waits for %d routes of %d", n, len(want))
		}
	})
}

// TestThrottles: each route's, and their sum, which docs/cost.md tells: what an attacker
// can spend.
func TestThrottles(t *testing.T) {
	rate := func(variant, route string) float64 {
		limit, _ := at(synth(t, variant).one(t, "AWS::ApiGatewayV2::Stage").Properties, "RouteSettings", route, "ThrottlingRateLimit").(float64)
		return limit
	}
	for _, c := range []struct {
		variant, route string
		want           float64
	}{
		{"prod", "GET /signature", 500}, {"prod", "GET /signature/health", 50}, {"prod", "OPTIONS /signature", 50}, {"prod", "GET /{filename}", 50},
		{"prod", "POST /verify/{app}", 200}, {"prod", "POST /oauth/token", 50}, {"prod", "OPTIONS /oauth/token", 50},
		{"full", "GET /signature", 2000}, {"full", "OPTIONS /signature", 2000}, {"full", "GET /verify", 200},
	} {
		if got := rate(c.variant, c.route); got != c.want {
			t.Errorf("%s: %s is throttled to %v, want %v", c.variant, c.route, got, c.want)
		}
	}
	all, sum := at(synth(t, "prod").one(t, "AWS::ApiGatewayV2::Stage").Properties, "RouteSettings").(map[string]any), 0.0
	for route := range all {
		sum += rate("prod", route)
	}
	page, err := os.ReadFile("../../docs/cost.md")
	if want := fmt.Sprintf("All %d routes together let %.0f requests a second through", len(all), sum); err != nil || !strings.Contains(strings.ReplaceAll(string(page), ",", ""), want) {
		t.Errorf("docs/cost.md does not say: %s (%v)", want, err)
	}
}

// TestEnvironment gives each function's own configuration what the function gets.
func TestEnvironment(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for _, f := range manifest.Functions() {
			env := m.variables(t, f)
			c, err := config.Load(func(name string) string { return env[name] }, needs(f))
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			if f.Name == "signature" && c.SecretsARN+c.PushSecretsARN != "" {
				t.Error("signature is told of a secret")
			}
		}
	})
}

// variables are a function's, deployed.
func (m *template) variables(t *testing.T, f manifest.Function) map[string]string {
	t.Helper()
	_, r := m.function(t, f.Name)
	env := map[string]string{}
	for name, value := range at(r.Properties, "Environment", "Variables").(map[string]any) {
		env[name] = deployed(t, m, value)
		if !slices.Contains(f.Env, name) {
			t.Errorf("%s gets %s, which it does not read", f.Name, name)
		}
	}
	return env
}

// needs is what a function cannot run without.
func needs(f manifest.Function) config.Part {
	parts := config.Table
	for name, part := range map[string]config.Part{
		"ALLOWED_ORIGINS": config.Origins, "WECHAT_SECRETS_ARN": config.Secrets, "WECHAT_PUSH_SECRETS_ARN": config.Pushes, "EVENT_BUS_NAME": config.Bus,
	} {
		if slices.Contains(f.Env, name) {
			parts |= part
		}
	}
	return parts
}

// deployed is what CloudFormation makes of a value.
func deployed(t *testing.T, m *template, value any) string {
	t.Helper()
	if text, ok := value.(string); ok {
		if strings.HasPrefix(text, "{{resolve:secretsmanager:arn:") {
			return "http://user:password@proxy.example.com:3128"
		}
		return text
	}
	if id, ok := at(value, "Ref").(string); ok {
		switch m.Resources[id].Type {
		case "AWS::SecretsManager::Secret":
			return "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + id + "-AbCdEf"
		case "AWS::DynamoDB::Table", "AWS::Events::EventBus":
			return "wechatfn-prod-" + id
		}
	}
	if at(value, "Fn::GetAtt", 1) == "ApiEndpoint" {
		return "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
	}
	t.Fatalf("what is %s?", show(value))
	return ""
}

// TestEverySettingReaches: with every setting given, each variable of the manifest
// has a value.
func TestEverySettingReaches(t *testing.T) {
	m := synth(t, "full")
	for _, f := range manifest.Functions() {
		_, r := m.function(t, f.Name)
		for _, name := range f.Env {
			if at(r.Properties, "Environment", "Variables", name) == nil && !leftOut[name] {
				t.Errorf("%s lacks %s", f.Name, name)
			}
		}
	}
}

func TestFunctionsAreAsTheManifestSays(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for _, f := range manifest.Functions() {
			_, r := m.function(t, f.Name)
			p := r.Properties
			if p["Timeout"] != f.Timeout.Seconds() || p["MemorySize"] != float64(f.MemoryMB) || p["Runtime"] != "provided.al2023" || p["Handler"] != "bootstrap" {
				t.Errorf("%s: %s", f.Name, show(p))
			}
			group := m.Resources[at(p, "LoggingConfig", "LogGroup", "Ref").(string)]
			if group.Properties["LogGroupName"] != "/aws/lambda/"+p["FunctionName"].(string) || group.Properties["RetentionInDays"] == nil {
				t.Errorf("%s: %s", f.Name, show(group))
			}
		}
	})
	if _, r := synth(t, "full").function(t, "signature"); show(r.Properties["Architectures"]) != `["x86_64"]` || r.Properties["ReservedConcurrentExecutions"] != 50.0 {
		t.Error(show(r.Properties))
	}
	if _, r := synth(t, "dev").function(t, "signature"); show(r.Properties["Architectures"]) != `["arm64"]` || r.Properties["ReservedConcurrentExecutions"] != nil || r.Properties["TracingConfig"] != nil {
		t.Error(show(r.Properties))
	}
}

func TestData(t *testing.T) {
	for variant, live := range map[string]bool{"dev": false, "prod": true, "full": true, "china": true} {
		m, policy := synth(t, variant), map[bool]string{true: "Retain", false: "Delete"}[live]
		table := m.one(t, "AWS::DynamoDB::Table")
		want := map[string]any{
			"BillingMode": "PAY_PER_REQUEST", "KeySchema": []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}},
			"TimeToLiveSpecification":          map[string]any{"AttributeName": "expires_at", "Enabled": true},
			"StreamSpecification":              map[string]any{"StreamViewType": "KEYS_ONLY"},
			"PointInTimeRecoverySpecification": map[string]any{"PointInTimeRecoveryEnabled": true},
			"DeletionProtectionEnabled":        live,
		}
		for name, value := range want {
			if show(table.Properties[name]) != show(value) {
				t.Errorf("%s: %s is %s", variant, name, show(table.Properties[name]))
			}
		}
		if table.DeletionPolicy != policy {
			t.Errorf("%s: the table is subject to %s", variant, table.DeletionPolicy)
		}
		for id, secret := range m.all("AWS::SecretsManager::Secret") {
			if kept := map[bool]string{true: "RetainExceptOnCreate", false: "Delete"}[live]; secret.DeletionPolicy != kept {
				t.Errorf("%s: %s is subject to %s", variant, id, secret.DeletionPolicy)
			}
		}
	}
}

// TestNoSecretInATemplate: secrets are made without a value, and a proxy's password
// is a reference.
func TestNoSecretInATemplate(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for id, secret := range m.all("AWS::SecretsManager::Secret") {
			for name := range secret.Properties {
				if name != "Description" {
					t.Errorf("%s has %s", id, name)
				}
			}
		}
		if len(m.all("AWS::SecretsManager::Secret")) != 2 {
			t.Error("want two secrets")
		}
	})
	_, r := synth(t, "full").function(t, "refresher")
	if got := at(r.Properties, "Environment", "Variables", "WECHAT_PROXY_URL"); got != "{{resolve:secretsmanager:arn:aws:secretsmanager:ap-east-1:123456789012:secret:proxy-AbCdEf:SecretString}}" {
		t.Error(got)
	}
}

func TestTriggers(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		refresher, _ := m.function(t, "refresher")
		schedule := m.one(t, "AWS::Scheduler::Schedule").Properties
		if schedule["ScheduleExpression"] != "rate(1 minute)" || at(schedule, "Target", "Arn", "Fn::GetAtt", 0) != refresher || at(schedule, "Target", "Input") != "{}" || at(schedule, "Target", "DeadLetterConfig") == nil {
			t.Error(show(schedule))
		}
		stream := m.one(t, "AWS::Lambda::EventSourceMapping").Properties
		pattern := at(stream, "FilterCriteria", "Filters", 0, "Pattern")
		if pattern != `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"refresh_request#"}]}}},"eventName":["INSERT","MODIFY"]}` || at(stream, "FunctionName", "Ref") != refresher || at(stream, "DestinationConfig", "OnFailure") == nil || stream["BatchSize"] != 100.0 {
			t.Error(show(stream))
		}
		invocations := m.one(t, "AWS::Lambda::EventInvokeConfig").Properties
		if invocations["MaximumRetryAttempts"] != 0.0 || at(invocations, "DestinationConfig", "OnFailure") == nil {
			t.Error(show(invocations))
		}
	})
}

// TestAccessLog: the query holds codes, states and signatures.
func TestAccessLog(t *testing.T) {
	format := at(synth(t, "prod").one(t, "AWS::ApiGatewayV2::Stage").Properties, "AccessLogSettings", "Format").(string)
	for _, name := range []string{"query", "header", "cookie", "authorizer", "identity.user "} {
		if strings.Contains(strings.ToLower(format), name) {
			t.Errorf("the access log holds the %s: %s", name, format)
		}
	}
	if !strings.Contains(format, "$context.routeKey") || !strings.Contains(format, "$context.status") {
		t.Error(format)
	}
}

func TestOutputs(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for _, name := range []string{
			"ApiUrl", "SignatureUrl", "VerifyUrl", "OAuthCallbackUrl", "EgressIps", "AppSecretsArn", "PushSecretsArn", "TableName", "EventBusName",
			"RefresherFunctionName", "OAuthFunctionArn", "DashboardUrl",
		} {
			if m.Outputs[name].Value == nil {
				t.Errorf("no output %s", name)
			}
		}
	})
	if got := synth(t, "full").Outputs["SignatureUrl"].Value; got != "https://api.example.com/signature" {
		t.Error(got)
	}
}

// TestChina: another partition has other names.
func TestChina(t *testing.T) {
	for _, variant := range []string{"china", "china-none"} {
		m := synth(t, variant)
		for _, word := range []string{"arn:aws:", "aws.amazon.com", ".amazonaws.com/", "us-east-1"} {
			if strings.Contains(m.text, word) {
				t.Errorf("%s: the template holds %s", variant, word)
			}
		}
		// Services have the same principals there, and no host is written out.
		for _, host := range regexp.MustCompile(`[a-z.-]+\.amazonaws\.com[a-z.]*`).FindAllString(m.text, -1) {
			if !slices.Contains([]string{"lambda.amazonaws.com", "apigateway.amazonaws.com", "scheduler.amazonaws.com", "cloudwatch.amazonaws.com"}, host) {
				t.Errorf("%s: %s", variant, host)
			}
		}
	}
}

func TestDomain(t *testing.T) {
	for variant, closed := range map[string]bool{"dev": false, "full": false, "china-none": true} {
		m := synth(t, variant)
		if got := m.one(t, "AWS::ApiGatewayV2::Api").Properties["DisableExecuteApiEndpoint"]; got != closed {
			t.Errorf("%s: %v", variant, got)
		}
		if named := len(m.all("AWS::ApiGatewayV2::ApiMapping")) == 1; named != (variant != "dev") {
			t.Errorf("%s: mapped %v", variant, named)
		}
	}
}

// TestPlaceholder: the AppID of cdk.json is none, and make deploy, which is strict,
// refuses it.
func TestPlaceholder(t *testing.T) {
	for variant, want := range map[string]bool{"prod": true, "dev": false} {
		if got := strings.Contains(fmt.Sprint(warnings(synth(t, variant).stack)), "placeholder of cdk.json"); got != want {
			t.Errorf("%s: warned %v", variant, got)
		}
	}
}

// TestMiniProgramsAlone: nobody asks for signatures, and no page has an origin.
func TestMiniProgramsAlone(t *testing.T) {
	context := map[string]any{"stage": "prod", "stages": map[string]any{"prod": map[string]any{
		"apps": []any{map[string]any{"name": "mini", "kind": "mini_program", "appId": "wx4f4bc4dec97d474b"}},
	}}}
	m := synthesize(t, build(t, context))
	if text := strings.ToLower(show(m.Resources) + show(m.Outputs)); strings.Contains(text, "signature") {
		t.Error("the template speaks of signatures")
	}
	for _, f := range manifest.Functions() {
		if f.Name == "signature" {
			continue
		}
		if _, err := config.Load(func(name string) string { return m.variables(t, f)[name] }, needs(f)&^config.Origins); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if n := len(m.all("AWS::CloudWatch::Alarm")); n == 0 {
		t.Error("no alarms")
	}
}

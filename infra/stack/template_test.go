package stack

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
)

// CloudFormation takes 500 resources. A stack that comes near needs a second thought.
func TestResourceCount(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		if n := len(m.Resources); n >= 200 {
			t.Errorf("%d resources", n)
		}
	})
}

// TestFunctionsStartWithTheirEnvironment loads the configuration as each function does.
func TestFunctionsStartWithTheirEnvironment(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		for _, f := range manifest.Functions() {
			env := m.variables(t, f)
			c, err := config.Load(func(name string) string { return env[name] }, needs(f))
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			if f.Name == "signature" && c.SecretsARN+c.PushSecretsARN != "" {
				t.Error("signature gets the ARN of a secret")
			}
		}
	})
}

// variables are those of a function, as deployed.
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

func TestEveryVariableHasAValueWhereEverySettingIsGiven(t *testing.T) {
	m := synth(t, "full")
	for _, f := range manifest.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			_, r := m.function(t, f.Name)
			for _, name := range f.Env {
				if at(r.Properties, "Environment", "Variables", name) == nil && !leftOut[name] {
					t.Errorf("no value for %s", name)
				}
			}
		})
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
}

// TestNoSecretInATemplate: secrets are made without a value. See also the variable of
// the proxy in TestVariablesOfEachStage.
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
}

// The partition aws-cn has other ARNs and other hosts.
func TestChinaNamesNothingOfOtherPartitions(t *testing.T) {
	for _, variant := range []string{"china", "china-none"} {
		t.Run(variant, func(t *testing.T) {
			m := synth(t, variant)
			for _, word := range []string{"arn:aws:", "aws.amazon.com", ".amazonaws.com/", "us-east-1"} {
				if strings.Contains(m.text, word) {
					t.Errorf("the template holds %s", word)
				}
			}
			// Services have the same principals there, and no host is written out.
			for _, host := range regexp.MustCompile(`[a-z.-]+\.amazonaws\.com[a-z.]*`).FindAllString(m.text, -1) {
				if !slices.Contains([]string{"lambda.amazonaws.com", "apigateway.amazonaws.com", "scheduler.amazonaws.com", "cloudwatch.amazonaws.com"}, host) {
					t.Error(host)
				}
			}
		})
	}
}

// make deploy is strict, so it refuses a stack with this warning.
func TestThePlaceholderOfCDKJSONIsWarnedOf(t *testing.T) {
	for _, c := range []struct {
		variant string
		want    bool
	}{{"prod", true}, {"dev", false}} {
		t.Run(c.variant, func(t *testing.T) {
			if got := strings.Contains(fmt.Sprint(warnings(synth(t, c.variant).stack)), "placeholder of cdk.json"); got != c.want {
				t.Errorf("warned: %v", got)
			}
		})
	}
}

// Where there are only mini-programs, nothing is signed and no page has an origin.
func TestOnlyMiniPrograms(t *testing.T) {
	context := map[string]any{"stage": "prod", "stages": map[string]any{"prod": map[string]any{
		"apps": []any{map[string]any{"name": "mini", "kind": "mini_program", "appId": "wx4f4bc4dec97d474b"}},
	}}}
	m := synthesize(t, build(t, context))
	if text := strings.ToLower(show(m.Resources) + show(m.Outputs)); strings.Contains(text, "signature") {
		t.Error("the template names signatures")
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

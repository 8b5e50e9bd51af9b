package stack

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"wechatfn/shared/manifest"
)

// The tests of this file say in what each stage differs from prod and china, whose
// templates are snapshots.

// natResources is what a stage with a NAT gateway is made of besides; half of it is for a
// second zone.
var natResources = map[string]int{
	"AWS::EC2::EIP": 1, "AWS::EC2::InternetGateway": 1, "AWS::EC2::NatGateway": 1, "AWS::EC2::Route": 4, "AWS::EC2::RouteTable": 4,
	"AWS::EC2::SecurityGroup": 1, "AWS::EC2::Subnet": 4, "AWS::EC2::SubnetRouteTableAssociation": 4, "AWS::EC2::VPC": 1,
	"AWS::EC2::VPCEndpoint": 1, "AWS::EC2::VPCGatewayAttachment": 1,
}

// TestResourcesOfEachStage counts them by type: those of prod without the network, and
// what is added or missing.
func TestResourcesOfEachStage(t *testing.T) {
	for _, c := range []struct {
		variant string
		more    map[string]int
	}{
		{"prod", natResources},
		{"dev", map[string]int{"AWS::CloudWatch::Alarm": -10, "AWS::SNS::Topic": -1, "AWS::SNS::TopicPolicy": -1}},
		{"proxy", nil},
		{"full", map[string]int{"AWS::ApiGatewayV2::DomainName": 1, "AWS::ApiGatewayV2::ApiMapping": 1, "AWS::Lambda::Permission": 1, "AWS::SNS::Subscription": 1}},
		{"china-none", map[string]int{"AWS::ApiGatewayV2::DomainName": 1, "AWS::ApiGatewayV2::ApiMapping": 1}},
	} {
		t.Run(c.variant, func(t *testing.T) {
			want := count(synth(t, "prod"))
			for kind, n := range natResources {
				want[kind] -= n
			}
			for kind, n := range c.more {
				want[kind] += n
			}
			maps.DeleteFunc(want, func(_ string, n int) bool { return n == 0 })
			if got := count(synth(t, c.variant)); !maps.Equal(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		})
	}
}

func count(m *template) map[string]int {
	counts := map[string]int{}
	for _, r := range m.Resources {
		counts[r.Type]++
	}
	return counts
}

// TestVariablesOfEachStage: a setting reaches each function that reads its variable,
// as it was written, and nothing else is set.
func TestVariablesOfEachStage(t *testing.T) {
	shop := `[{"name":"shop","kind":"official_account","appId":"` + shopID + `"}]`
	for _, c := range []struct {
		variant string
		want    map[string]string
	}{
		{"dev", map[string]string{"WECHAT_APPS": shop, "ALLOWED_ORIGINS": "https://www.example.com"}},
		{"proxy", map[string]string{"WECHAT_APPS": shop, "ALLOWED_ORIGINS": "https://www.example.com", "WECHAT_PROXY_URL": "http://proxy.example.com:3128"}},
		{"china-none", map[string]string{"WECHAT_APPS": shop, "ALLOWED_ORIGINS": "https://www.example.com", "REPLY_FUNCTION": "wechat-replies", "PUBLIC_URL": "https://api.example.cn"}},
		{"full", map[string]string{
			"WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"` + shopID + `","tickets":["jsapi","wx_card"]},` +
				`{"name":"desktop","kind":"website","appId":"wxfedcba9876543210"},{"name":"mini","kind":"mini_program","appId":"wx4f4bc4dec97d474b"}]`,
			"ALLOWED_ORIGINS":  "https://www.example.com,https://shop.example.org",
			"WECHAT_PROXY_URL": "{{resolve:secretsmanager:arn:aws:secretsmanager:ap-east-1:123456789012:secret:proxy-AbCdEf:SecretString}}",
			"WECHAT_TICKETS":   "jsapi", "WECHAT_TOKEN_MODE": "classic", "WECHAT_API_BASE": "https://hk.api.weixin.qq.com", "SIGNATURE_CACHE": "table",
			"SESSION_TTL": "24h", "SESSION_IDLE_TIMEOUT": "1h", "SESSION_DEVICES": "3", "MINIPROGRAM_SESSION_TTL": "48h", "MINIPROGRAM_DATA_AGE": "5m",
			"WECHAT_PUSH_WINDOW": "5m", "WECHAT_DOMAIN_PROOFS": "AbCdEf0123456789", "LOG_LEVEL": "warn", "PUBLIC_URL": "https://api.example.com",
			"REPLY_FUNCTION": "arn:aws:lambda:ap-east-1:123456789012:function:replies",
		}},
	} {
		t.Run(c.variant, func(t *testing.T) {
			for _, f := range manifest.Functions() {
				want := map[string]string{}
				for _, name := range f.Env {
					if value := c.want[name]; value != "" {
						want[name] = value
					}
				}
				if got := literals(t, synth(t, c.variant), f); !maps.Equal(got, want) {
					t.Errorf("%s\n got %v\nwant %v", f.Name, got, want)
				}
			}
		})
	}
}

// literals are a function's variables, without those that refer to the stack's own
// resources.
func literals(t *testing.T, m *template, f manifest.Function) map[string]string {
	t.Helper()
	_, r := m.function(t, f.Name)
	found := map[string]string{}
	for name, value := range at(r.Properties, "Environment", "Variables").(map[string]any) {
		if text, ok := value.(string); ok {
			found[name] = text
		}
	}
	return found
}

func TestFunctionsOfEachStage(t *testing.T) {
	for _, c := range []struct {
		variant, architecture string
		tracing               any
		reserved              map[string]any // by function
	}{
		{"prod", "arm64", nil, nil},
		{"dev", "arm64", nil, nil},
		{"proxy", "arm64", nil, nil},
		{"china-none", "arm64", nil, nil},
		{"full", "x86_64", "Active", map[string]any{"signature": 50.0}},
	} {
		t.Run(c.variant, func(t *testing.T) {
			for _, f := range manifest.Functions() {
				_, r := synth(t, c.variant).function(t, f.Name)
				if got := at(r.Properties, "Architectures", 0); got != c.architecture {
					t.Errorf("%s: architecture %v", f.Name, got)
				}
				if got := at(r.Properties, "TracingConfig", "Mode"); got != c.tracing {
					t.Errorf("%s: tracing %v", f.Name, got)
				}
				if got := r.Properties["ReservedConcurrentExecutions"]; got != c.reserved[f.Name] {
					t.Errorf("%s: reserved concurrency %v", f.Name, got)
				}
			}
		})
	}
}

func TestLogsOfEachStageAreDeletedInTime(t *testing.T) {
	for _, c := range []struct {
		variant string
		days    float64
	}{{"dev", 7}, {"prod", 30}, {"proxy", 30}, {"china-none", 30}, {"full", 90}} {
		t.Run(c.variant, func(t *testing.T) {
			for id, group := range synth(t, c.variant).all("AWS::Logs::LogGroup") {
				if got := group.Properties["RetentionInDays"]; got != c.days || group.DeletionPolicy != "Delete" {
					t.Errorf("%s: %v days, %s", id, got, group.DeletionPolicy)
				}
			}
		})
	}
}

func TestOnlyProductionStagesRetainTheirData(t *testing.T) {
	for _, c := range []struct {
		variant    string
		production bool
	}{{"dev", false}, {"prod", true}, {"proxy", true}, {"full", true}, {"china", true}, {"china-none", true}} {
		t.Run(c.variant, func(t *testing.T) {
			m, ofTable, ofSecrets := synth(t, c.variant), "Delete", "Delete"
			if c.production {
				ofTable, ofSecrets = "Retain", "RetainExceptOnCreate"
			}
			table := m.one(t, "AWS::DynamoDB::Table")
			if table.DeletionPolicy != ofTable || table.Properties["DeletionProtectionEnabled"] != c.production {
				t.Errorf("table: %s, protected %v", table.DeletionPolicy, table.Properties["DeletionProtectionEnabled"])
			}
			for id, secret := range m.all("AWS::SecretsManager::Secret") {
				if secret.DeletionPolicy != ofSecrets {
					t.Errorf("%s: %s", id, secret.DeletionPolicy)
				}
			}
			if got := *m.stack.TerminationProtection(); got != c.production {
				t.Errorf("the stack is protected: %v", got)
			}
		})
	}
}

func TestTableHasStreamTTLAndRecovery(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		table := m.one(t, "AWS::DynamoDB::Table")
		for _, c := range []struct {
			name string
			want any
		}{
			{"BillingMode", "PAY_PER_REQUEST"},
			{"KeySchema", []any{map[string]any{"AttributeName": "pk", "KeyType": "HASH"}}},
			{"TimeToLiveSpecification", map[string]any{"AttributeName": "expires_at", "Enabled": true}},
			{"StreamSpecification", map[string]any{"StreamViewType": "KEYS_ONLY"}},
			{"PointInTimeRecoverySpecification", map[string]any{"PointInTimeRecoveryEnabled": true}},
		} {
			t.Run(c.name, func(t *testing.T) {
				if show(table.Properties[c.name]) != show(c.want) {
					t.Errorf("%s is %s", c.name, show(table.Properties[c.name]))
				}
			})
		}
	})
}

func TestAddressOfEachStage(t *testing.T) {
	for _, c := range []struct {
		variant, domain, certificate string
		gatewayClosed                bool // for requests to its own address
	}{
		{"dev", "", "", false},
		{"proxy", "", "", false},
		{"full", "api.example.com", "arn:aws:acm:ap-east-1:123456789012:certificate/0f", false}, // keepApiUrl
		{"china-none", "api.example.cn", "arn:aws-cn:acm:cn-north-1:123456789012:certificate/0f", true},
	} {
		t.Run(c.variant, func(t *testing.T) {
			m := synth(t, c.variant)
			if got := m.one(t, "AWS::ApiGatewayV2::Api").Properties["DisableExecuteApiEndpoint"]; got != c.gatewayClosed {
				t.Errorf("the gateway's own address is closed: %v", got)
			}
			if c.domain == "" {
				return
			}
			name := m.one(t, "AWS::ApiGatewayV2::DomainName").Properties
			if name["DomainName"] != c.domain || at(name, "DomainNameConfigurations", 0, "CertificateArn") != c.certificate || at(name, "DomainNameConfigurations", 0, "SecurityPolicy") != "TLS_1_2" {
				t.Error(show(name))
			}
			for _, row := range []struct {
				output string
				path   string
			}{{"ApiUrl", "/"}, {"SignatureUrl", "/signature"}, {"VerifyUrl", "/verify"}, {"OAuthCallbackUrl", "/oauth/callback"}} {
				t.Run(row.output, func(t *testing.T) {
					if got := m.Outputs[row.output].Value; got != "https://"+c.domain+row.path {
						t.Errorf("%s is %v", row.output, got)
					}
				})
			}
			if m.Outputs["DomainTarget"].Value == nil {
				t.Error("no output DomainTarget")
			}
		})
	}
}

func TestOutputNamesTheAddressThatWeChatSees(t *testing.T) {
	const unknown = "any of AWS's: choose egress nat or proxy if WeChat enforces the whitelist"
	for _, c := range []struct {
		variant string
		want    any
	}{
		{"prod", map[string]any{"Ref": "Address"}},
		{"china", "that of eipalloc-0123456789abcdef0"},
		{"proxy", "that of the proxy proxy.example.com:3128"},
		{"full", "that of the proxy in proxySecretArn"},
		{"dev", unknown},
		{"china-none", unknown},
	} {
		t.Run(c.variant, func(t *testing.T) {
			if got := synth(t, c.variant).Outputs["EgressIps"].Value; show(got) != show(c.want) {
				t.Error(show(got))
			}
		})
	}
}

func TestReplyFunctionIsTheOnlyOneThatVerifyInvokes(t *testing.T) {
	for _, c := range []struct{ variant, want string }{
		{"prod", ""},
		{"full", `"arn:aws:lambda:ap-east-1:123456789012:function:replies"`},
		{"china-none", `{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":lambda:cn-north-1:",{"Ref":"AWS::AccountId"},":function:wechat-replies"]]}`},
	} {
		t.Run(c.variant, func(t *testing.T) {
			m, got := synth(t, c.variant), ""
			for _, s := range statements(t, m.role(t, "verify")) {
				if s["Sid"] == "Invoke" {
					got = show(s["Resource"])
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAuthorizerServesTheNamedAPIOnly(t *testing.T) {
	m, found := synth(t, "full"), 0
	oauth, _ := m.function(t, "oauth")
	for id, p := range m.all("AWS::Lambda::Permission") {
		if !strings.Contains(id, "Authorizes") {
			continue
		}
		found++
		source := `{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":execute-api:ap-east-1:",{"Ref":"AWS::AccountId"},":a1b2c3d4e5/authorizers/*"]]}`
		if at(p.Properties, "FunctionName", "Fn::GetAtt", 0) != oauth || show(p.Properties["SourceArn"]) != source {
			t.Errorf("%s: %s", id, show(p.Properties))
		}
	}
	if found != 1 {
		t.Errorf("%d permissions for authorizers", found)
	}
}

func TestNamesOfEachStage(t *testing.T) {
	for _, c := range []struct{ variant, stage string }{{"dev", "dev"}, {"prod", "prod"}, {"full", "staging"}, {"china-none", "prod"}} {
		t.Run(c.variant, func(t *testing.T) {
			m := synth(t, c.variant)
			if got := *m.stack.StackName(); got != "wechatfn-"+c.stage {
				t.Errorf("the stack is %s", got)
			}
			for _, f := range manifest.Functions() {
				if _, r := m.function(t, f.Name); r.Properties["FunctionName"] != fmt.Sprintf("wechatfn-%s-%s", c.stage, f.Name) {
					t.Errorf("%s is %v", f.Name, r.Properties["FunctionName"])
				}
			}
			if got := m.one(t, "AWS::Events::EventBus").Properties["Name"]; got != "wechatfn-"+c.stage {
				t.Errorf("the bus is %v", got)
			}
		})
	}
}

package stack

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"wechatfn/shared/manifest"
)

// The tests of this package do not run in parallel: jsii is one process that handles
// one request after the other.

func TestMain(m *testing.M) {
	os.Setenv("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

const shopID = "wx520c15f417810387"

// variant is a stage that the tests synthesize.
type variant struct {
	name    string
	context map[string]any
}

func variants(t *testing.T) []variant {
	t.Helper()
	prod := projectContext(t)
	prod["stage"] = "prod"
	return []variant{
		{"prod", prod}, // as in cdk.json
		{"china", stage("prod", map[string]any{"region": "cn-northwest-1", "egress": "nat", "eipAllocationId": "eipalloc-0123456789abcdef0"})},
		{"dev", stage("dev", nil)},
		{"proxy", stage("prod", map[string]any{"egress": "proxy", "proxyUrl": "http://proxy.example.com:3128"})},
		{"full", stage("staging", everySetting())},
		{"china-none", stage("prod", map[string]any{"region": "cn-north-1", "replyFunction": "wechat-replies",
			"domain": map[string]any{"name": "api.example.cn", "certificateArn": "arn:aws-cn:acm:cn-north-1:123456789012:certificate/0f"}})},
	}
}

// stage is the context of a stage with these settings and those that every stage
// needs.
func stage(name string, settings map[string]any) map[string]any {
	all := map[string]any{
		"apps":           []any{map[string]any{"name": "shop", "kind": "official_account", "appId": shopID}},
		"allowedOrigins": []any{"https://www.example.com"},
	}
	maps.Copy(all, settings)
	return map[string]any{"stage": name, "stages": map[string]any{name: all}}
}

// everySetting gives each setting a value that is not its default, except where two
// settings exclude each other.
func everySetting() map[string]any {
	return map[string]any{
		"apps": []any{
			map[string]any{"name": "shop", "kind": "official_account", "appId": shopID, "tickets": []any{"jsapi", "wx_card"}},
			map[string]any{"name": "desktop", "kind": "website", "appId": "wxfedcba9876543210"},
			map[string]any{"name": "mini", "kind": "mini_program", "appId": "wx4f4bc4dec97d474b"},
		},
		"allowedOrigins": []any{"https://www.example.com", "https://shop.example.org"},
		"account":        "123456789012", "region": "ap-east-1", "production": true, "keepApiUrl": true, "egress": "proxy", "architecture": "x86_64", "tracing": true,
		"domain":         map[string]any{"name": "api.example.com", "certificateArn": "arn:aws:acm:ap-east-1:123456789012:certificate/0f"},
		"proxySecretArn": "arn:aws:secretsmanager:ap-east-1:123456789012:secret:proxy-AbCdEf",
		"alarmEmail":     "ops@example.com", "logLevel": "warn", "logRetentionDays": 90.0, "reservedConcurrency": map[string]any{"signature": 50.0},
		"throttles": map[string]any{"signature": map[string]any{"rate": 2000.0, "burst": 4000.0}}, "authorizerApis": []any{"a1b2c3d4e5"},
		"tickets": []any{"jsapi"}, "tokenMode": "classic", "apiBase": "https://hk.api.weixin.qq.com", "signatureCache": "table",
		"sessionTtl": "24h", "sessionIdleTimeout": "1h", "sessionDevices": 3.0, "miniProgramSessionTtl": "48h", "miniProgramDataAge": "5m", "pushWindow": "5m", "domainProofs": []any{"AbCdEf0123456789"},
		"replyFunction": "arn:aws:lambda:ap-east-1:123456789012:function:replies",
	}
}

// projectContext is that of cdk.json.
func projectContext(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Context map[string]any `json:"context"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Context
}

// stubs is a folder with the same layout as that of make build. The bytes, and so the
// hashes of the assets, are always the same.
func stubs(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range manifest.Functions() {
		for _, path := range []string{f.Name, filepath.Join("amd64", f.Name)} {
			if err := os.MkdirAll(filepath.Join(folder, path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, path, "bootstrap"), []byte("stub"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return folder
}

// template is a synthesized stack.
type template struct {
	stack     awscdk.Stack
	Resources map[string]resource
	Outputs   map[string]struct{ Value any }
	text      string
}

type resource struct {
	Type           string
	Properties     map[string]any
	DependsOn      any
	DeletionPolicy string
}

// build makes the stack, without synthesizing it.
func build(t *testing.T, context map[string]any) awscdk.Stack {
	t.Helper()
	s, err := Load(context, stubs(t))
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Context: &context})
	stack, err := New(app, s)
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// synthesized caches the templates of the variants: each takes a second.
var synthesized = map[string]*template{}

func synth(t *testing.T, name string) *template {
	t.Helper()
	if synthesized[name] == nil {
		all := variants(t)
		i := slices.IndexFunc(all, func(v variant) bool { return v.name == name })
		if i < 0 {
			t.Fatalf("no variant %s", name)
		}
		synthesized[name] = synthesize(t, build(t, all[i].context))
	}
	return synthesized[name]
}

func synthesize(t *testing.T, stack awscdk.Stack) *template {
	t.Helper()
	awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Reports: jsii.Bool(false)}), nil) // for TestStacksHaveOnlyAcceptedFindings
	text, err := json.MarshalIndent(assertions.Template_FromStack(stack, nil).ToJSON(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	made := &template{stack: stack, text: string(text) + "\n"}
	if err := json.Unmarshal(text, made); err != nil {
		t.Fatal(err)
	}
	return made
}

// each runs a test for every variant.
func each(t *testing.T, test func(t *testing.T, m *template)) {
	for _, v := range variants(t) {
		t.Run(v.name, func(t *testing.T) { test(t, synth(t, v.name)) })
	}
}

// all returns the resources of a type, by logical ID.
func (m *template) all(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range m.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// one returns the only resource of a type.
func (m *template) one(t *testing.T, kind string) resource {
	t.Helper()
	found := m.all(kind)
	if len(found) != 1 {
		t.Fatalf("%d of %s, want 1", len(found), kind)
	}
	for _, r := range found {
		return r
	}
	panic("unreachable")
}

// function returns a Lambda function by its name in the manifest.
func (m *template) function(t *testing.T, name string) (string, resource) {
	t.Helper()
	for id, r := range m.all("AWS::Lambda::Function") {
		if strings.HasSuffix(r.Properties["FunctionName"].(string), "-"+name) {
			return id, r
		}
	}
	t.Fatalf("no function %s", name)
	return "", resource{}
}

// at walks into nested maps and lists: at(r.Properties, "Code", "S3Key").
func at(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// show is a value as JSON, for comparing.
func show(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

// Package wechatfn holds nothing but the test that keeps the layout true.
package wechatfn

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
}

// list runs go list over our packages, without tests.
func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Standard,Imports,Deps", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, "wechatfn/")] = p
	}
	return packages
}

// ours lists the packages of this module among imports, without the module's name.
func ours(imports []string) (out []string) {
	for _, path := range imports {
		if own, ok := strings.CutPrefix(path, "wechatfn/"); ok {
			out = append(out, own)
		}
	}
	return out
}

// under reports whether a package is one of those named or below one of them. A
// name that ends with /. is the package alone, without those below it.
func under(path string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return path == strings.TrimSuffix(prefix, "/.") || strings.HasPrefix(path, prefix+"/")
	})
}

var (
	// features have a handler each; one never imports another.
	features = []string{"shared/jssdk", "shared/oauth", "shared/oidc", "shared/scan", "shared/miniprogram", "shared/message", "shared/relay"}
	// foundations are what features may import. The store is its contract alone: an
	// engine is chosen by a main.
	foundations = []string{"shared/account", "shared/login", "shared/credential", "shared/session", "shared/wechat", "shared/store/.", "shared/problem", "shared/secret", "shared/web", "shared/wait", "shared/strictjson"}
	// leaves use the standard library, and of ours what their rule says.
	leaves = []string{"shared/strictjson", "shared/secret", "shared/account", "shared/wechat", "shared/config", "shared/manifest", "shared/problem", "shared/web", "shared/wait", "shared/metrics", "shared/store/."}
	// forTests is linked by tests alone.
	forTests = []string{"e2e", "dev", "shared/aws/secrets/secretstest", "shared/store/storetest", "shared/store/dynamo/dynamotest", "shared/web/logtest"}
)

// rules say who may import which of our packages, beside those below itself. The
// first rule that a package falls under counts.
var rules = []struct {
	packages []string
	may      []string
}{
	{[]string{"e2e"}, []string{"e2e"}},
	{[]string{"dev/wechatsim/wait"}, nil},
	{[]string{"dev/wechatsim/push"}, []string{"dev/wechatsim/wait"}},
	{[]string{"dev/wechatsim"}, []string{"dev/wechatsim"}}, // so that it cannot share the product's mistakes
	{[]string{"dev", "cmd/wechatfn"}, []string{"shared", "dev", "client"}},
	{[]string{"functions", "cmd", "shared/server"}, []string{"shared"}},
	{[]string{"infra"}, []string{"infra", "shared/manifest", "shared/config", "shared/account", "shared/metrics", "shared/store/."}},
	{[]string{"client"}, nil},
	{[]string{"shared/strictjson", "shared/problem", "shared/wait", "shared/store/.", "shared/metrics"}, nil},
	{[]string{"shared/secret"}, []string{"shared/strictjson"}},
	{[]string{"shared/wechat"}, []string{"shared/wait"}},
	{[]string{"shared/web"}, []string{"shared/problem"}},
	{[]string{"shared/account"}, []string{"shared/secret", "shared/wechat"}},
	{[]string{"shared/config"}, []string{"shared/account", "shared/secret", "shared/wechat", "shared/web", "shared/strictjson"}},
	{[]string{"shared/manifest"}, []string{"shared/config", "shared/store/."}},
	{[]string{"shared/store"}, []string{"shared/store/."}}, // the engines
	{features, foundations},
	{foundations, foundations},
	{[]string{"shared/operator", "shared/refresher"}, slices.Concat(foundations, []string{"shared/metrics"})},
	{[]string{"shared/app"}, slices.Concat(features, foundations, []string{"shared/operator", "shared/refresher", "shared/config", "shared/metrics", "shared/lambdahttp"})},
	{[]string{"shared/boot"}, []string{"shared/config"}},
	{[]string{"shared/aws/eventbus", "shared/aws/replyfunc", "shared/aws/secrets/pushsecrets"}, slices.Concat(foundations, []string{"shared/aws", "shared/message"})},
	{[]string{"shared/aws"}, slices.Concat(foundations, []string{"shared/aws", "shared/store/dynamo"})},
	{[]string{"shared/forward"}, []string{"shared/message"}},
	{[]string{"shared/lambdahttp"}, []string{"shared/web", "shared/problem"}},
	{[]string{""}, nil},
}

func TestLayoutImports(t *testing.T) {
	for name, p := range list(t) {
		if under(name, "shared/store/storetest", "shared/store/dynamo/dynamotest", "shared/aws/secrets/secretstest") || strings.Contains(name, "testdata") {
			continue
		}
		i := slices.IndexFunc(rules, func(r struct{ packages, may []string }) bool { return under(name, r.packages...) })
		for _, imported := range ours(p.Imports) {
			switch {
			case i < 0:
				t.Errorf("%s imports %s: no rule says that it may", name, imported)
			case !under(imported, append(slices.Clone(rules[i].may), name)...):
				t.Errorf("%s imports %s: it may import %v", name, imported, rules[i].may)
			case under(imported, forTests...) && !under(name, "dev", "e2e", "cmd/wechatfn"):
				t.Errorf("%s imports %s, which is for tests", name, imported)
			}
		}
	}
}

func TestLayoutStoreIsALeafWithoutItsEngines(t *testing.T) {
	for _, c := range []struct {
		name string
		leaf bool
	}{
		{"shared/store", true},
		{"shared/store/dynamo", false},
		{"shared/store/storetest", false},
		{"shared/web", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := under(c.name, leaves...); got != c.leaf {
				t.Errorf("a leaf: %v, want %v", got, c.leaf)
			}
		})
	}
}

func TestLayoutLeavesUseNoLibraries(t *testing.T) {
	for name, p := range list(t) {
		for _, path := range p.Imports {
			if first, _, _ := strings.Cut(path, "/"); under(name, leaves...) && strings.Contains(first, ".") {
				t.Errorf("%s imports %s; it uses the standard library alone", name, path)
			}
		}
	}
}

// Only the package of a store imports its database driver.
func TestLayoutDrivers(t *testing.T) {
	for name, p := range list(t) {
		if under(name, "shared/store/sqlite") {
			continue
		}
		for _, path := range p.Imports {
			if under(path, "modernc.org/sqlite", "database/sql") {
				t.Errorf("%s imports %s; that is for its store", name, path)
			}
		}
	}
}

func TestLayoutSDKs(t *testing.T) {
	for name, p := range list(t) {
		if under(name, "e2e", "shared/store/dynamo/dynamotest", "shared/aws/secrets/secretstest") {
			continue
		}
		for _, path := range p.Imports {
			if under(path, "github.com/aws/aws-sdk-go-v2") && !under(name, "shared/store/dynamo", "shared/aws") {
				t.Errorf("%s imports the AWS SDK (%s)", name, path)
			}
			if under(path, "github.com/aws/aws-lambda-go") && !under(name, "shared/lambdahttp", "functions") {
				t.Errorf("%s imports Lambda's types", name)
			}
		}
	}
}

// unseen is what a function must never reach: the secrets of others, and services
// that it has no business with.
var unseen = map[string][]string{
	"signature": {"secretsmanager", "service/eventbridge", "service/lambda"},
	"refresher": {"shared/aws/secrets/pushsecrets", "service/eventbridge", "service/lambda"},
	"verify":    {"wechatfn/shared/aws/secrets/appsecrets"},
	"oauth":     {"shared/aws/secrets/pushsecrets", "service/eventbridge", "service/lambda"},
}

func TestLayoutFunctionsAreMinimal(t *testing.T) {
	never := []string{"github.com/aws/aws-cdk-go", "github.com/aws/jsii-runtime-go", "github.com/aws/constructs-go", "wechatfn/infra", "modernc.org/sqlite", "github.com/alecthomas/kong", "wechatfn/dev"}
	found := 0
	for name, p := range list(t) {
		if filepath.Dir(name) != "functions" {
			continue
		}
		found++
		for _, dep := range p.Deps {
			if under(dep, never...) {
				t.Errorf("%s links %s", name, dep)
			}
			for _, part := range unseen[filepath.Base(name)] {
				if strings.Contains(dep, part) {
					t.Errorf("%s links %s, which it must never reach", name, dep)
				}
			}
		}
		main, err := os.ReadFile(name + "/main.go")
		if lines := bytes.Count(main, []byte("\n")); err != nil || lines > 35 {
			t.Errorf("%s/main.go: %v, %d lines; a main is thin", name, err, lines)
		}
	}
	if found < len(unseen) {
		t.Errorf("only %d functions were found", found)
	}
}

func TestLayoutNames(t *testing.T) {
	for name := range list(t) {
		if slices.Contains([]string{"util", "utils", "common", "types", "models", "helpers"}, filepath.Base(name)) {
			t.Errorf("%s: name a package after what it does", name)
		}
	}
}

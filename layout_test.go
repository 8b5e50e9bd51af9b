// Package wechatfn holds nothing but the test that keeps the layout true.
package wechatfn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

func under(path string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	})
}

var (
	features = []string{"shared/jssdk", "shared/credential", "shared/oauth", "shared/miniprogram", "shared/message"}
	// foundations is what a feature may stand on.
	foundations = []string{"shared/wechat", "shared/session", "shared/store", "shared/web", "shared/config"}
	// forTests is never part of a program, but for the simulator in cmd.
	forTests = []string{"shared/wechatsim", "shared/app/managed/managedtest", "shared/store/storetest", "shared/store/dynamo/dynamotest", "shared/lambdahttp/lambdatest"}
)

func TestLayoutImports(t *testing.T) {
	for name, p := range list(t) {
		if under(name, forTests...) || strings.Contains(name, "testdata") {
			continue
		}
		for _, imported := range ours(p.Imports) {
			switch {
			case under(name, "cmd") && imported == "shared/wechatsim":
			case under(imported, forTests...):
				t.Errorf("%s imports %s, which is for tests", name, imported)
			case under(name, features...) && !under(imported, foundations...):
				t.Errorf("%s imports %s: a feature stands on %v alone", name, imported, foundations)
			case under(name, "shared") && under(imported, "functions", "cmd", "infra"):
				t.Errorf("%s imports %s, which is above it", name, imported)
			case under(name, "infra") && !under(imported, "infra", "shared/manifest", "shared/metrics", "shared/config"):
				t.Errorf("%s imports %s: the stack is made from the manifest", name, imported)
			case under(imported, "shared/app") && !under(name, "functions", "cmd", "shared/app"):
				t.Errorf("%s imports the composition root", name)
			}
		}
	}
}

func TestLayoutStandardLibraryAlone(t *testing.T) {
	for name, p := range list(t) {
		if !under(name, "shared/wechat", "shared/config", "shared/manifest", "shared/web", "shared/metrics") {
			continue
		}
		for _, path := range p.Imports {
			if strings.Contains(strings.SplitN(path, "/", 2)[0], ".") || (len(ours([]string{path})) > 0 && !under(path, "wechatfn/shared/"+filepath.Base(name))) {
				t.Errorf("%s imports %s; it uses the standard library alone", name, path)
			}
		}
	}
}

func TestLayoutSDKs(t *testing.T) {
	for name, p := range list(t) {
		if under(name, forTests...) || strings.Contains(name, "testdata") {
			continue
		}
		for _, path := range p.Imports {
			if under(path, "github.com/aws/aws-sdk-go-v2") && !under(name, "shared/store/dynamo", "shared/app") {
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
	"refresher": {"shared/app/pushsecrets", "service/eventbridge", "service/lambda"},
	"verify":    {"wechatfn/shared/app/secrets"},
	"oauth":     {"shared/app/pushsecrets", "service/eventbridge", "service/lambda"},
}

func TestLayoutFunctionsAreLean(t *testing.T) {
	never := []string{"github.com/aws/aws-cdk-go", "github.com/aws/jsii-runtime-go", "github.com/aws/constructs-go", "wechatfn/infra", "modernc.org/sqlite", "github.com/alecthomas/kong", "wechatfn/shared/wechatsim"}
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

var problemCode = regexp.MustCompile(`(?:Code: +|badURL\(|failure\([A-Za-z.]+, |p\.Code, p\.Title = [A-Za-z.]+, )"([a-z_]+)"`)

// Every code that a client may meet is explained.
func TestLayoutProblemsAreDocumented(t *testing.T) {
	docs, err := os.ReadFile("docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for _, folder := range []string{"shared/web", "shared/lambdahttp", "shared/jssdk", "shared/message", "shared/oauth", "shared/miniprogram"} {
		files, _ := filepath.Glob(folder + "/*.go")
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil || strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, match := range problemCode.FindAllSubmatch(text, -1) {
				codes++
				if !bytes.Contains(docs, fmt.Appendf(nil, "`%s`", match[1])) {
					t.Errorf("%s: the problem %s is not in docs/problems.md", file, match[1])
				}
			}
		}
	}
	if codes < 20 {
		t.Errorf("only %d codes were found", codes)
	}
}

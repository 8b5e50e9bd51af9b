package manifest

import (
	"os"
	"slices"
	"testing"
	"time"

	"wechatfn/shared/config"
)

func TestFoldersAreTheFunctions(t *testing.T) {
	folders, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if _, err := os.Stat("../../functions/" + folder.Name() + "/main.go"); err != nil {
			continue
		}
		if _, ok := Lookup(folder.Name()); !ok {
			t.Errorf("functions/%s is not in the manifest", folder.Name())
		}
	}
	for _, f := range Functions() {
		if _, err := os.Stat("../../functions/" + f.Name + "/main.go"); err != nil {
			t.Errorf("%s is in the manifest only: %v", f.Name, err)
		}
	}
}

func TestVariablesAreKnown(t *testing.T) {
	for _, f := range Functions() {
		for _, name := range f.Env {
			i := slices.IndexFunc(config.Variables(), func(v config.Variable) bool { return v.Name == name })
			if i < 0 {
				t.Errorf("%s reads %s, which the configuration does not know", f.Name, name)
			} else if config.Variables()[i].Secret && name != "WECHAT_PROXY_URL" {
				t.Errorf("%s gets the secret %s in its environment", f.Name, name)
			}
		}
		for _, name := range []string{f.Secret, f.Bus, f.Invokes} {
			if name != "" && !slices.Contains(f.Env, name) {
				t.Errorf("%s does not read %s", f.Name, name)
			}
		}
		for _, name := range []string{"WECHAT_SECRETS_ARN", "WECHAT_PUSH_SECRETS_ARN"} {
			if slices.Contains(f.Env, name) && f.Secret != name {
				t.Errorf("%s reads %s, but may not", f.Name, name)
			}
		}
	}
}

func TestEachRouteHasOneFunction(t *testing.T) {
	seen := map[Route]string{}
	for _, f := range Functions() {
		for _, r := range f.Routes {
			if other := seen[r]; other != "" {
				t.Errorf("%s %s belongs to %s and %s", r.Method, r.Path, other, f.Name)
			}
			seen[r] = f.Name
		}
	}
}

func TestFunctionsEndBeforeAnInvocationMatters(t *testing.T) {
	for _, f := range Functions() {
		if f.Timeout <= 0 || f.Timeout > 29*time.Second || f.MemoryMB < 128 {
			t.Errorf("%s: timeout %v, memory %d", f.Name, f.Timeout, f.MemoryMB)
		}
	}
}

func TestGateway(t *testing.T) {
	var got []string
	for _, name := range []string{"verify", "oauth"} {
		f, _ := Lookup(name)
		for _, r := range f.Gateway() {
			got = append(got, r.Method+" "+r.Path)
		}
	}
	for _, want := range []string{"GET /verify/{app}", "GET /{filename}", "OPTIONS /oauth/session", "DELETE /oauth/session"} {
		if !slices.Contains(got, want) {
			t.Errorf("nothing of %s in %q", want, got)
		}
	}
	if slices.Contains(got, "OPTIONS /verify") || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
		t.Errorf("a preflight that nobody makes, or a route twice: %q", got)
	}
}

func TestRoutesAreThrottled(t *testing.T) {
	for _, f := range Functions() {
		if len(f.Routes) > 0 && (f.Throttle.Rate <= 0 || f.Throttle.Burst < f.Throttle.Rate) {
			t.Errorf("%s: %+v", f.Name, f.Throttle)
		}
	}
}

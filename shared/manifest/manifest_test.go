package manifest

import (
	"os"
	"slices"
	"testing"
	"time"

	"wechatfn/shared/config"
)

// each runs a test for every function.
func each(t *testing.T, test func(t *testing.T, f Function)) {
	t.Helper()
	for _, f := range Functions() {
		t.Run(f.Name, func(t *testing.T) { test(t, f) })
	}
}

func lookup(t *testing.T, name string) Function {
	t.Helper()
	f, ok := Lookup(name)
	if !ok {
		t.Fatalf("no function %s", name)
	}
	return f
}

func TestEveryFolderOfFunctionsIsInTheManifest(t *testing.T) {
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
}

func TestEveryFunctionHasItsFolder(t *testing.T) {
	each(t, func(t *testing.T, f Function) {
		if _, err := os.Stat("../../functions/" + f.Name + "/main.go"); err != nil {
			t.Error(err)
		}
	})
}

func TestFunctionsReadKnownVariablesAndNoSecretButTheProxy(t *testing.T) {
	known := config.Variables()
	each(t, func(t *testing.T, f Function) {
		for _, name := range f.Env {
			i := slices.IndexFunc(known, func(v config.Variable) bool { return v.Name == name })
			if i < 0 {
				t.Errorf("it reads %s, which the configuration does not know", name)
			} else if known[i].Secret && name != config.EnvProxyURL {
				t.Errorf("it gets the secret %s in its environment", name)
			}
		}
		for _, name := range []string{config.EnvTableName, f.Secret, f.Bus, f.Invokes} {
			if name != "" && !slices.Contains(f.Env, name) {
				t.Errorf("it does not read %s", name)
			}
		}
		for _, name := range []string{config.EnvSecretsARN, config.EnvPushSecretsARN} {
			if slices.Contains(f.Env, name) && f.Secret != name {
				t.Errorf("it reads %s, but may not read that secret", name)
			}
		}
	})
}

// API Gateway waits for 29 s.
func TestFunctionsAnswerBeforeTheGatewayGivesUp(t *testing.T) {
	each(t, func(t *testing.T, f Function) {
		if f.Timeout <= 0 || f.Timeout > 29*time.Second || f.MemoryMB < 128 {
			t.Errorf("timeout %v, memory %d", f.Timeout, f.MemoryMB)
		}
	})
}

package generate

import (
	"os"
	"strings"
	"testing"
)

func TestOpenAPIAgreesWithTheCatalogue(t *testing.T) {
	if err := CheckOpenAPI(read(t, "../../docs/openapi.yaml")); err != nil {
		t.Error(err)
	}
}

func TestCheckOpenAPIFindsEachDifference(t *testing.T) {
	text := string(read(t, "../../docs/openapi.yaml"))
	for _, c := range []struct{ name, old, new, want string }{
		{"a code of a response that is not in the catalogue", "enum: [login_refused, login_snapshot]", "enum: [login_refused, login_snapshots]", `GET /oauth/callback: the code "login_snapshots" is not in the catalogue`},
		{"a code that the catalogue has and no response lists", "enum: [login_refused, login_snapshot]", "enum: [login_refused]", "login_snapshot with status 403 is in no response"},
		{"a response under another status", `"403": {$ref: '#/components/responses/LoginRefused'}`, `"402": {$ref: '#/components/responses/LoginRefused'}`, "GET /oauth/callback: login_refused has not the status 402"},
		{"a response that lists no codes", "properties: {code: {enum: [login_refused, login_snapshot]}}", "properties: {}", "GET /oauth/callback: the answer 403 lists no codes"},
		{"the code of an example", `code: "login_snapshot"`, `code: "login_snap"`, `the code "login_snap" is not in the catalogue`},
		{"the type of an example", `type: "urn:wechatfn:problem:login_snapshot"`, `type: "urn:wechatfn:problem:login_snap"`, "type urn:wechatfn:problem:login_snap, but code login_snapshot"},
		{"the title of an example", `title: "Snapshot page"`, `title: "Snapshot"`, `login_snapshot has the title "Snapshot page", not "Snapshot"`},
		{"the status of an example", `title: "Snapshot page", status: 403`, `title: "Snapshot page", status: 400`, "login_snapshot has not the status 400 with this hint"},
		{"the Chinese hint of an example", "不传 scope 则使用默认值。", "不传 scope。", "scope_invalid has not the status 400 with this hint"},
		{"an argument of a hint", "Add wx_card to WECHAT_TICKETS", "Add to WECHAT_TICKETS", "ticket_not_configured has not the status 400 with this hint"},
		{"not YAML", "openapi: 3.1.0", "\topenapi: 3.1.0", "openapi.yaml: yaml: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(text, c.old) {
				t.Fatalf("openapi.yaml does not contain %s", c.old)
			}
			err := CheckOpenAPI([]byte(strings.Replace(text, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestProblemsAreUpToDate(t *testing.T) {
	for _, c := range []struct {
		name, path string
		language   Language
	}{
		{"English", "../../docs/problems.md", English},
		{"Chinese", "../../docs/zh/problems.md", Chinese},
	} {
		t.Run(c.name, func(t *testing.T) {
			if string(read(t, c.path)) != string(Problems(c.language)) {
				t.Errorf("%s is out of date: run make generate", c.path)
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

//go:build browser

package docs_test

import (
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"wechatfn/dev/devserver/devservertest"
)

var block = regexp.MustCompile("(?s)```(sh|text)\n(.*?)```")

// The attacks of docs/login.md, tried as it tells, end as it tells.
func TestBrowserlessAttacks(t *testing.T) {
	page, err := os.ReadFile("login.md")
	if err != nil {
		t.Fatal(err)
	}
	_, attacks, _ := strings.Cut(string(page), "\n## Try the attacks by hand\n")
	base := devservertest.Start(t)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]*strings.Builder{"sh": {}, "text": {}}
	for _, part := range block.FindAllStringSubmatch(strings.ReplaceAll(attacks, ":8080", ":"+u.Port()), -1) {
		said[part[1]].WriteString(part[2])
	}
	bash := exec.CommandContext(t.Context(), "bash", "-c", said["sh"].String())
	bash.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	got, err := bash.CombinedOutput()
	if want := said["text"].String(); err != nil || string(got) != want || strings.Count(want, "\n") < 20 {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

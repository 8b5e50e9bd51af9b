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

// The commands of the attacks in login.md print what the page says.
func TestBrowserlessAttacks(t *testing.T) {
	_, attacks, _ := strings.Cut(read(t, "login.md"), "\n## Try the attacks by hand\n")
	base := devservertest.Start(t)
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]*strings.Builder{"sh": {}, "text": {}} // by language
	for _, part := range block.FindAllStringSubmatch(strings.ReplaceAll(attacks, ":8080", ":"+u.Port()), -1) {
		blocks[part[1]].WriteString(part[2])
	}
	bash := exec.CommandContext(t.Context(), "bash", "-c", blocks["sh"].String())
	bash.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	got, err := bash.CombinedOutput()
	if want := blocks["text"].String(); err != nil || string(got) != want || strings.Count(want, "\n") < 20 {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

package logtest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"wechatfn/shared/web/logtest"
)

// failures counts the errors of a test that is meant to fail.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.n++ }

func TestSecretsAreFound(t *testing.T) {
	for _, c := range []struct {
		name    string
		secrets []string
		want    int
	}{
		{"none given", nil, 0},
		{"an empty one", []string{""}, 0},
		{"not logged", []string{"canary-3"}, 0},
		{"one of two", []string{"canary-3", "canary-1"}, 1},
		{"both", []string{"canary-1", "canary-2"}, 2},
		{"part of a word", []string{"anar"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b logtest.Buffer
			b.Text().Info("x", "value", "canary-1")
			b.JSON().Info("canary-2")
			f := &failures{TB: t}
			if b.WantNoSecrets(f, c.secrets...); f.n != c.want {
				t.Errorf("%d errors, want %d", f.n, c.want)
			}
		})
	}
}

func TestAllLevelsAreWritten(t *testing.T) {
	var b logtest.Buffer
	b.Text().Debug("first", "n", 1)
	if text := b.String(); !strings.Contains(text, "level=DEBUG msg=first n=1\n") {
		t.Errorf("text %q", text)
	}
	b.Reset()
	b.JSON().Debug("second", "n", 2)
	var line struct {
		Level, Msg string
		N          int
	}
	if err := json.Unmarshal([]byte(b.String()), &line); err != nil || line.Level != "DEBUG" || line.Msg != "second" || line.N != 2 {
		t.Errorf("JSON %q: %v", b.String(), err)
	}
}

func TestBufferIsSafeForConcurrentUse(t *testing.T) {
	const writers = 50
	var b logtest.Buffer
	var done sync.WaitGroup
	for i := range writers {
		done.Go(func() {
			fmt.Fprintln(&b, i)
			_ = b.String()
		})
	}
	done.Wait()
	if n := strings.Count(b.String(), "\n"); n != writers {
		t.Errorf("%d lines, want %d", n, writers)
	}
}

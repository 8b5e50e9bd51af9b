package lambdatest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// An account that does not exist.
const (
	region  = "us-east-1"
	account = "123456789012"
)

// command makes the process as Lambda would start it.
func command(config Config, runtimeAPI string, out *lineWriter) *exec.Cmd {
	return &exec.Cmd{
		Path:        config.Binary,
		Args:        []string{config.Binary},
		Env:         environment(config, runtimeAPI),
		Dir:         filepath.Dir(config.Binary),
		Stdout:      out,
		Stderr:      out,
		SysProcAttr: childAttributes(),
		// A child of the process that holds the output open must not block the test.
		WaitDelay: time.Second,
	}
}

// environment returns all that the process sees. Of two equal names os/exec uses the last.
func environment(config Config, runtimeAPI string) []string {
	env := []string{
		"_HANDLER=bootstrap",
		"AWS_ACCESS_KEY_ID=lambdatest",
		"AWS_DEFAULT_REGION=" + region,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(config.MemoryMB),
		"AWS_LAMBDA_FUNCTION_NAME=" + config.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + config.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=lambdatest",
		"AWS_REGION=" + region,
		"AWS_SECRET_ACCESS_KEY=lambdatest",
		"AWS_SESSION_TOKEN=lambdatest",
		"LAMBDA_RUNTIME_DIR=/var/runtime",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(config.Binary),
		"LANG=en_US.UTF-8",
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"TZ=:UTC",
	}
	env = append(env, config.Env...)
	return append(env, "AWS_LAMBDA_RUNTIME_API="+runtimeAPI)
}

// logs collects the lines of all processes of a function.
type logs struct {
	mu  sync.Mutex
	all []string
}

func (l *logs) add(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(line))
}

func (l *logs) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// lineWriter splits the output of one process into lines. os/exec writes to it from one
// goroutine, because it is both standard output and standard error.
type lineWriter struct {
	logs *logs
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte{'\n'})
		if !found {
			return len(p), nil
		}
		w.logs.add(line)
		w.rest = rest
	}
}

// flush adds the last line if it has no line break.
func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.logs.add(w.rest)
		w.rest = nil
	}
}

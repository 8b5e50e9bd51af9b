package lambdatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/e2e/lambdatest"
)

func start(t *testing.T, config lambdatest.Config) *lambdatest.Function {
	t.Helper()
	config.Binary = lambdatest.Build(t, "./testdata/function")
	f := lambdatest.Start(t, config)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(f.Logs(), "\n"))
		}
	})
	return f
}

func invoke(t *testing.T, f *lambdatest.Function, event string) string {
	t.Helper()
	response, err := f.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	return string(response)
}

func TestOneProcessAnswersSeveralEvents(t *testing.T) {
	f := start(t, lambdatest.Config{})
	for _, event := range []string{`{"text":"张&<>"}`, `{}`} {
		if got := invoke(t, f, event); got != event {
			t.Errorf("got %s, want %s", got, event)
		}
	}
	starts := f.ColdStarts()
	if len(starts) != 1 || starts[0].Init <= 0 || starts[0].FirstAnswer <= starts[0].Init {
		t.Errorf("got %v", starts)
	}
}

func TestEnvironmentIsLambdasAndNotThatOfTheTest(t *testing.T) {
	t.Setenv("CANARY", "of the test")
	f := start(t, lambdatest.Config{Env: []string{"MINE=1", "AWS_REGION=cn-north-1"}, Name: "signature", MemoryMB: 256})
	var environ []string
	if err := json.Unmarshal([]byte(invoke(t, f, `{"do":"environ"}`)), &environ); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MINE=1", "AWS_REGION=cn-north-1", "AWS_LAMBDA_FUNCTION_NAME=signature", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "_HANDLER=bootstrap"} {
		if !slices.Contains(environ, want) {
			t.Errorf("no %s in %q", want, environ)
		}
	}
	if all := strings.Join(environ, "\n"); strings.Contains(all, "CANARY") || strings.Contains(all, "us-east-1\nAWS_REGION") {
		t.Errorf("got %s", all)
	}
}

func TestDeadlineOfAnInvocationIsTheTimeout(t *testing.T) {
	f := start(t, lambdatest.Config{Timeout: time.Minute})
	before := time.Now().Truncate(time.Millisecond)
	var deadline time.Time
	if err := json.Unmarshal([]byte(invoke(t, f, `{"do":"deadline"}`)), &deadline); err != nil {
		t.Fatal(err)
	}
	if deadline.Before(before.Add(time.Minute)) || deadline.After(time.Now().Add(time.Minute)) {
		t.Errorf("got %v, began %v", deadline, before)
	}
}

func TestProcessRunsOnAfterAFunctionError(t *testing.T) {
	f := start(t, lambdatest.Config{})
	pid := invoke(t, f, `{"do":"pid"}`)
	_, err := f.Invoke(t.Context(), []byte(`{"do":"fail","text":"no luck"}`))
	failed, ok := errors.AsType[*lambdatest.FunctionError](err)
	if !ok || failed.Type != "errorString" || failed.Message != "no luck" {
		t.Errorf("got %v", err)
	}
	if again := invoke(t, f, `{"do":"pid"}`); again != pid {
		t.Errorf("process %s, then %s", pid, again)
	}
}

func TestResponseThatIsTooLongIsAFunctionError(t *testing.T) {
	_, err := start(t, lambdatest.Config{}).Invoke(t.Context(), []byte(`{"do":"big"}`))
	if failed, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || failed.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("got %v", err)
	}
}

func TestNextEventGetsANewProcessAfterTheEndOfOne(t *testing.T) {
	tests := []struct {
		name, event string
		timeout     time.Duration
		is          func(error) bool
	}{
		{"panic", `{"do":"panic","text":"oh"}`, 0, func(err error) bool {
			failed, ok := errors.AsType[*lambdatest.FunctionError](err)
			return ok && failed.Type == "string" && failed.Message == "oh" && strings.Contains(string(failed.Payload), "stackTrace")
		}},
		{"exit", `{"do":"exit"}`, 0, func(err error) bool {
			ended, ok := errors.AsType[*lambdatest.ExitError](err)
			return ok && ended.State == "exit status 5"
		}},
		{"timeout", `{"do":"hang"}`, 250 * time.Millisecond, func(err error) bool {
			timeout, ok := errors.AsType[*lambdatest.TimeoutError](err)
			return ok && timeout.After == 250*time.Millisecond
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := start(t, lambdatest.Config{Timeout: test.timeout})
			if _, err := f.Invoke(t.Context(), []byte(test.event)); !test.is(err) {
				t.Errorf("got %v", err)
			}
			if got := invoke(t, f, `{}`); got != `{}` {
				t.Errorf("next: got %s", got)
			}
			if starts := f.ColdStarts(); len(starts) != 2 {
				t.Errorf("%d starts", len(starts))
			}
		})
	}
}

func TestErrorOfAFailedStart(t *testing.T) {
	tests := []struct {
		start, want string
		timeout     time.Duration
		is          func(error) bool
	}{
		{"exit", "exit status 3", 0, is[*lambdatest.ExitError]},
		{"error", "Config: no app id", 0, is[*lambdatest.InitError]},
		{"hang", "Sandbox.Timedout", 250 * time.Millisecond, is[*lambdatest.InitError]},
	}
	for _, test := range tests {
		t.Run(test.start, func(t *testing.T) {
			f := start(t, lambdatest.Config{Env: []string{"START=" + test.start}, InitTimeout: test.timeout})
			_, err := f.Invoke(t.Context(), []byte(`{}`))
			if err == nil || !test.is(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			if test.start == "exit" && !slices.Contains(f.Logs(), "cannot start") {
				t.Errorf("the last line is missing: %q", f.Logs())
			}
		})
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func TestMissingBinaryIsAnError(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Config{Binary: filepath.Join(t.TempDir(), "none")})
	for range 2 { // the second event finds a place in the pool
		if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	}
}

func TestCanceledContextEndsTheProcess(t *testing.T) {
	f := start(t, lambdatest.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := f.Invoke(ctx, []byte(`{"do":"hang"}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if got := invoke(t, f, `{}`); got != `{}` {
		t.Errorf("next: got %s", got)
	}
}

func TestLogsHaveBothOutputs(t *testing.T) {
	f := start(t, lambdatest.Config{})
	invoke(t, f, `{"do":"print","text":"canary"}`)
	f.Close()
	if got := f.Logs(); !slices.Equal(got, []string{"canary", "canary"}) {
		t.Errorf("got %q", got)
	}
}

func TestInvokeAfterClose(t *testing.T) {
	f := start(t, lambdatest.Config{})
	invoke(t, f, `{}`)
	f.Close()
	f.Close()
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, lambdatest.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestConcurrencyLimitsTheProcesses(t *testing.T) {
	for _, processes := range []int{1, 3} {
		t.Run(strconv.Itoa(processes), func(t *testing.T) {
			f := start(t, lambdatest.Config{Concurrency: processes})
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() {
					if got, err := f.Invoke(t.Context(), []byte(`{"text":"x"}`)); err != nil || string(got) != `{"text":"x"}` {
						t.Errorf("got %s, %v", got, err)
					}
				})
			}
			wg.Wait()
			if starts := len(f.ColdStarts()); starts < 1 || starts > processes {
				t.Errorf("%d starts", starts)
			}
		})
	}
}

func TestTwoFunctionsHaveTwoProcesses(t *testing.T) {
	a, b := start(t, lambdatest.Config{Name: "a"}), start(t, lambdatest.Config{Name: "b"})
	if pa, pb := invoke(t, a, `{"do":"pid"}`), invoke(t, b, `{"do":"pid"}`); pa == pb {
		t.Errorf("both are %s", pa)
	}
	a.Close()
	if got := invoke(t, b, `{}`); got != `{}` {
		t.Errorf("got %s", got)
	}
}

func TestBuildCompilesAPackageOnce(t *testing.T) {
	first := lambdatest.Build(t, "./testdata/function")
	info, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.Stat(lambdatest.Build(t, "./testdata/function"))
	if err != nil || !os.SameFile(info, again) || !info.ModTime().Equal(again.ModTime()) {
		t.Errorf("built twice: %v", err)
	}
}

func BenchmarkColdStart(b *testing.B) {
	binary := lambdatest.Build(b, "./testdata/function")
	var total time.Duration
	for b.Loop() {
		f := lambdatest.Start(b, lambdatest.Config{Binary: binary})
		if _, err := f.Invoke(b.Context(), []byte(`{}`)); err != nil {
			b.Fatal(err)
		}
		total += f.ColdStarts()[0].FirstAnswer
		f.Close()
	}
	b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "ms/first-answer")
}

func BenchmarkWarm(b *testing.B) {
	f := lambdatest.Start(b, lambdatest.Config{Binary: lambdatest.Build(b, "./testdata/function")})
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), []byte(`{}`)); err != nil {
			b.Fatal(err)
		}
	}
}

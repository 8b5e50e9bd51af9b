// Package lambdatest runs compiled Lambda functions in tests. A small Lambda Runtime API
// on loopback drives the real bootstrap, so a test runs what is deployed, and sees its
// exit code too. It needs no container and no AWS account.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package lambdatest

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// Config describes a function. Only Binary is required.
type Config struct {
	// Binary is the path of a bootstrap; [Build] makes one.
	Binary string
	// Env holds NAME=value pairs. The process sees these and the variables that Lambda
	// sets, and nothing of the environment of the test. Env may override the variables of
	// Lambda, but not AWS_LAMBDA_RUNTIME_API.
	Env []string
	// Name is AWS_LAMBDA_FUNCTION_NAME; "function" by default.
	Name string
	// Timeout is how long one invocation may take, as in the function's configuration:
	// 10 s by default. If it takes longer, its process is killed.
	Timeout time.Duration
	// InitTimeout is how long a process may take from its start until it asks for its
	// first event: 10 s by default, as in Lambda.
	InitTimeout time.Duration
	// MemoryMB is what the process is told, 128 by default. It is not enforced.
	MemoryMB int
	// Concurrency is how many processes may run at the same time, each with one event at
	// a time: 1 by default. Further events wait.
	Concurrency int
}

// Function is a function under test. It is safe for concurrent use.
type Function struct {
	config Config
	logs   logs
	// instances holds one element for each process that may run and has no event: the
	// process, or nil if none has been started.
	instances chan *instance
	closed    chan struct{}
	once      sync.Once

	mu     sync.Mutex
	starts []ColdStart
}

// ColdStart says how long the start of a process took, counted from exec.
type ColdStart struct {
	// Init is the time until it asked for its first event.
	Init time.Duration
	// FirstAnswer is the time until it had answered that event, with a response or an
	// error. It is zero if there was no answer.
	FirstAnswer time.Duration
}

// Start makes a function, which is closed when the test ends. As in Lambda, a process is
// started when there is an event for it, and is reused for the next one.
func Start(tb testing.TB, config Config) *Function {
	tb.Helper()
	binary, err := filepath.Abs(config.Binary)
	if err != nil {
		tb.Fatal(err)
	}
	config.Binary = binary
	f := newFunction(config)
	tb.Cleanup(f.Close)
	return f
}

func newFunction(config Config) *Function {
	config.Name = cmp.Or(config.Name, "function")
	config.Timeout = cmp.Or(config.Timeout, 10*time.Second)
	config.InitTimeout = cmp.Or(config.InitTimeout, 10*time.Second)
	config.MemoryMB = cmp.Or(config.MemoryMB, 128)
	config.Concurrency = cmp.Or(config.Concurrency, 1)
	f := &Function{
		config:    config,
		instances: make(chan *instance, config.Concurrency),
		closed:    make(chan struct{}),
	}
	for range config.Concurrency {
		f.instances <- nil
	}
	return f
}

// Invoke sends one event to a process that has none, or to a new one, and returns its
// response. Errors: *FunctionError, after which the process runs on; *InitError,
// *ExitError and *TimeoutError, after which the next event gets a new process; ErrClosed;
// and the context's, which also ends the process.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	p, err := f.acquire(ctx)
	if err != nil {
		return nil, err
	}
	for {
		fresh := p == nil
		if fresh {
			if p, err = f.start(); err != nil {
				f.instances <- nil
				return nil, fmt.Errorf("lambdatest: start the function: %w", err)
			}
		}
		response, delivered, err := p.invoke(ctx, event)
		// A process may exit after its last answer. As Lambda does, this notices it with
		// the next event, and starts another process for it.
		if _, exited := err.(*ExitError); exited && !delivered && !fresh {
			p.stop()
			p = nil
			continue
		}
		f.release(p, fresh)
		return response, err
	}
}

func (f *Function) acquire(ctx context.Context) (*instance, error) {
	select {
	case <-f.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case p := <-f.instances:
		return p, nil
	case <-f.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *Function) release(p *instance, fresh bool) {
	if fresh {
		f.mu.Lock()
		f.starts = append(f.starts, p.coldStart())
		f.mu.Unlock()
	}
	if p.hasExited() {
		p.stop()
		p = nil
	}
	f.instances <- p
}

// ColdStarts returns the times of each process that was started, in the order in which
// their first events ended.
func (f *Function) ColdStarts() []ColdStart {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.starts)
}

// Logs returns the lines that all processes have written so far to standard output and
// standard error. To search them for what must not be there, call Close first: it waits
// for the last line.
func (f *Function) Logs() []string { return f.logs.lines() }

// Close ends all processes, after they have answered the events that they have. It may be
// called more than once.
func (f *Function) Close() {
	f.once.Do(func() {
		close(f.closed)
		for range f.config.Concurrency {
			if p := <-f.instances; p != nil {
				p.stop()
			}
		}
	})
}

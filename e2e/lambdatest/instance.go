package lambdatest

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"time"
)

// instance is one process with a Runtime API of its own. So an answer is known to come
// from that process.
type instance struct {
	config  Config
	command *exec.Cmd
	server  *http.Server
	started time.Time

	events  chan *invocation // to the process
	initErr chan error       // what it reported if it cannot start
	exited  chan struct{}    // closed when it has exited
	served  chan struct{}    // closed when the server has ended

	mu      sync.Mutex
	pending *invocation // delivered and not yet answered
	count   int         // of events delivered, for request ids
	cold    ColdStart
}

// invocation is one event on its way through a process.
type invocation struct {
	event     []byte
	delivered chan time.Time // one value: the deadline
	result    chan result    // one value
}

type result struct {
	response []byte
	err      error
}

func (f *Function) start() (*instance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &instance{
		config:  f.config,
		events:  make(chan *invocation),
		initErr: make(chan error, 1),
		exited:  make(chan struct{}),
		served:  make(chan struct{}),
	}
	if err := p.run(listener.Addr().String(), &f.logs); err != nil {
		_ = listener.Close()
		return nil, err
	}
	p.server = &http.Server{Handler: p.routes()}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(listener) // ends with stop
	}()
	return p, nil
}

// run starts the process. Exited is closed when its last line is in the logs.
func (p *instance) run(runtimeAPI string, logs *logs) error {
	out := &lineWriter{logs: logs}
	p.command = command(p.config, runtimeAPI, out)
	p.started = time.Now()
	if err := p.command.Start(); err != nil {
		return err
	}
	go func() {
		defer close(p.exited)
		_ = p.command.Wait() // its state is in the command
		out.flush()
	}()
	return nil
}

// invoke also reports whether the process took the event.
func (p *instance) invoke(ctx context.Context, event []byte) (response []byte, delivered bool, err error) {
	inv := &invocation{event, make(chan time.Time, 1), make(chan result, 1)}
	if err := p.deliver(ctx, inv); err != nil {
		return nil, false, err
	}
	timeout := time.NewTimer(time.Until(<-inv.delivered))
	defer timeout.Stop()
	select {
	case r := <-inv.result:
		return r.response, true, r.err
	case <-p.exited:
		return nil, true, p.exitError(inv)
	case <-timeout.C:
		err = &TimeoutError{p.config.Timeout}
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.kill()
	return nil, true, err
}

// deliver waits until the process asks for an event. A process that has run before asks
// when it is done with the last event.
func (p *instance) deliver(ctx context.Context, inv *invocation) error {
	timeout := time.NewTimer(p.config.InitTimeout)
	defer timeout.Stop()
	var err error
	select {
	case p.events <- inv:
		return nil
	case err = <-p.initErr:
	case <-p.exited:
		return p.exitError(inv)
	case <-timeout.C:
		err = &InitError{"Sandbox.Timedout", "no request for an event within " + p.config.InitTimeout.String()}
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.kill()
	return err
}

// exitError first looks for a report of the process: it may have sent one just before it
// exited.
func (p *instance) exitError(inv *invocation) error {
	select {
	case err := <-p.initErr:
		return err
	case r := <-inv.result:
		if r.err != nil {
			return r.err
		}
	default:
	}
	return &ExitError{p.command.ProcessState.String()}
}

func (p *instance) coldStart() ColdStart {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cold
}

func (p *instance) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill ends the process without a warning, as Lambda does, and waits for its exit.
func (p *instance) kill() {
	_ = p.command.Process.Kill() // an error means that it has exited
	<-p.exited
}

func (p *instance) stop() {
	p.kill()
	_ = p.server.Close()
	<-p.served
}

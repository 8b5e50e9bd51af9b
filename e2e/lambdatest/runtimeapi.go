package lambdatest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxResponseBytes is Lambda's limit for a response.
const maxResponseBytes = 6 << 20

func (p *instance) routes() http.Handler {
	const root = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root+"invocation/next", p.next)
	mux.HandleFunc("POST "+root+"invocation/{id}/response", p.response)
	mux.HandleFunc("POST "+root+"invocation/{id}/error", p.failure)
	mux.HandleFunc("POST "+root+"init/error", p.initFailure)
	return mux
}

// next answers with an event as soon as there is one. The invocation's time begins then.
func (p *instance) next(w http.ResponseWriter, r *http.Request) {
	p.recordInit()
	select {
	case inv := <-p.events:
		deadline := time.Now().Add(p.config.Timeout)
		p.describe(w.Header(), p.begin(inv), deadline)
		inv.delivered <- deadline
		_, _ = w.Write(inv.event) // if the process has gone, its exit is noticed
	case <-r.Context().Done():
	}
}

func (p *instance) recordInit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cold.Init == 0 {
		p.cold.Init = time.Since(p.started)
	}
}

// begin makes inv the pending invocation, and returns its id.
func (p *instance) begin(inv *invocation) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = inv
	p.count++
	return p.requestID()
}

// requestID has the format of Lambda's. It is different for each process and event, and
// tests read no more in it. The caller holds p.mu.
func (p *instance) requestID() string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", p.started.UnixNano()&0xffffffff, p.count)
}

func (p *instance) describe(header http.Header, id string, deadline time.Time) {
	header.Set("Content-Type", "application/json")
	header.Set("Lambda-Runtime-Aws-Request-Id", id)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+region+":"+account+":function:"+p.config.Name)
	header.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
}

func (p *instance) response(w http.ResponseWriter, r *http.Request) {
	p.answer(w, r, func(payload []byte) result { return result{response: payload} })
}

func (p *instance) failure(w http.ResponseWriter, r *http.Request) {
	p.answer(w, r, func(payload []byte) result { return result{err: functionError(payload)} })
}

// answer ends the pending invocation with the result that newResult makes of the body. If
// the body is too long, the result is an error of the function.
func (p *instance) answer(w http.ResponseWriter, r *http.Request, newResult func([]byte) result) {
	status := http.StatusAccepted
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponseBytes))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		status = http.StatusRequestEntityTooLarge
		newResult = func([]byte) result {
			return result{err: &FunctionError{Type: "Function.ResponseSizeTooLarge", Message: err.Error()}}
		}
	} else if err != nil {
		return // the process exited while it wrote; its exit is noticed
	}
	inv := p.finish(r.PathValue("id"))
	if inv == nil {
		http.Error(w, `{"errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}
	inv.result <- newResult(payload)
	w.WriteHeader(status)
}

// finish ends the pending invocation if it has that id, and returns it.
func (p *instance) finish(id string) *invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	inv := p.pending
	if inv == nil || id != p.requestID() {
		return nil
	}
	p.pending = nil
	if p.cold.FirstAnswer == 0 {
		p.cold.FirstAnswer = time.Since(p.started)
	}
	return inv
}

func (p *instance) initFailure(w http.ResponseWriter, r *http.Request) {
	payload, _ := io.ReadAll(io.LimitReader(r.Body, maxResponseBytes))
	select {
	case p.initErr <- initError(payload):
	default: // there is a report already
	}
	w.WriteHeader(http.StatusAccepted)
}

package lambdatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrClosed: the function was closed before the event had a process.
var ErrClosed = errors.New("lambdatest: function is closed")

// FunctionError is the error that a function reported instead of a response.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
	// Payload is the report as it was sent.
	Payload []byte `json:"-"`
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("lambdatest: function error %s: %s", e.Type, e.Message)
}

// InitError is the error that a process reported before it asked for its first event, or
// says that it took too long to ask.
type InitError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *InitError) Error() string {
	return fmt.Sprintf("lambdatest: init error %s: %s", e.Type, e.Message)
}

// ExitError says that a process ended before it answered. State is that of
// os.ProcessState: "exit status 1", "signal: killed".
type ExitError struct{ State string }

func (e *ExitError) Error() string {
	return "lambdatest: function exited before it answered: " + e.State
}

// TimeoutError says that an invocation took longer than the function's timeout. Its
// process was killed.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("lambdatest: function timed out after %v", e.After)
}

// functionError accepts any text as a report, as Lambda does.
func functionError(payload []byte) *FunctionError {
	e := &FunctionError{Payload: payload}
	if json.Unmarshal(payload, e) != nil {
		e.Message = string(payload)
	}
	return e
}

func initError(payload []byte) *InitError {
	e := functionError(payload)
	return &InitError{Type: e.Type, Message: e.Message}
}

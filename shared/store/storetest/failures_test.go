package storetest

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// failures is a testing.TB whose failures stay its own. FailNow ends the
// goroutine, as that of *testing.T does.
type failures struct {
	testing.TB
	failed atomic.Bool
}

func (f *failures) Helper()               {}
func (f *failures) Log(...any)            {}
func (f *failures) Logf(string, ...any)   {}
func (f *failures) Fail()                 { f.failed.Store(true) }
func (f *failures) Failed() bool          { return f.failed.Load() }
func (f *failures) Error(...any)          { f.Fail() }
func (f *failures) Errorf(string, ...any) { f.Fail() }
func (f *failures) Fatal(...any)          { f.FailNow() }
func (f *failures) Fatalf(string, ...any) { f.FailNow() }

func (f *failures) FailNow() {
	f.Fail()
	runtime.Goexit()
}

package reflow

/*
#include "shim.h"
*/
import "C"

import (
	"sync/atomic"
	"time"
)

// life is that of a handle of the library. Calls of it are counted, so that it is ended when it was closed and no call
// goes on any more: by whoever is the last to leave, so nobody waits for himself who closes it inside a call.
type life struct {
	count  atomic.Int64 // calls that go on, and one for the handle until it is closed
	closed atomic.Bool
	end    func()
}

func (l *life) begin(end func()) {
	l.end = end
	l.count.Store(1)
}

// enter begins a call, unless the handle was closed; leave ends it.
func (l *life) enter() bool {
	for {
		count := l.count.Load()
		if count == 0 {
			return false
		}
		if l.count.CompareAndSwap(count, count+1) {
			break
		}
	}
	if l.closed.Load() {
		l.leave()
		return false
	}
	return true
}

func (l *life) leave() {
	if l.count.Add(-1) == 0 {
		l.end()
	}
}

// close refuses calls from now on, does what lets those return that go on (nil: they find out), and leaves. Only the
// first time.
func (l *life) close(wake func()) {
	if l.count.Load() == 0 || !l.closed.CompareAndSwap(false, true) {
		return
	}
	if wake != nil {
		wake()
	}
	l.leave()
}

func errClosed(what string) error {
	text := "the " + what + " was closed"
	return &Error{Status: ErrClosed, Message: text, whole: text}
}

// slice is for how long the library is asked to wait on a handle that nothing but an end of the wait can close.
const slice = 50 * time.Millisecond

// wait calls what waits, in slices, until it has something else to say than that the time is over, or until the time
// is over or the handle was closed.
func (l *life) wait(what string, timeout time.Duration, call func(ms C.int64_t, failure **C.reflow_error) C.reflow_status) error {
	if !l.enter() {
		return errClosed(what)
	}
	defer l.leave()
	deadline := time.Now().Add(timeout)
	for {
		var failure *C.reflow_error
		part := slice
		if timeout >= 0 && timeout < slice {
			part = timeout
		}
		status := call(milliseconds(part), &failure)
		if status != C.REFLOW_ERROR_TIMEOUT {
			return check(status, failure)
		}
		if l.closed.Load() {
			C.reflow_error_destroy(failure)
			return errClosed(what)
		}
		if timeout >= 0 {
			if timeout = time.Until(deadline); timeout <= 0 {
				return check(status, failure)
			}
		}
		C.reflow_error_destroy(failure)
	}
}

package reflow

/*
#include "shim.h"
*/
import "C"

import "unsafe"

// Status is the kind of a failure. It is an error itself, so that one can ask
//
//	errors.Is(err, reflow.ErrNotFound)
type Status int32

// The kinds that programs tell apart most often; the numbers are those of reflow.h.
const (
	ErrInvalidArgument Status = C.REFLOW_ERROR_INVALID_ARGUMENT
	ErrInvalidState    Status = C.REFLOW_ERROR_INVALID_STATE
	ErrNotFound        Status = C.REFLOW_ERROR_NOT_FOUND
	ErrAlreadyExists   Status = C.REFLOW_ERROR_ALREADY_EXISTS
	ErrLimit           Status = C.REFLOW_ERROR_LIMIT
	ErrWouldBlock      Status = C.REFLOW_ERROR_WOULD_BLOCK
	ErrTimeout         Status = C.REFLOW_ERROR_TIMEOUT
	ErrCancelled       Status = C.REFLOW_ERROR_CANCELLED
	ErrClosed          Status = C.REFLOW_ERROR_CLOSED
	ErrParse           Status = C.REFLOW_ERROR_PARSE
	ErrGraph           Status = C.REFLOW_ERROR_GRAPH
	ErrConfig          Status = C.REFLOW_ERROR_CONFIG
	ErrType            Status = C.REFLOW_ERROR_TYPE
	ErrIO              Status = C.REFLOW_ERROR_IO
	ErrFailed          Status = C.REFLOW_ERROR_FAILED
)

// Name is that of reflow.h, such as "REFLOW_ERROR_NOT_FOUND".
func (s Status) Name() string { return text(C.reflow_status_name(C.reflow_status(s))) }

func (s Status) Error() string { return s.Name() }

// Error is what went wrong and where. Its text has all of it on one line.
type Error struct {
	Status       Status
	Message      string // the fact
	Hint         string // what to try, such as "did you mean 'in'?"
	Node, Port   string
	File, Path   string // of a document
	Line, Column int    // from 1; 0 if there is none
	whole        string
}

func (e *Error) Error() string { return e.whole }

// Is lets errors.Is compare with a Status.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// errInvalid refuses an argument before the library sees it.
func errInvalid(text string) error {
	return &Error{Status: ErrInvalidArgument, Message: text, whole: text}
}

// text copies a view.
func text(view C.reflow_view) string {
	return C.GoStringN(view.data, C.int(view.size))
}

// chars is the memory of a text as two arguments of C. The text lives as long as the call.
func chars(s string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}

// check makes a Go error of a status and its error object, which it ends.
func check(status C.reflow_status, from *C.reflow_error) error {
	if status == C.REFLOW_OK {
		return nil
	}
	if from == nil {
		name := Status(status).Name()
		return &Error{Status: Status(status), Message: name, whole: name}
	}
	defer C.reflow_error_destroy(from)
	place := C.reflow_place{struct_size: C.sizeof_reflow_place}
	C.reflow_error_place(from, &place)
	return &Error{
		Status:  Status(status),
		Message: text(C.reflow_error_message(from)),
		Hint:    text(C.reflow_error_hint(from)),
		Node:    text(place.node), Port: text(place.port),
		File: text(place.file), Path: text(place.path),
		Line: int(place.line), Column: int(place.column),
		whole: text(C.reflow_error_text(from)),
	}
}

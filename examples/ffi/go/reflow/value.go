package reflow

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

// Values of Go and the kinds of messages:
//
//	nil             Null          string          String
//	Flow{}          Flow          []byte          Bytes
//	bool            Boolean       []any           Array
//	int, int64      Integer       map[string]any  Object (the order of its keys is not kept)
//	float64         Float         ErrorValue      Error
//	[]int64, []float64: arrays of numbers, handed over in one piece
//	*Stream       Stream
//
// What comes back has int64, and []any for every array; other kinds come as fmt.Stringer of their JSON.

// Flow is a signal without content.
type Flow struct{}

// ErrorValue is an error as a packet: what error ports send.
type ErrorValue string

// Other is a value of a kind that has no counterpart in Go, as JSON text.
type Other string

func (o Other) String() string { return string(o) }

// newMessage makes a message, which the caller ends or hands over.
func newMessage(value any) (C.reflow_message, error) { return nestedMessage(value, 0) }

// nestedMessage makes one that stands inside of so many others. The library would refuse one that is too deep, but to
// one that holds itself there is no end.
func nestedMessage(value any, level int) (message C.reflow_message, err error) {
	var failure *C.reflow_error
	var status C.reflow_status
	switch v := value.(type) {
	case nil:
		return C.reflow_message_null(), nil
	case Flow:
		return C.reflow_message_flow(), nil
	case bool:
		return C.reflow_message_boolean(C.bool(v)), nil
	case int:
		return C.reflow_message_integer(C.int64_t(v)), nil
	case int64:
		return C.reflow_message_integer(C.int64_t(v)), nil
	case float64:
		return C.reflow_message_float(C.double(v)), nil
	case string:
		data, size := chars(v)
		status = C.rg_string(data, size, &message, &failure)
	case ErrorValue:
		data, size := chars(string(v))
		status = C.rg_error_value(data, size, &message, &failure)
	case []byte:
		status = C.reflow_message_bytes(unsafe.Pointer(unsafe.SliceData(v)), C.size_t(len(v)), &message, &failure)
	case []int64:
		status = C.reflow_message_numbers(C.REFLOW_NUMBER_I64, unsafe.Pointer(unsafe.SliceData(v)),
			C.size_t(len(v)), &message, &failure)
	case []float64:
		status = C.reflow_message_numbers(C.REFLOW_NUMBER_F64, unsafe.Pointer(unsafe.SliceData(v)),
			C.size_t(len(v)), &message, &failure)
	case *Stream:
		err = v.use(func(own C.reflow_message) error {
			message = C.reflow_message_ref(own)
			return nil
		})
		return message, err
	case []any:
		if level++; level > C.REFLOW_MAX_DEPTH {
			return message, errDepth()
		}
		return newArray(v, level)
	case map[string]any:
		if level++; level > C.REFLOW_MAX_DEPTH {
			return message, errDepth()
		}
		return newObject(v, level)
	default:
		text := fmt.Sprintf("a value of the type %T is no message", value)
		return message, &Error{Status: C.REFLOW_ERROR_TYPE, Message: text, whole: text}
	}
	return message, check(status, failure)
}

func errDepth() error {
	text := fmt.Sprintf("nested deeper than %d levels; does it hold itself?", C.REFLOW_MAX_DEPTH)
	return &Error{Status: ErrLimit, Message: text, whole: text}
}

func newArray(values []any, level int) (message C.reflow_message, err error) {
	var failure *C.reflow_error
	var builder *C.reflow_array_builder
	status := C.reflow_array_builder_create(C.size_t(len(values)), &builder, &failure)
	if err = check(status, failure); err != nil {
		return
	}
	for i, value := range values {
		element, err := nestedMessage(value, level)
		if err == nil {
			status = C.reflow_array_builder_append(builder, element, &failure)
			err = check(status, failure)
		}
		if err != nil {
			C.reflow_array_builder_destroy(builder)
			return message, within(err, fmt.Sprintf("[%d]", i))
		}
	}
	status = C.reflow_array_builder_finish(builder, &message, &failure)
	return message, check(status, failure)
}

func newObject(values map[string]any, level int) (message C.reflow_message, err error) {
	var failure *C.reflow_error
	var builder *C.reflow_object_builder
	status := C.reflow_object_builder_create(C.size_t(len(values)), &builder, &failure)
	if err = check(status, failure); err != nil {
		return
	}
	for key, value := range values {
		element, err := nestedMessage(value, level)
		if err == nil {
			data, size := chars(key)
			status = C.rg_set(builder, data, size, element, &failure)
			err = check(status, failure)
		}
		if err != nil {
			C.reflow_object_builder_destroy(builder)
			return message, within(err, "."+key)
		}
	}
	status = C.reflow_object_builder_finish(builder, &message, &failure)
	return message, check(status, failure)
}

// within puts the place inside a value in front of an error.
func within(err error, place string) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	e.Path = place + e.Path
	shown := e.Path
	if len(shown) > 100 { // of what holds itself it is long
		shown = strings.ToValidUTF8(shown[:100], "") + "..."
	}
	e.whole = "$" + shown + ": " + e.Message
	return e
}

// goValue copies a message into values of Go; the message stays the caller's.
func goValue(message C.reflow_message) any {
	switch C.reflow_message_kind(message) {
	case C.REFLOW_KIND_NONE, C.REFLOW_KIND_NULL:
		return nil
	case C.REFLOW_KIND_FLOW:
		return Flow{}
	case C.REFLOW_KIND_BOOLEAN:
		var value C.bool
		C.reflow_message_get_boolean(message, &value)
		return bool(value)
	case C.REFLOW_KIND_INTEGER:
		var value C.int64_t
		C.reflow_message_get_integer(message, &value)
		return int64(value)
	case C.REFLOW_KIND_FLOAT:
		var value C.double
		C.reflow_message_get_float(message, &value)
		return float64(value)
	case C.REFLOW_KIND_STRING, C.REFLOW_KIND_ERROR, C.REFLOW_KIND_BYTES:
		return goText(message)
	case C.REFLOW_KIND_ARRAY:
		return goArray(message)
	case C.REFLOW_KIND_OBJECT:
		return goObject(message)
	case C.REFLOW_KIND_STREAM:
		return &Stream{message: C.reflow_message_ref(message)}
	}
	var buffer *C.reflow_buffer
	if C.reflow_message_to_json(message, C.REFLOW_JSON_PLAIN, &buffer, nil) != C.REFLOW_OK {
		return Other("")
	}
	defer C.reflow_buffer_destroy(buffer)
	return Other(text(C.reflow_buffer_get(buffer)))
}

func goText(message C.reflow_message) any {
	var view C.reflow_view
	C.reflow_message_get_bytes(message, &view)
	switch C.reflow_message_kind(message) {
	case C.REFLOW_KIND_BYTES:
		return C.GoBytes(unsafe.Pointer(view.data), C.int(view.size))
	case C.REFLOW_KIND_ERROR:
		return ErrorValue(text(view))
	}
	return text(view)
}

func goArray(message C.reflow_message) any {
	values := make([]any, C.reflow_message_count(message))
	var kind C.reflow_number
	var data unsafe.Pointer
	var count C.size_t
	if C.reflow_message_get_numbers(message, &kind, &data, &count) == C.REFLOW_OK {
		switch kind { // the whole array in one crossing
		case C.REFLOW_NUMBER_I64:
			for i, number := range unsafe.Slice((*int64)(data), count) {
				values[i] = number
			}
			return values
		case C.REFLOW_NUMBER_F64:
			for i, number := range unsafe.Slice((*float64)(data), count) {
				values[i] = number
			}
			return values
		}
	}
	for i := range values {
		var element C.reflow_message
		C.reflow_message_get_at(message, C.size_t(i), &element)
		values[i] = goValue(element)
	}
	return values
}

func goObject(message C.reflow_message) any {
	count := int(C.reflow_message_count(message))
	values := make(map[string]any, count)
	for i := 0; i < count; i++ {
		var key C.reflow_view
		var element C.reflow_message
		C.reflow_message_get_key(message, C.size_t(i), &key)
		C.reflow_message_get_at(message, C.size_t(i), &element)
		values[text(key)] = goValue(element)
	}
	return values
}

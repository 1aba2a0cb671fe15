package reflow

/*
#include "shim.h"
*/
import "C"

import (
	"strings"
	"time"
)

// Network is a graph that runs.
type Network struct{ handle *C.reflow_network }

// NewNetwork makes a network of a graph, which may end afterwards.
func (rt *Runtime) NewNetwork(graph *Graph) (*Network, error) {
	var failure *C.reflow_error
	net := &Network{}
	err := rt.use(func() error {
		return check(C.reflow_network_create(rt.handle, graph.handle, &net.handle, &failure), failure)
	})
	if err != nil {
		return nil, err
	}
	return net, nil
}

// Close stops and ends the network.
func (n *Network) Close() {
	C.reflow_network_destroy(n.handle)
	n.handle = nil
}

func (n *Network) Start() error {
	var failure *C.reflow_error
	status := C.reflow_network_start(n.handle, &failure)
	return check(status, failure)
}

func (n *Network) WaitIdle(timeout time.Duration) error {
	var failure *C.reflow_error
	status := C.reflow_network_wait_idle(n.handle, milliseconds(timeout), &failure)
	return check(status, failure)
}

func (n *Network) Drain(timeout time.Duration) error {
	var failure *C.reflow_error
	status := C.reflow_network_drain(n.handle, milliseconds(timeout), &failure)
	return check(status, failure)
}

func (n *Network) Stop(timeout time.Duration) error {
	var failure *C.reflow_error
	status := C.reflow_network_stop(n.handle, milliseconds(timeout), &failure)
	return check(status, failure)
}

func (n *Network) EndSources() error {
	var failure *C.reflow_error
	status := C.reflow_network_end_sources(n.handle, &failure)
	return check(status, failure)
}

// CarryEnvelopes has to be called before the start.
func (n *Network) CarryEnvelopes() error {
	var failure *C.reflow_error
	status := C.reflow_network_carry_envelopes(n.handle, &failure)
	return check(status, failure)
}

// State is "created", "running", "draining", "drained", "stopping" or "stopped".
func (n *Network) State() string {
	names := []string{"created", "running", "draining", "drained", "stopping", "stopped"}
	return names[C.reflow_network_get_state(n.handle)]
}

// split parts "node.port" at the last dot; an exposed port of the graph has none.
func split(place string) (node, port string) {
	if dot := strings.LastIndexByte(place, '.'); dot >= 0 {
		return place[:dot], place[dot+1:]
	}
	return "", place
}

// Envelope is what goes with a packet and is none of its content.
type Envelope struct {
	Correlation string
	DeadlineMs  int64
}

// Inport is a place to send to.
type Inport struct {
	network *Network
	id      C.reflow_inport
}

// Inport finds "node.port", or an exposed inport by its name.
func (n *Network) Inport(place string) (Inport, error) {
	var failure *C.reflow_error
	inport := Inport{network: n}
	node, port := split(place)
	id, idSize := chars(node)
	name, nameSize := chars(port)
	status := C.rg_find_inport(n.handle, id, idSize, name, nameSize, &inport.id, &failure)
	return inport, check(status, failure)
}

// Send sends a value, waiting for room. envelope may be nil.
func (i Inport) Send(value any, envelope *Envelope, timeout time.Duration) error {
	var failure *C.reflow_error
	message, err := newMessage(value)
	if err != nil {
		return err
	}
	var status C.reflow_status
	if envelope != nil {
		text, size := chars(envelope.Correlation)
		status = C.rg_send_enveloped(i.network.handle, i.id, message, text, size,
			C.int64_t(envelope.DeadlineMs), milliseconds(timeout), &failure)
	} else {
		status = C.reflow_network_send(i.network.handle, i.id, message, milliseconds(timeout), &failure)
	}
	if status != C.REFLOW_OK {
		C.reflow_message_unref(message)
	}
	return check(status, failure)
}

// SendMany sends values in order with one crossing.
func (i Inport) SendMany(values []any, timeout time.Duration) error {
	var failure *C.reflow_error
	if len(values) == 0 {
		return nil
	}
	messages := make([]C.reflow_message, len(values))
	for n, value := range values {
		message, err := newMessage(value)
		if err != nil {
			unref(messages[:n])
			return err
		}
		messages[n] = message
	}
	var accepted C.size_t
	status := C.reflow_network_send_many(i.network.handle, i.id, &messages[0], C.size_t(len(messages)),
		milliseconds(timeout), &accepted, &failure)
	unref(messages[accepted:])
	return check(status, failure)
}

func unref(messages []C.reflow_message) {
	for _, message := range messages {
		C.reflow_message_unref(message)
	}
}

// Output reads what an outport sends.
type Output struct{ handle *C.reflow_output }

// OpenOutput opens "node.port", or an exposed outport by its name; before the start to miss nothing.
func (n *Network) OpenOutput(place string) (*Output, error) {
	var failure *C.reflow_error
	output := &Output{}
	node, port := split(place)
	id, idSize := chars(node)
	name, nameSize := chars(port)
	status := C.rg_open_output(n.handle, id, idSize, name, nameSize, &output.handle, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return output, nil
}

// Receive takes up to max values with one crossing, waiting for the first.
func (o *Output) Receive(max int, timeout time.Duration) ([]any, error) {
	var failure *C.reflow_error
	var count C.size_t
	messages := make([]C.reflow_message, max)
	status := C.reflow_output_recv_many(o.handle, &messages[0], C.size_t(max), milliseconds(timeout),
		&count, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	values := make([]any, count)
	for i, message := range messages[:count] {
		values[i] = goValue(message)
	}
	unref(messages[:count])
	return values, nil
}

// ReceiveEnveloped takes one value with its envelope.
func (o *Output) ReceiveEnveloped(timeout time.Duration) (any, Envelope, error) {
	var failure *C.reflow_error
	var message C.reflow_message
	envelope := C.reflow_envelope{struct_size: C.sizeof_reflow_envelope}
	status := C.reflow_output_recv_enveloped(o.handle, &message, &envelope, milliseconds(timeout), &failure)
	if err := check(status, failure); err != nil {
		return nil, Envelope{}, err
	}
	defer C.reflow_message_unref(message)
	return goValue(message), Envelope{text(envelope.correlation), int64(envelope.deadline_ms)}, nil
}

func (o *Output) Close() {
	C.reflow_output_destroy(o.handle)
	o.handle = nil
}

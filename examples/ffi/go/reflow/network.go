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
type Network struct {
	handle *C.reflow_network
	life   life
}

// NewNetwork makes a network of a graph, which may end afterwards.
func (rt *Runtime) NewNetwork(graph *Graph) (*Network, error) {
	var failure *C.reflow_error
	net := &Network{}
	err := rt.use(func() error {
		return graph.use(func() error {
			return check(C.reflow_network_create(rt.handle, graph.handle, &net.handle, &failure), failure)
		})
	})
	if err != nil {
		return nil, err
	}
	net.life.begin(func() { C.reflow_network_destroy(net.handle) })
	return net, nil
}

// Close stops and ends the network. Calls of it that wait on other goroutines return, and it may be one of these that
// frees the memory.
func (n *Network) Close() {
	n.life.close(func() { C.reflow_network_stop(n.handle, C.REFLOW_FOREVER, nil) })
}

// call calls what needs the network, which stays as long.
func (n *Network) call(with func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status) error {
	if !n.life.enter() {
		return errClosed("network")
	}
	defer n.life.leave()
	var failure *C.reflow_error
	return check(with(n.handle, &failure), failure)
}

func (n *Network) Start() error {
	return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_start(net, failure)
	})
}

func (n *Network) WaitIdle(timeout time.Duration) error {
	return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_wait_idle(net, milliseconds(timeout), failure)
	})
}

func (n *Network) Drain(timeout time.Duration) error {
	return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_drain(net, milliseconds(timeout), failure)
	})
}

func (n *Network) Stop(timeout time.Duration) error {
	return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_stop(net, milliseconds(timeout), failure)
	})
}

func (n *Network) EndSources() error {
	return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_end_sources(net, failure)
	})
}

// CarryEnvelopes has to be called before the start.
func (n *Network) CarryEnvelopes() error {
	return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_carry_envelopes(net, failure)
	})
}

// State is "created", "running", "draining", "drained", "stopping" or "stopped".
func (n *Network) State() string {
	names := []string{"created", "running", "draining", "drained", "stopping", "stopped"}
	if !n.life.enter() {
		return "stopped"
	}
	defer n.life.leave()
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
	inport := Inport{network: n}
	node, port := split(place)
	id, idSize := chars(node)
	name, nameSize := chars(port)
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.rg_find_inport(net, id, idSize, name, nameSize, &inport.id, failure)
	})
	return inport, err
}

// Send sends a value, waiting for room. envelope may be nil.
func (i Inport) Send(value any, envelope *Envelope, timeout time.Duration) error {
	message, err := newMessage(value)
	if err != nil {
		return err
	}
	err = i.network.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		if envelope == nil {
			return C.reflow_network_send(net, i.id, message, milliseconds(timeout), failure)
		}
		text, size := chars(envelope.Correlation)
		return C.rg_send_enveloped(net, i.id, message, text, size,
			C.int64_t(envelope.DeadlineMs), milliseconds(timeout), failure)
	})
	if err != nil {
		C.reflow_message_unref(message)
	}
	return err
}

// SendMany sends values in order with one crossing.
func (i Inport) SendMany(values []any, timeout time.Duration) error {
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
	err := i.network.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_send_many(net, i.id, &messages[0], C.size_t(len(messages)),
			milliseconds(timeout), &accepted, failure)
	})
	unref(messages[accepted:])
	return err
}

func unref(messages []C.reflow_message) {
	for _, message := range messages {
		C.reflow_message_unref(message)
	}
}

// Output reads what an outport sends.
type Output struct {
	handle *C.reflow_output
	life   life
}

// OpenOutput opens "node.port", or an exposed outport by its name; before the start to miss nothing.
func (n *Network) OpenOutput(place string) (*Output, error) {
	output := &Output{}
	node, port := split(place)
	id, idSize := chars(node)
	name, nameSize := chars(port)
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.rg_open_output(net, id, idSize, name, nameSize, &output.handle, failure)
	})
	if err != nil {
		return nil, err
	}
	output.life.begin(func() { C.reflow_output_destroy(output.handle) })
	return output, nil
}

// Receive takes up to max values with one crossing, waiting for the first.
func (o *Output) Receive(max int, timeout time.Duration) ([]any, error) {
	if max < 1 {
		return nil, errInvalid("less than one value cannot be received")
	}
	var count C.size_t
	messages := make([]C.reflow_message, max)
	err := o.life.wait("output", timeout, func(ms C.int64_t, failure **C.reflow_error) C.reflow_status {
		return C.reflow_output_recv_many(o.handle, &messages[0], C.size_t(max), ms, &count, failure)
	})
	if err != nil {
		return nil, err
	}
	values := make([]any, count)
	for i, message := range messages[:count] {
		values[i] = goValue(message)
	}
	unref(messages[:count])
	return values, nil
}

// ReceiveEnveloped takes one value with its envelope. It is for one goroutine at a time.
func (o *Output) ReceiveEnveloped(timeout time.Duration) (any, Envelope, error) {
	var message C.reflow_message
	var with Envelope
	err := o.life.wait("output", timeout, func(ms C.int64_t, failure **C.reflow_error) C.reflow_status {
		envelope := C.reflow_envelope{struct_size: C.sizeof_reflow_envelope}
		status := C.reflow_output_recv_enveloped(o.handle, &message, &envelope, ms, failure)
		if status == C.REFLOW_OK { // its texts are those of the output
			with = Envelope{text(envelope.correlation), int64(envelope.deadline_ms)}
		}
		return status
	})
	if err != nil {
		return nil, Envelope{}, err
	}
	defer C.reflow_message_unref(message)
	return goValue(message), with, nil
}

// Close ends the output. Who waits in it gets ErrClosed soon.
func (o *Output) Close() { o.life.close(nil) }

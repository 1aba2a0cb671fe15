package reflow

/*
#include "shim.h"
*/
import "C"

import "time"

// path calls one of the functions that take a path.
func (n *Network) path(what C.int, path string, timeout time.Duration) (int, error) {
	var count C.size_t
	data, size := chars(path)
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.rg_path(net, what, data, size, milliseconds(timeout), &count, failure)
	})
	return int(count), err
}

// Pause keeps a node, a subgraph, or all (an empty path) from firing.
func (n *Network) Pause(path string, timeout time.Duration) error {
	_, err := n.path(C.RG_PAUSE, path, timeout)
	return err
}

func (n *Network) Resume(path string) error {
	_, err := n.path(C.RG_RESUME, path, 0)
	return err
}

// Cancel cancels pending firings and tells how many there were.
func (n *Network) Cancel(node string) (int, error) { return n.path(C.RG_CANCEL, node, 0) }

// ReplayLetters puts dead letters back into the inports of their nodes.
func (n *Network) ReplayLetters(path string) (int, error) { return n.path(C.RG_REPLAY, path, 0) }

func (n *Network) DropLetters(path string) (int, error) { return n.path(C.RG_DROP, path, 0) }

// Step lets paused nodes fire and tells how many firings there were.
func (n *Network) Step(path string, firings int, timeout time.Duration) (int, error) {
	var fired C.uint64_t
	data, size := chars(path)
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.rg_step(net, data, size, C.uint64_t(firings), milliseconds(timeout), &fired, failure)
	})
	return int(fired), err
}

// Counters are the counts of a node.
type Counters struct{ Fired, Received, Sent, Failed, Dropped, Waiting uint64 }

func (n *Network) Counters(node string) (Counters, error) {
	var c C.reflow_node_counters
	data, size := chars(node)
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.rg_counters(net, data, size, &c, failure)
	})
	return Counters{uint64(c.fired), uint64(c.received), uint64(c.sent), uint64(c.failed),
		uint64(c.dropped), uint64(c.waiting)}, err
}

// Letters are the dead letters that wait, the oldest first, as reflow.h describes them.
func (n *Network) Letters(max int) ([]any, error) {
	var message C.reflow_message
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.rg_letters(net, C.size_t(max), &message, failure)
	})
	if err != nil {
		return nil, err
	}
	defer C.reflow_message_unref(message)
	return goValue(message).([]any), nil
}

// ---- changes while it runs

func (n *Network) putNode(replace bool, id, component string, config map[string]any) error {
	var message C.reflow_message
	if config != nil {
		var err error
		if message, err = newMessage(config); err != nil {
			return err
		}
	}
	node, nodeSize := chars(id)
	of, ofSize := chars(component)
	taken := false
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		taken = true
		return C.rg_put_node(net, C.bool(replace), node, nodeSize, of, ofSize, message, failure)
	})
	if !taken {
		C.reflow_message_unref(message)
	}
	return err
}

func (n *Network) AddNode(id, component string, config map[string]any) error {
	return n.putNode(false, id, component, config)
}

func (n *Network) ReplaceNode(id, component string, config map[string]any) error {
	return n.putNode(true, id, component, config)
}

func (n *Network) RemoveNode(id string) error {
	_, err := n.path(C.RG_REMOVE, id, 0)
	return err
}

func (n *Network) connection(connect bool, from, to string) error {
	fromNode, fromPort := split(from)
	toNode, toPort := split(to)
	a, aSize := chars(fromNode)
	b, bSize := chars(fromPort)
	c, cSize := chars(toNode)
	d, dSize := chars(toPort)
	return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.rg_connection(net, C.bool(connect), a, aSize, b, bSize, c, cSize, d, dSize, failure)
	})
}

// Connect and Disconnect take places: "node.port".
func (n *Network) Connect(from, to string) error    { return n.connection(true, from, to) }
func (n *Network) Disconnect(from, to string) error { return n.connection(false, from, to) }

// Change is what Apply has done.
type Change struct{ Added, Removed, Replaced, Kept uint64 }

// Apply makes the network that of another graph, in one step.
func (n *Network) Apply(graph *Graph) (Change, error) {
	change := C.reflow_change{struct_size: C.sizeof_reflow_change}
	if !n.life.enter() {
		return Change{}, errClosed("network")
	}
	defer n.life.leave()
	err := graph.use(func() error {
		return n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
			return C.reflow_network_apply(net, graph.handle, nil, &change, failure)
		})
	})
	return Change{uint64(change.nodes_added), uint64(change.nodes_removed),
		uint64(change.nodes_replaced), uint64(change.nodes_kept)}, err
}

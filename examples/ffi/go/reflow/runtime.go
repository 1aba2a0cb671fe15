// Package reflow is a small wrapper around libreflow for programs in Go.
//
// Components are written in Go without being called back: the engine puts their firings into a queue, a
// goroutine pulls them from there many at once, and each runs in a goroutine of its own.
//
//	rt, err := reflow.NewRuntime(reflow.Options{})
//	rt.Register(reflow.Component{ID: "Double", In: reflow.Ports("in"), Out: reflow.Ports("out"), Run: double})
//	graph, err := reflow.LoadGraph(document, "json")
//	net, err := rt.NewNetwork(graph)
//
// Everything that has a Close is ended by it, in any order.
package reflow

/*
#cgo LDFLAGS: -lreflow
#include "shim.h"
*/
import "C"

import (
	"sync"
	"time"
)

// Forever waits without limit, as a timeout.
const Forever = time.Duration(-1)

func milliseconds(timeout time.Duration) C.int64_t {
	if timeout < 0 {
		return C.REFLOW_FOREVER
	}
	return C.int64_t((timeout + time.Millisecond - 1) / time.Millisecond)
}

// Options of a runtime; zero means the default of reflow.h.
type Options struct {
	Workers      int
	PortCapacity int
	CheckTypes   bool
}

// Runtime owns threads, components and the queue of firings for the actors in Go.
type Runtime struct {
	handle  *C.reflow_runtime
	queue   *C.reflow_firing_queue
	pulling sync.WaitGroup // the goroutine that pulls
	running sync.WaitGroup // firings under way
	mutex   sync.Mutex
	known   map[string]*Component
	actors  map[uint64]*place // by the number that the engine gave
	closed  bool
	life    sync.RWMutex // of the handles
	ended   bool         // they have gone
}

// NewRuntime makes a runtime and begins to pull.
func NewRuntime(options Options) (*Runtime, error) {
	var failure *C.reflow_error
	if err := check(C.reflow_abi_check(C.REFLOW_ABI), nil); err != nil {
		return nil, err
	}
	given := C.reflow_runtime_options{
		struct_size:   C.sizeof_reflow_runtime_options,
		workers:       C.uint32_t(options.Workers),
		port_capacity: C.uint32_t(options.PortCapacity),
	}
	if options.CheckTypes {
		given.check_types = 1
	}
	rt := &Runtime{known: map[string]*Component{}, actors: map[uint64]*place{}}
	status := C.reflow_runtime_create(&given, &rt.handle, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	status = C.reflow_firing_queue_create(rt.handle, &rt.queue, &failure)
	if err := check(status, failure); err != nil {
		C.reflow_runtime_destroy(rt.handle)
		return nil, err
	}
	rt.pulling.Add(1)
	go rt.pull()
	return rt, nil
}

// Close ends the runtime. Actors that still run are waited for, so it is not for them to call; networks may be closed
// before or after, before if actors may wait for room. What is asked of the runtime from then on is refused with
// ErrClosed.
func (rt *Runtime) Close() {
	rt.mutex.Lock()
	before := rt.closed
	rt.closed = true
	rt.mutex.Unlock()
	if before {
		return
	}
	C.reflow_firing_queue_close(rt.queue)
	rt.pulling.Wait()
	rt.running.Wait()
	rt.life.Lock()
	defer rt.life.Unlock()
	rt.ended = true
	C.reflow_firing_queue_destroy(rt.queue)
	C.reflow_runtime_destroy(rt.handle)
}

// use calls what needs the handles of the runtime, which stay as long.
func (rt *Runtime) use(call func() error) error {
	rt.life.RLock()
	defer rt.life.RUnlock()
	if rt.ended {
		return errClosed("runtime")
	}
	return call()
}

// Components lists what the runtime has, as reflow_runtime_components describes.
func (rt *Runtime) Components() ([]any, error) {
	var failure *C.reflow_error
	var message C.reflow_message
	err := rt.use(func() error {
		return check(C.reflow_runtime_components(rt.handle, &message, &failure), failure)
	})
	if err != nil {
		return nil, err
	}
	defer C.reflow_message_unref(message)
	return goValue(message).([]any), nil
}

// Graph is a document that networks are made of. It is for one goroutine at a time.
type Graph struct {
	handle *C.reflow_graph
	life   life
}

func (g *Graph) begin() *Graph {
	g.life.begin(func() { C.reflow_graph_destroy(g.handle) })
	return g
}

// use calls what needs the graph, which stays as long.
func (g *Graph) use(call func() error) error {
	if !g.life.enter() {
		return errClosed("graph")
	}
	defer g.life.leave()
	return call()
}

// LoadGraph reads a graph from text; format is "json" or "yaml".
func LoadGraph(document, format string) (*Graph, error) {
	var failure *C.reflow_error
	graph := &Graph{}
	kind := C.reflow_format(C.REFLOW_FORMAT_JSON)
	if format == "yaml" {
		kind = C.REFLOW_FORMAT_YAML
	}
	data, size := chars(document)
	status := C.rg_load(data, size, kind, nil, 0, &graph.handle, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return graph.begin(), nil
}

// LoadGraphFile reads a graph from a file.
func LoadGraphFile(path string) (*Graph, error) {
	var failure *C.reflow_error
	graph := &Graph{}
	data, size := chars(path)
	status := C.rg_load_file(data, size, &graph.handle, &failure)
	if err := check(status, failure); err != nil {
		return nil, err
	}
	return graph.begin(), nil
}

// SetComponent gives a node another component.
func (g *Graph) SetComponent(node, component string) error {
	var failure *C.reflow_error
	id, idSize := chars(node)
	name, nameSize := chars(component)
	return g.use(func() error {
		return check(C.rg_set_component(g.handle, id, idSize, name, nameSize, &failure), failure)
	})
}

// SetConfig sets one value in the configuration of a node.
func (g *Graph) SetConfig(node, key string, value any) error {
	var failure *C.reflow_error
	message, err := newMessage(value)
	if err != nil {
		return err
	}
	id, idSize := chars(node)
	name, nameSize := chars(key)
	taken := false
	err = g.use(func() error {
		taken = true
		return check(C.rg_set_config(g.handle, id, idSize, name, nameSize, message, &failure), failure)
	})
	if !taken {
		C.reflow_message_unref(message)
	}
	return err
}

// Close ends the graph; networks that were made of it go on.
func (g *Graph) Close() { g.life.close(nil) }

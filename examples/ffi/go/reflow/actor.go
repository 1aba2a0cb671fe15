package reflow

/*
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"
)

// Await says what has to be there for a firing.
type Await int32

const (
	Any      Await = C.REFLOW_AWAIT_ANY
	All      Await = C.REFLOW_AWAIT_ALL
	Required Await = C.REFLOW_AWAIT_REQUIRED
)

// Port of a component.
type Port struct {
	Name, Type      string
	Required, Array bool
}

// Ports makes plain ports of names.
func Ports(names ...string) []Port {
	ports := make([]Port, len(names))
	for i, name := range names {
		ports[i].Name = name
	}
	return ports
}

// Actor is a node at work; what it remembers is its own.
type Actor interface {
	// Run sees to one firing. An error, or a panic, is a failed firing.
	Run(firing *Firing) error
}

// ActorFunc is an actor without memory.
type ActorFunc func(firing *Firing) error

func (run ActorFunc) Run(firing *Firing) error { return run(firing) }

// Component is a kind of actor. A component without inports is a source.
type Component struct {
	ID          string
	Description string
	In, Out     []Port
	Await       Await
	Concurrency int                                                     // firings of one actor at a time; default 1
	Timeout     time.Duration                                           // of a firing; default none
	Run         ActorFunc                                               // for actors without memory
	New         func(node string, config map[string]any) (Actor, error) // for the others
	Setup       func(node string, config map[string]any) error          // when the network starts; may be nil
}

// Failure is an error with a hint: what to try.
type Failure struct{ Message, Hint string }

func (f *Failure) Error() string { return f.Message }

// Input is one packet.
type Input struct {
	Value   any
	Port    int
	Index   int  // of the connection into an array port; -1 otherwise
	Present bool // false: nothing has come at this inport
	// What goes with it, in a network that carries envelopes.
	Envelope Envelope
}

// Firing is one piece of work of an actor.
type Firing struct {
	Node   string
	Config map[string]any
	Inputs []Input // one, or one for each inport if the component awaits more

	component  *Component
	handle     *C.reflow_firing
	completion C.reflow_completion
	left       bool
}

// Emit sends a value on an outport and waits while there is no room. It answers ErrClosed when nobody wants
// the work any more.
func (f *Firing) Emit(port string, value any) error {
	for number := range f.component.Out {
		if f.component.Out[number].Name != port {
			continue
		}
		message, err := newMessage(value)
		if err != nil {
			return err
		}
		status := C.reflow_completion_emit(f.completion, C.uint32_t(number), message, C.REFLOW_FOREVER)
		if status != C.REFLOW_OK {
			C.reflow_message_unref(message)
		}
		return check(status, nil)
	}
	return &Failure{fmt.Sprintf("the component %s has no outport '%s'", f.component.ID, port), ""}
}

// Again asks for another firing when this one has ended: how a source goes on. Only before Run returns.
func (f *Firing) Again() { C.reflow_firing_again(f.handle) }

// Leave lets the firing go on after Run has returned; End ends it then, on any goroutine. Streams among its inputs
// that it has not accepted are then its own to close.
func (f *Firing) Leave() { f.left = true }

// End ends a firing that was left: well, or with an error.
func (f *Firing) End(err error) {
	if err == nil {
		C.reflow_completion_resolve(f.completion)
		return
	}
	f.fail(err, "")
}

// Cancelled tells whether nobody waits for the work any more.
func (f *Firing) Cancelled() bool { return bool(C.reflow_completion_cancelled(f.completion)) }

// closeStreams ends handles that the actor has not accepted.
func (f *Firing) closeStreams() {
	for _, input := range f.Inputs {
		if stream, ok := input.Value.(*Stream); ok {
			stream.Close()
		}
	}
}

func (f *Firing) fail(err error, trace string) {
	hint := ""
	var failure *Failure
	if errors.As(err, &failure) {
		hint = failure.Hint
	}
	message, size := chars(err.Error())
	advice, adviceSize := chars(hint)
	lines, linesSize := chars(trace)
	C.rg_fail(f.completion, message, size, advice, adviceSize, lines, linesSize)
}

// ---- registering

type cPorts struct{ first *C.reflow_port }

// newPorts copies ports into memory of C.
func newPorts(ports []Port) cPorts {
	memory := C.calloc(C.size_t(len(ports)+1), C.sizeof_reflow_port)
	for i, port := range unsafe.Slice((*C.reflow_port)(memory), len(ports)) {
		port.name = newView(ports[i].Name)
		port._type = newView(ports[i].Type)
		if ports[i].Required {
			port.flags |= C.REFLOW_PORT_REQUIRED
		}
		if ports[i].Array {
			port.flags |= C.REFLOW_PORT_ARRAY
		}
		unsafe.Slice((*C.reflow_port)(memory), len(ports))[i] = port
	}
	return cPorts{(*C.reflow_port)(memory)}
}

func (p cPorts) free(count int) {
	for _, port := range unsafe.Slice(p.first, count) {
		C.free(unsafe.Pointer(port.name.data))
		C.free(unsafe.Pointer(port._type.data))
	}
	C.free(unsafe.Pointer(p.first))
}

// newView copies a text into memory of C.
func newView(s string) C.reflow_view {
	return C.reflow_view{data: C.CString(s), size: C.size_t(len(s))}
}

// Register makes a component known to the runtime.
func (rt *Runtime) Register(component Component) error {
	return rt.use(func() error { return rt.register(component) })
}

func (rt *Runtime) register(component Component) error {
	if component.Run == nil && component.New == nil {
		return errInvalid("the component '" + component.ID + "' has neither Run nor New")
	}
	var failure *C.reflow_error
	in, out := newPorts(component.In), newPorts(component.Out)
	defer in.free(len(component.In))
	defer out.free(len(component.Out))
	id, about := newView(component.ID), newView(component.Description)
	defer C.free(unsafe.Pointer(id.data))
	defer C.free(unsafe.Pointer(about.data))
	given := C.reflow_component{
		struct_size: C.sizeof_reflow_component, port_size: C.sizeof_reflow_port,
		id: id, description: about,
		inports: in.first, inport_count: C.uint32_t(len(component.In)),
		outports: out.first, outport_count: C.uint32_t(len(component.Out)),
		await:           C.reflow_await(component.Await),
		max_concurrency: C.uint32_t(component.Concurrency),
		timeout_ms:      C.uint64_t(component.Timeout / time.Millisecond),
	}
	if component.Setup != nil {
		given.setup = C.reflow_state_fn(C.rg_setup)
		given.user_data = C.rg_handle(C.uintptr_t(cgo.NewHandle(&component)))
		given.destroy = C.reflow_destroy_fn(C.rg_release)
	}
	rt.mutex.Lock()
	defer rt.mutex.Unlock()
	status := C.reflow_firing_queue_register(rt.queue, &given, &failure)
	if err := check(status, failure); err != nil {
		return err
	}
	rt.known[component.ID] = &component
	return nil
}

//export rg_setup
func rg_setup(context *C.reflow_context, handle unsafe.Pointer) C.reflow_status {
	component := cgo.Handle(uintptr(handle)).Value().(*Component)
	config, _ := goValue(C.reflow_context_config(context)).(map[string]any)
	if err := component.setUp(text(C.reflow_context_node(context)), config); err != nil {
		message, size := chars(err.Error())
		return C.rg_context_fail(context, message, size)
	}
	return C.REFLOW_OK
}

// setUp calls Setup; a panic is an error with the stack behind it.
func (component *Component) setUp(node string, config map[string]any) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v\n%s", panicked, debug.Stack())
		}
	}()
	return component.Setup(node, config)
}

//export rg_release
func rg_release(handle unsafe.Pointer) { cgo.Handle(uintptr(handle)).Delete() }

// ---- pulling

// pull takes firings from the engine until the runtime is closed.
func (rt *Runtime) pull() {
	defer rt.pulling.Done()
	for {
		var firings [64]*C.reflow_firing
		var count C.size_t
		status := C.reflow_firing_queue_next(rt.queue, &firings[0], C.size_t(len(firings)),
			C.REFLOW_FOREVER, &count, nil)
		if status != C.REFLOW_OK {
			return
		}
		for _, handle := range firings[:count] {
			rt.begin(handle)
		}
	}
}

func (rt *Runtime) begin(handle *C.reflow_firing) {
	number := uint64(C.reflow_firing_actor(handle))
	if C.reflow_firing_get_kind(handle) == C.REFLOW_FIRING_END {
		rt.mutex.Lock()
		delete(rt.actors, number)
		rt.mutex.Unlock()
		C.reflow_firing_destroy(handle)
		return
	}
	firing := rt.newFiring(handle)
	place := rt.place(number, firing)
	rt.running.Add(1)
	go func() {
		defer rt.running.Done()
		defer func() {
			if !firing.left {
				firing.closeStreams()
			}
			firing.handle = nil
			C.reflow_firing_destroy(handle)
		}()
		firing.run(place)
	}()
}

// run calls the code of the host, which may panic and may take its time.
func (f *Firing) run(place *place) {
	defer func() {
		if panicked := recover(); panicked != nil {
			f.fail(fmt.Errorf("panic: %v", panicked), string(debug.Stack()))
		}
	}()
	actor, err := place.actorOf(f)
	if err == nil {
		err = actor.Run(f)
	}
	if err != nil || !f.left {
		f.End(err)
	}
}

func (rt *Runtime) newFiring(handle *C.reflow_firing) *Firing {
	var count C.size_t
	packets := C.reflow_firing_inputs(handle, &count)
	firing := &Firing{
		Node:       text(C.reflow_firing_node(handle)),
		Inputs:     make([]Input, count),
		handle:     handle,
		completion: C.reflow_firing_completion(handle),
	}
	firing.Config, _ = goValue(C.reflow_firing_config(handle)).(map[string]any)
	for i, packet := range unsafe.Slice(packets, count) {
		input := Input{Value: goValue(packet.message), Port: int(packet.port), Index: int(packet.index)}
		input.Present = C.reflow_message_kind(packet.message) != C.REFLOW_KIND_NONE
		if packet.index == C.REFLOW_NO_INDEX {
			input.Index = -1
		}
		envelope := C.reflow_envelope{struct_size: C.sizeof_reflow_envelope}
		if packet.envelope != nil && C.reflow_packet_envelope(&packet, &envelope) == C.REFLOW_OK {
			input.Envelope = Envelope{text(envelope.correlation), int64(envelope.deadline_ms)}
		}
		firing.Inputs[i] = input
	}
	return firing
}

// place is where the actor of a node is kept, once it has been made.
type place struct {
	mutex sync.Mutex // of several firings the first makes it
	actor Actor
}

// place finds that of a firing, in the order in which the engine tells of firings and of ends.
func (rt *Runtime) place(number uint64, firing *Firing) *place {
	rt.mutex.Lock()
	defer rt.mutex.Unlock()
	firing.component = rt.known[text(C.reflow_firing_component(firing.handle))]
	if firing.component.New == nil {
		return &place{actor: firing.component.Run}
	}
	if rt.actors[number] == nil {
		rt.actors[number] = &place{}
	}
	return rt.actors[number]
}

// actorOf is called on the goroutine of the firing: New holds up nobody but firings of its own node.
func (p *place) actorOf(firing *Firing) (Actor, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.actor != nil {
		return p.actor, nil
	}
	actor, err := firing.component.New(firing.Node, firing.Config)
	if err == nil && actor == nil {
		err = fmt.Errorf("New of the component '%s' gave no actor", firing.component.ID)
	}
	if err == nil {
		p.actor = actor
	}
	return actor, err
}

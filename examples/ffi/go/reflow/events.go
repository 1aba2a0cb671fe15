package reflow

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"time"
)

var kinds = []string{"NetworkStarted", "NetworkIdle", "NetworkStalled", "NetworkShutdown", "ActorStarted",
	"ActorCompleted", "ActorFailed", "MessageSent", "MessageReceived", "ActorEmit", "Breakpoint",
	"DeadLetter", "ActorState", "ActorStuck", "CheckpointFailed"}

// Event is something that a network did. Fields that do not apply are empty.
type Event struct {
	Kind                  string
	Node, Component, Port string
	Peer, PeerPort        string // of MessageSent: who receives it
	Error                 string
	Count                 uint64
	Message               any
	Time                  time.Time
}

// Subscription is a queue of events.
type Subscription struct {
	handle *C.reflow_subscription
	life   life
}

// Subscribe asks for events of some kinds, such as "ActorFailed"; none means the usual ones.
func (n *Network) Subscribe(names ...string) (*Subscription, error) {
	options := C.reflow_event_options{struct_size: C.sizeof_reflow_event_options}
	for _, name := range names {
		known := false
		for kind := range kinds {
			if kinds[kind] == name {
				options.kinds |= 1 << kind
				known = true
			}
		}
		if !known {
			return nil, fmt.Errorf("there are no events '%s'", name)
		}
	}
	subscription := &Subscription{}
	err := n.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_network_subscribe(net, &options, &subscription.handle, failure)
	})
	if err != nil {
		return nil, err
	}
	subscription.life.begin(func() { C.reflow_subscription_destroy(subscription.handle) })
	return subscription, nil
}

// Next takes up to max events, waiting for the first, and tells how many were lost before them.
func (s *Subscription) Next(max int, timeout time.Duration) ([]Event, uint64, error) {
	if max < 1 {
		return nil, 0, errInvalid("less than one event cannot be taken")
	}
	var batch *C.reflow_event_batch
	var missed C.uint64_t
	err := s.life.wait("subscription", timeout, func(ms C.int64_t, failure **C.reflow_error) C.reflow_status {
		var lost C.uint64_t // before what is taken now
		status := C.reflow_subscription_poll(s.handle, C.size_t(max), ms, &batch, &lost, failure)
		missed += lost
		return status
	})
	if err != nil {
		return nil, uint64(missed), err
	}
	defer C.reflow_event_batch_destroy(batch)
	events := make([]Event, C.reflow_event_batch_count(batch))
	for i := range events {
		event := C.reflow_event{struct_size: C.sizeof_reflow_event}
		C.reflow_event_batch_get(batch, C.size_t(i), &event)
		events[i] = Event{
			Kind: kinds[event.kind], Node: text(event.node), Component: text(event.component),
			Port: text(event.port), Peer: text(event.peer), PeerPort: text(event.peer_port),
			Error: text(event.error), Count: uint64(event.count), Message: goValue(event.message),
			Time: time.UnixMilli(int64(event.timestamp_ms)),
		}
	}
	return events, uint64(missed), nil
}

// Close ends the subscription. Who waits in it gets ErrClosed soon.
func (s *Subscription) Close() { s.life.close(nil) }

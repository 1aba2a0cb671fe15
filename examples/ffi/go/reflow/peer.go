package reflow

/*
#include "shim.h"
*/
import "C"

import "time"

// Peer links a network of this process to networks of others.
type Peer struct{ handle *C.reflow_peer }

// NewPeer makes a peer of a configuration in TOML; docs/peers.md has the keys. It listens on bind_port,
// where 0 is a free one, and dials with Connect.
func (rt *Runtime) NewPeer(toml string) (*Peer, error) {
	var failure *C.reflow_error
	peer := &Peer{}
	data, size := chars(toml)
	err := rt.use(func() error {
		return check(C.rg_new_peer(rt.handle, data, size, &peer.handle, &failure), failure)
	})
	if err != nil {
		return nil, err
	}
	return peer, nil
}

// Attach says whose actors others reach. Before Start.
func (p *Peer) Attach(net *Network) error {
	var failure *C.reflow_error
	return check(C.reflow_peer_attach(p.handle, net.handle, &failure), failure)
}

// Start listens.
func (p *Peer) Start() error {
	var failure *C.reflow_error
	return check(C.reflow_peer_start(p.handle, &failure), failure)
}

// Port is where it listens; 0 before the start, or without a port.
func (p *Peer) Port() int { return int(C.reflow_peer_port(p.handle)) }

// Connect dials an endpoint, such as "127.0.0.1:9100", and tells the id of the network there. A link that breaks is
// dialled again.
func (p *Peer) Connect(endpoint string, timeout time.Duration) (string, error) {
	var failure *C.reflow_error
	var network C.reflow_message
	data, size := chars(endpoint)
	status := C.rg_dial(p.handle, data, size, milliseconds(timeout), &network, &failure)
	if err := check(status, failure); err != nil {
		return "", err
	}
	defer C.reflow_message_unref(network)
	name, _ := goValue(network).(string)
	return name, nil
}

// Send sends a value to "actor.port" of another network, and waits until the inport has it: so an actor that is not
// there is an error here.
func (p *Peer) Send(network, place string, value any, timeout time.Duration) error {
	var failure *C.reflow_error
	message, err := newMessage(value)
	if err != nil {
		return err
	}
	actor, port := split(place)
	to, toSize := chars(network)
	node, nodeSize := chars(actor)
	name, nameSize := chars(port)
	status := C.rg_peer_send(p.handle, to, toSize, node, nodeSize, name, nameSize, message, milliseconds(timeout), &failure)
	if status != C.REFLOW_OK {
		C.reflow_message_unref(message)
	}
	return check(status, failure)
}

// Close ends the peer and its links; the network goes on.
func (p *Peer) Close() {
	C.reflow_peer_destroy(p.handle)
	p.handle = nil
}

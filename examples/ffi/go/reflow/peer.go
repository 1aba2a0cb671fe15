package reflow

/*
#include "shim.h"
*/
import "C"

import "time"

// Peer links a network of this process to networks of others.
type Peer struct {
	handle *C.reflow_peer
	life   life
}

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
	peer.life.begin(func() { C.reflow_peer_destroy(peer.handle) })
	return peer, nil
}

// call calls what needs the peer, which stays as long.
func (p *Peer) call(with func(failure **C.reflow_error) C.reflow_status) error {
	if !p.life.enter() {
		return errClosed("peer")
	}
	defer p.life.leave()
	var failure *C.reflow_error
	return check(with(&failure), failure)
}

// Attach says whose actors others reach. Before Start.
func (p *Peer) Attach(net *Network) error {
	if !p.life.enter() {
		return errClosed("peer")
	}
	defer p.life.leave()
	return net.call(func(net *C.reflow_network, failure **C.reflow_error) C.reflow_status {
		return C.reflow_peer_attach(p.handle, net, failure)
	})
}

// Start listens.
func (p *Peer) Start() error {
	return p.call(func(failure **C.reflow_error) C.reflow_status { return C.reflow_peer_start(p.handle, failure) })
}

// Port is where it listens; 0 before the start, after the end, or without a port.
func (p *Peer) Port() int {
	if !p.life.enter() {
		return 0
	}
	defer p.life.leave()
	return int(C.reflow_peer_port(p.handle))
}

// Connect dials an endpoint, such as "127.0.0.1:9100", and tells the id of the network there. A link that breaks is
// dialled again.
func (p *Peer) Connect(endpoint string, timeout time.Duration) (string, error) {
	var network C.reflow_message
	data, size := chars(endpoint)
	err := p.call(func(failure **C.reflow_error) C.reflow_status {
		return C.rg_dial(p.handle, data, size, milliseconds(timeout), &network, failure)
	})
	if err != nil {
		return "", err
	}
	defer C.reflow_message_unref(network)
	name, _ := goValue(network).(string)
	return name, nil
}

// Send sends a value to "actor.port" of another network, and waits until the inport has it: so an actor that is not
// there is an error here.
func (p *Peer) Send(network, place string, value any, timeout time.Duration) error {
	message, err := newMessage(value)
	if err != nil {
		return err
	}
	actor, port := split(place)
	to, toSize := chars(network)
	node, nodeSize := chars(actor)
	name, nameSize := chars(port)
	err = p.call(func(failure **C.reflow_error) C.reflow_status {
		return C.rg_peer_send(p.handle, to, toSize, node, nodeSize, name, nameSize, message, milliseconds(timeout), failure)
	})
	if err != nil {
		C.reflow_message_unref(message)
	}
	return err
}

// Close ends the peer and its links, as fast as they can be closed within five seconds; the network goes on.
func (p *Peer) Close() {
	p.life.close(func() { C.reflow_peer_stop(p.handle, 5000, nil) })
}

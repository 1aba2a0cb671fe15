package reflow

// The steps of the conformance scenarios.

import (
	"encoding/json"
	"errors"
	"strings"
)

func (p *player) decode(raw json.RawMessage, to any) {
	p.Helper()
	if raw != nil {
		p.works(json.Unmarshal(raw, to))
	}
}

func (p *player) text(raw json.RawMessage) (text string) {
	p.decode(raw, &text)
	return
}

func (p *player) list(raw json.RawMessage) (list []json.RawMessage) {
	p.decode(raw, &list)
	return
}

// settle compares the result of a call with what the step expects.
func (p *player) settle(step map[string]json.RawMessage, err error) bool {
	p.Helper()
	if step["refused"] != nil {
		var r refusal
		p.decode(step["refused"], &r)
		p.refused(&r, err)
		return false
	}
	p.works(err)
	return true
}

func (p *player) counted(step map[string]json.RawMessage, key string, got int, err error) {
	p.Helper()
	want := got
	p.decode(step[key], &want)
	if p.settle(step, err) && want != got {
		p.fail("%d and not %d", got, want)
	}
}

func (p *player) play(step map[string]json.RawMessage) {
	for verb, argument := range step {
		if p.playVerb(step, verb, argument) {
			return
		}
	}
	p.fail("this runner does not know the step %s", step)
}

func (p *player) playVerb(step map[string]json.RawMessage, verb string, argument json.RawMessage) bool {
	net := p.net
	switch verb {
	case "send":
		p.settle(step, p.send(step))
	case "receive":
		p.receive(step)
	case "idle":
		p.settle(step, net.WaitIdle(patience))
	case "drain":
		p.settle(step, net.Drain(patience))
	case "stop":
		p.settle(step, net.Stop(patience))
	case "end_sources":
		p.settle(step, net.EndSources())
	case "closed":
		if _, err := p.output(argument).Receive(1, 0); !errors.Is(err, ErrClosed) {
			p.fail("the output answers %v", err)
		}
	case "open":
		output, err := net.OpenOutput(p.text(argument))
		if p.settle(step, err) {
			p.outputs[p.text(argument)] = output
		}
	case "events":
		p.checkEvents(step)
	case "counters":
		p.counters(step)
	case "state":
		if net.State() != p.text(argument) {
			p.fail("the network is %s", net.State())
		}
	case "letters":
		p.letters(step)
	case "replay_letters":
		count, err := net.ReplayLetters(p.text(argument))
		p.counted(step, "count", count, err)
	case "drop_letters":
		count, err := net.DropLetters(p.text(argument))
		p.counted(step, "count", count, err)
	case "cancel":
		count, err := net.Cancel(p.text(argument))
		p.counted(step, "count", count, err)
	case "pause":
		p.settle(step, net.Pause(p.text(argument), patience))
	case "resume":
		p.settle(step, net.Resume(p.text(argument)))
	case "step":
		firings := 1
		p.decode(step["firings"], &firings)
		fired, err := net.Step(p.text(argument), firings, patience)
		p.counted(step, "fired", fired, err)
	default:
		return p.playChange(step, verb, argument)
	}
	return true
}

func (p *player) playChange(step map[string]json.RawMessage, verb string, argument json.RawMessage) bool {
	var config map[string]any
	if step["metadata"] != nil {
		config, _ = p.value(step["metadata"]).(map[string]any)
	}
	var places [2]string
	switch verb {
	case "add_node":
		p.settle(step, p.net.AddNode(p.text(argument), p.text(step["component"]), config))
	case "replace_node":
		p.settle(step, p.net.ReplaceNode(p.text(argument), p.text(step["component"]), config))
	case "remove_node":
		p.settle(step, p.net.RemoveNode(p.text(argument)))
	case "connect":
		p.decode(argument, &places)
		p.settle(step, p.net.Connect(places[0], places[1]))
	case "disconnect":
		p.decode(argument, &places)
		p.settle(step, p.net.Disconnect(places[0], places[1]))
	case "apply":
		p.apply(step)
	default:
		return false
	}
	return true
}

func (p *player) apply(step map[string]json.RawMessage) {
	graph, err := LoadGraph(string(step["apply"]), "json")
	p.works(err)
	defer graph.Close()
	change, err := p.net.Apply(graph)
	if !p.settle(step, err) {
		return
	}
	got := map[string]uint64{"nodes_added": change.Added, "nodes_removed": change.Removed,
		"nodes_replaced": change.Replaced, "nodes_kept": change.Kept}
	want := map[string]uint64{}
	p.decode(step["change"], &want)
	for key := range want {
		if got[key] != want[key] {
			p.fail("%s is %d and not %d", key, got[key], want[key])
		}
	}
}

func (p *player) send(step map[string]json.RawMessage) error {
	inport, err := p.net.Inport(p.text(step["send"]))
	if err != nil {
		return err
	}
	var envelope *Envelope
	if step["envelope"] != nil {
		envelope = p.envelope(step["envelope"])
	}
	for _, value := range p.list(step["values"]) {
		if err := inport.Send(p.value(value), envelope, patience); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) envelope(raw json.RawMessage) *Envelope {
	var given struct {
		Correlation string
		DeadlineMs  int64 `json:"deadline_ms"`
	}
	p.decode(raw, &given)
	return &Envelope{given.Correlation, given.DeadlineMs}
}

func (p *player) output(place json.RawMessage) *Output {
	output := p.outputs[p.text(place)]
	if output == nil {
		p.fail("the output %s is not open", place)
	}
	return output
}

func (p *player) receive(step map[string]json.RawMessage) {
	output := p.output(step["receive"])
	var expected []any
	for _, value := range p.list(step["values"]) {
		expected = append(expected, p.value(value))
	}
	envelopes := p.list(step["envelopes"])
	anyOrder := p.text(step["order"]) == "any"
	for i, total := 0, len(expected); i < total; i++ {
		value, envelope, err := output.ReceiveEnveloped(patience)
		p.works(err)
		found := -1
		for j := range expected {
			if same(value, expected[j]) {
				found = j
				break
			}
			if !anyOrder {
				break
			}
		}
		if found < 0 {
			p.fail("message %d is %#v, which is not expected", i+1, value)
		}
		expected = append(expected[:found], expected[found+1:]...)
		if envelopes != nil && envelope != *p.envelope(envelopes[i]) {
			p.fail("the envelope of message %d is %v", i+1, envelope)
		}
	}
	more, err := output.Receive(1, 0)
	if !errors.Is(err, ErrWouldBlock) && !errors.Is(err, ErrClosed) {
		p.fail("there is more: %v %v", more, err)
	}
}

func (p *player) counters(step map[string]json.RawMessage) {
	counters, err := p.net.Counters(p.text(step["counters"]))
	if !p.settle(step, err) {
		return
	}
	got := map[string]uint64{"fired": counters.Fired, "received": counters.Received, "sent": counters.Sent,
		"failed": counters.Failed, "dropped": counters.Dropped, "waiting": counters.Waiting}
	for key, count := range got {
		want := count
		p.decode(step[key], &want)
		if want != count {
			p.fail("%s is %d and not %d", key, count, want)
		}
	}
}

// ---- events and letters

type expectedEvent struct {
	Kind, Node, Component, Port, Peer, Error string
	PeerPort                                 string `json:"peer_port"`
	Count                                    *uint64
	Message                                  json.RawMessage
}

func (p *player) isEvent(got Event, want expectedEvent) bool {
	for _, pair := range [][2]string{{want.Kind, got.Kind}, {want.Node, got.Node}, {want.Component, got.Component},
		{want.Port, got.Port}, {want.Peer, got.Peer}, {want.PeerPort, got.PeerPort}} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return strings.Contains(got.Error, want.Error) && (want.Count == nil || *want.Count == got.Count) &&
		(want.Message == nil || same(p.value(want.Message), got.Message))
}

func (p *player) checkEvents(step map[string]json.RawMessage) {
	var expected []expectedEvent
	p.decode(step["events"], &expected)
	anyOrder := p.text(step["order"]) == "any"
	for len(expected) > 0 {
		events, _, err := p.events.Next(1, patience)
		if err != nil {
			p.fail("%v, and %v is expected", err, expected[0])
		}
		found := -1
		for i := range expected {
			if p.isEvent(events[0], expected[i]) {
				found = i
				break
			}
			if !anyOrder {
				break
			}
		}
		if found < 0 {
			p.fail("%+v is not expected", events[0])
		}
		expected = append(expected[:found], expected[found+1:]...)
	}
	if events, _, err := p.events.Next(1, 0); err == nil {
		p.fail("%+v came, too", events[0])
	}
}

func (p *player) letters(step map[string]json.RawMessage) {
	letters, err := p.net.Letters(1000)
	p.works(err)
	expected := p.list(step["letters"])
	if len(letters) != len(expected) {
		p.fail("%d letters wait", len(letters))
	}
	for i, raw := range expected {
		want, got := p.value(raw).(map[string]any), letters[i].(map[string]any)
		for key := range want {
			right := same(want[key], got[key])
			switch key {
			case "message":
				right = strings.Contains(got[key].(string), want[key].(string))
			case "packets":
				right = samePackets(want[key].([]any), got[key].([]any))
			}
			if !right {
				p.fail("the %s of letter %d is %v", key, i+1, got[key])
			}
		}
	}
}

func samePackets(want, got []any) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		w, g := want[i].(map[string]any), got[i].(map[string]any)
		if w["port"] != g["port"] || !same(w["message"], g["message"]) {
			return false
		}
	}
	return true
}
